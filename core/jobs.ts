/**
 * A job: one revalidation, followed from request to fresh.
 *
 *     queued → purging → purged → warming → fresh | partly-fresh | failed (no page became fresh)
 *                      ↘ refused | expiring (by the budget: its pages are left to their lifetimes)
 *     queued → planned   (a dry run: nothing was done)
 *
 * What is stored are facts, each set once or growing; the state is read off them. So a late or repeated message
 * cannot move a job back.
 * A job has ended when its warms have and CloudFront says that its invalidations are Completed (core/completion.ts asks).
 * @module
 */
import { hash } from './hash';
import type { Plan } from './plan/contract';
import type { Revalidation } from './revalidation';

/** What became of one part of a job's warms. */
export interface WarmResult {
  readonly atMs: number;
  readonly warmed: number;
  /** Urls that were still old when the deadline came, at most 5. */
  readonly stale: readonly string[];
  readonly staleCount: number;
  /** `/url: reason`, at most 5. */
  readonly failed: readonly string[];
  readonly failedCount: number;
}

/** What a revalidation would do, for a dry run. */
export interface JobPlan {
  readonly atMs: number;
  /** The first PLAN_ITEMS_MAX, each with why it is there. */
  readonly items: readonly { readonly item: string; readonly why: string }[];
  readonly itemsCount: number;
  readonly priceUsd: number;
  /** How many urls depend on what was asked for. */
  readonly covered: number;
  /** Some of them, PLAN_SAMPLE_MAX at most. */
  readonly sample: readonly string[];
  /** What else the items would hit: urls that nobody asked for. */
  readonly collateral: { readonly count: number; readonly sample: readonly string[] };
  /** Urls that should be purged and that no item reaches: their copies end with their own lifetime. */
  readonly unpurgeable: { readonly count: number; readonly sample: readonly string[] };
  /** What the budget says, in words. */
  readonly budget: string;
}

export interface JobFacts {
  readonly id: string;
  readonly requestedAtMs: number;
  readonly purgingAtMs?: number;
  readonly purgedAtMs?: number;
  readonly warmingAtMs?: number;
  /** When CloudFront was found to have completed all its invalidations. */
  readonly completedAtMs?: number;
  readonly failedAtMs?: number;
  readonly error?: string;
  readonly refused?: {
    readonly atMs: number;
    readonly reason: string;
    /** Its pages are left to their lifetimes: no copy from before it is served later than that. */
    readonly oldUntilMs?: number;
  };
  readonly planned?: JobPlan;
  readonly epochMs?: number;
  /** What it was asked for first (`workId`); another revalidation under its id is a conflict. */
  readonly work?: string;
  /** When another revalidation first came under its id: nothing was purged for that one. */
  readonly conflictAtMs?: number;
  readonly conflictWork?: string;
  /** The purge that it belongs to, together with the other jobs of its batch. */
  readonly purge?: string;
  /** How many tags and urls were asked for. */
  readonly tags: number;
  readonly urls: number;
  /** Purge items that this job needed; jobs of one batch share them. */
  readonly items?: number;
  /** Of its items, at the month's count when they were sent. */
  readonly priceUsd?: number;
  /** Tags and urls that needed no item. */
  readonly skipped?: number;
  /** Urls that depended on them. */
  readonly covered?: number;
  readonly invalidations?: readonly string[];
  /** Urls that no item reaches, if any; `/url: reason` of some. */
  readonly unpurgeable?: { readonly count: number; readonly sample: readonly string[] };
  /** Urls that nobody asked for and that its items hit, if any. */
  readonly collateral?: { readonly count: number; readonly sample: readonly string[] };
  /** The parts that were enqueued for it; what others report under its name does not count. */
  readonly warmParts?: readonly string[];
  readonly warmUrls?: number;
  readonly parts: Readonly<Record<string, WarmResult>>;
}

/** In the order of a life; the last six end it. */
export const JOB_STATES = [
  'queued',
  'purging',
  'purged',
  'warming',
  'fresh',
  'partly-fresh',
  'failed',
  'expiring',
  'refused',
  'planned',
] as const;

export type JobState = (typeof JOB_STATES)[number];

/** As `GET /jobs/{id}` answers. */
export interface Job extends Omit<JobFacts, 'parts' | 'warmParts'> {
  readonly state: JobState;
  /** When its last page was verified. */
  readonly freshAtMs?: number;
  readonly warmed: number;
  readonly stale: number;
  readonly failed: number;
  /** What is not fresh, and why; at most 5 of each kind and part. */
  readonly problems: readonly string[];
}

export function jobOf(facts: JobFacts): Job {
  const { parts: _, warmParts, ...rest } = facts;
  const results = resultsOf(facts);
  const sum = (of: (result: WarmResult) => number) =>
    results.reduce((total, result) => total + of(result), 0);
  const stale = sum((result) => result.staleCount);
  const failed = sum((result) => result.failedCount);
  const warmed = sum((result) => result.warmed);
  const unreached = facts.unpurgeable?.count ?? 0;
  const state = stateOf(facts, { problems: stale + failed + unreached, warmed });
  const freshAtMs = Math.max(facts.warmingAtMs ?? 0, ...results.map((result) => result.atMs));
  return {
    ...rest,
    state,
    ...(state === 'fresh' ? { freshAtMs } : {}),
    warmed,
    stale,
    failed,
    problems: [
      ...(facts.unpurgeable?.sample ?? []),
      ...results.flatMap((result) => result.stale.map((url) => `${url}: still stale`)),
      ...results.flatMap((result) => result.failed),
    ],
  };
}

function stateOf(
  facts: JobFacts,
  { problems, warmed }: { problems: number; warmed: number },
): JobState {
  if (facts.planned) return 'planned';
  if (isWarmed(facts) && isCompleted(facts)) {
    return problems === 0 ? 'fresh' : warmed === 0 ? 'failed' : 'partly-fresh';
  }
  if (facts.refused && facts.purgedAtMs === undefined) {
    return facts.refused.oldUntilMs === undefined ? 'refused' : 'expiring';
  }
  // a job that came back from the dead-letter queue and went on has not failed; one that was purged, and no more, has
  if ((facts.failedAtMs ?? 0) > (facts.warmingAtMs ?? 0)) return 'failed';
  if (facts.warmParts !== undefined) return 'warming';
  if (facts.purgedAtMs !== undefined) return 'purged';
  return facts.purgingAtMs === undefined ? 'queued' : 'purging';
}

/** The parts that count, as far as they were told. */
function resultsOf({ parts, warmParts }: JobFacts): WarmResult[] {
  return (warmParts ?? Object.keys(parts)).flatMap((part) => parts[part] ?? []);
}

/** Every part of its warms was told. */
export function isWarmed(facts: JobFacts): boolean {
  return resultsOf(facts).length === facts.warmParts?.length;
}

/**
 * How a job whose warms have ended will end, once CloudFront has completed its purge: a matter of time, and nobody waits
 * for it.
 */
export function endOf(facts: JobFacts): Pick<Job, 'state' | 'requestedAtMs' | 'freshAtMs'> {
  return jobOf({ ...facts, invalidations: [] });
}

/** CloudFront has nothing in progress for it. */
export function isCompleted({ completedAtMs, invalidations = [] }: JobFacts): boolean {
  return completedAtMs !== undefined || invalidations.length === 0;
}

export function isEnded(state: JobState): boolean {
  return JOB_STATES.indexOf(state) >= JOB_STATES.indexOf('fresh');
}

/** False when nothing is left for the invalidator: its warms are enqueued, or it was refused or planned. */
export function isOpen(facts: JobFacts | undefined): boolean {
  return !facts || (facts.warmParts ?? facts.refused ?? facts.planned) === undefined;
}

/** True when the job's id stands for another revalidation than this one. */
export function isConflict(facts: Pick<JobFacts, 'work'> | undefined, work: string): boolean {
  return facts?.work !== undefined && facts.work !== work;
}

/** The same for the same work, in whatever order and however often it names its tags and urls. */
export function workId({ tags, urls, dryRun, allowCollateral }: Revalidation): string {
  const sorted = (names: readonly string[]) => [...new Set(names)].sort();
  const work = [sorted(tags), sorted(urls), dryRun === true, allowCollateral === true];
  return hash(JSON.stringify(work)).slice(0, 32);
}

const PLAN_ITEMS_MAX = 100;
const PLAN_SAMPLE_MAX = 20;
/** An item of the table holds 400 KB: 240 texts of so many characters are far below. */
const PLAN_TEXT_LENGTH_MAX = 300;

const UNPURGEABLE_MAX = 5;

/** For a job: how many urls no item reaches, and some of them with why. */
export function unpurgeableOf({ unpurgeable }: Pick<Plan, 'unpurgeable'>) {
  const some = unpurgeable.slice(0, UNPURGEABLE_MAX);
  return { count: unpurgeable.length, sample: some.map(({ url, why }) => `${url}: ${why}`) };
}

/** A plan that fits into a job. */
export function boundedPlan(plan: JobPlan): JobPlan {
  const { items, sample, collateral, unpurgeable, budget, ...counts } = plan;
  const cut = (text: string) =>
    text.length > PLAN_TEXT_LENGTH_MAX ? `${text.slice(0, PLAN_TEXT_LENGTH_MAX - 1)}…` : text;
  const some = (urls: readonly string[]) => urls.slice(0, PLAN_SAMPLE_MAX).map(cut);
  return {
    ...counts,
    items: items
      .slice(0, PLAN_ITEMS_MAX)
      .map(({ item, why }) => ({ item: cut(item), why: cut(why) })),
    sample: some(sample),
    collateral: { ...collateral, sample: some(collateral.sample) },
    unpurgeable: { ...unpurgeable, sample: some(unpurgeable.sample) },
    budget: cut(budget),
  };
}
