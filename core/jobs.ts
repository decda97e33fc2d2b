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
 *
 * A message that was given up says so (`failed`, a part that is `lost`). A worker that dies in a last try cannot: that try
 * is announced (`doubtedAtMs`, a part that is `doubted`), which says nothing until no worker can be alive that began it.
 * What nobody could announce ends with the queue's patience. All of it gives way to what a redrive brings.
 * @module
 */
import { QUEUE_DAYS, WORKER_SECONDS_MAX } from './config';
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
  /** Nobody knows: its message was given up. */
  readonly lost?: true;
  /** The last try of its message began at `atMs`; it is lost when nothing else is told within a warmer's life. */
  readonly doubted?: true;
}

/** What a revalidation would do, for a dry run. */
export interface JobPlan {
  readonly atMs: number;
  /** The first of them, each with why it is there, how many urls it covers and some of these. */
  readonly items: readonly {
    readonly item: string;
    readonly why: string;
    readonly covers: number;
    readonly sample: readonly string[];
  }[];
  readonly itemsCount: number;
  /** The first of the tags and urls that need no item of their own, each with why not. */
  readonly skipped: readonly { readonly asked: string; readonly why: string }[];
  readonly skippedCount: number;
  readonly priceUsd: number;
  /** How many urls depend on what was asked for. */
  readonly covered: number;
  /** Some of them. */
  readonly sample: readonly string[];
  /** What else the items would hit: urls that nobody asked for. */
  readonly collateral: { readonly count: number; readonly sample: readonly string[] };
  /** Urls that should be purged and that no item reaches: their copies end with their own lifetime. */
  readonly unpurgeable: { readonly count: number; readonly sample: readonly string[] };
  /** Whether the budget would let it be purged. */
  readonly isAllowed: boolean;
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
  /** When the last try of its revalidation began. */
  readonly doubtedAtMs?: number;
  /** When its revalidation was given up. */
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

/** @param nowMs  when it is asked: time alone settles what is in doubt. @default 0, nothing is settled by it */
export function jobOf(facts: JobFacts, nowMs = 0): Job {
  const { parts: _, warmParts, error: __, ...rest } = facts;
  const results = resultsOf(facts, nowMs);
  const sum = (of: (result: WarmResult) => number) =>
    results.reduce((total, result) => total + of(result), 0);
  const stale = sum((result) => result.staleCount);
  const failed = sum((result) => result.failedCount);
  const warmed = sum((result) => result.warmed);
  const problems = stale + failed + (facts.unpurgeable?.count ?? 0);
  const stand = standOf(facts, { problems, warmed }, nowMs);
  const freshAtMs = Math.max(facts.warmingAtMs ?? 0, ...results.map((result) => result.atMs));
  return {
    ...rest,
    ...stand,
    ...(stand.state === 'fresh' ? { freshAtMs } : {}),
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

function standOf(
  facts: JobFacts,
  { problems, warmed }: { problems: number; warmed: number },
  nowMs: number,
): Pick<Job, 'state' | 'error'> {
  if (facts.planned) return { state: 'planned' };
  const inPart = warmed > 0 && facts.warmParts ? 'partly-fresh' : 'failed';
  if (isWarmed(facts, nowMs)) {
    if (!isCompleted(facts)) return { state: 'warming' };
    return { state: problems === 0 ? 'fresh' : inPart };
  }
  if (facts.refused && facts.purgedAtMs === undefined) {
    return { state: facts.refused.oldUntilMs === undefined ? 'refused' : 'expiring' };
  }
  const error = whyLost(facts, nowMs);
  if (error !== undefined) return { state: inPart, error };
  if (facts.warmParts !== undefined) return { state: 'warming' };
  if (facts.purgedAtMs !== undefined) return { state: 'purged' };
  return { state: facts.purgingAtMs === undefined ? 'queued' : 'purging' };
}

/** Of a job whose message's last try never ended, in words. */
export const LAST_TRY =
  'the last try has begun and has not ended: its worker has died (its log says of what), isr redrive sends it back';
const UNHEARD = `nothing was heard of it for ${QUEUE_DAYS} days: no queue has it but a dead-letter queue (isr jobs --dlq)`;

/**
 * Why nobody is at a job that has not ended; undefined as long as somebody may be. When its warms are enqueued the
 * invalidator has done its part, whatever it said before, or a late duplicate says after.
 */
function whyLost(facts: JobFacts, nowMs: number): string | undefined {
  const { requestedAtMs, purgingAtMs = 0, warmingAtMs = 0, doubtedAtMs = nowMs } = facts;
  if (facts.warmParts === undefined) {
    if (facts.failedAtMs !== undefined) return facts.error ?? 'it was given up';
    if (nowMs - doubtedAtMs > WORKER_SECONDS_MAX.invalidator * 1_000) return LAST_TRY;
  }
  const sentAtMs = Math.max(requestedAtMs, purgingAtMs, warmingAtMs);
  return nowMs - sentAtMs > QUEUE_DAYS * 86_400_000 ? UNHEARD : undefined;
}

/** The parts that count, as far as they were told. */
function resultsOf({ parts, warmParts }: JobFacts, nowMs: number): WarmResult[] {
  const isTold = ({ doubted, atMs }: WarmResult) =>
    !doubted || nowMs - atMs > WORKER_SECONDS_MAX.warmer * 1_000;
  return (warmParts ?? Object.keys(parts)).flatMap((part) => parts[part] ?? []).filter(isTold);
}

/**
 * Every part of its warms was told, or will be by nobody.
 *
 * @param nowMs  as of `jobOf`
 */
export function isWarmed(facts: JobFacts, nowMs = 0): boolean {
  return resultsOf(facts, nowMs).length === facts.warmParts?.length;
}

/** Some of its urls were not even tried: a redrive may yet make them fresh. */
export function hasLost({ parts, warmParts = [] }: JobFacts): boolean {
  return warmParts.some((part) => parts[part]?.lost || parts[part]?.doubted);
}

/** Whether a part's result takes the place of what was told of it: knowing more does, and the last reason counts. */
export function replaces(result: WarmResult, before: WarmResult): boolean {
  return !result.doubted && (before.doubted === true || before.lost === true);
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

/** True when the job's id stands for another revalidation than this one; poison is no work at all. */
export function isConflict(
  facts: Pick<JobFacts, 'work'> | undefined,
  work: string | undefined,
): boolean {
  return facts?.work !== undefined && facts.work !== work;
}

/** The same for the same work, in whatever order and however often it names its tags and urls. */
export function workId({ tags, urls, dryRun, allowCollateral }: Revalidation): string {
  const sorted = (names: readonly string[]) => [...new Set(names)].sort();
  const work = [sorted(tags), sorted(urls), dryRun === true, allowCollateral === true];
  return hash(JSON.stringify(work)).slice(0, 32);
}

/** How many urls of a plan are shown. */
export const PLAN_SAMPLE_MAX = 20;
const PLAN_ITEMS_MAX = 100;
const PLAN_ITEM_SAMPLE_MAX = 3;
const PLAN_SKIPPED_MAX = 100;
/** An item of the table holds 400 KB: 760 texts of so many characters do, though JSON doubles each `"`. */
const PLAN_TEXT_LENGTH_MAX = 250;

const UNPURGEABLE_MAX = 5;

/** For a job: how many urls no item reaches, and some of them with why. */
export function unpurgeableOf({ unpurgeable }: Pick<Plan, 'unpurgeable'>) {
  const some = unpurgeable.slice(0, UNPURGEABLE_MAX);
  return { count: unpurgeable.length, sample: some.map(({ url, why }) => `${url}: ${why}`) };
}

/** A plan that fits into a job. */
export function boundedPlan(plan: JobPlan): JobPlan {
  const { items, skipped, sample, collateral, unpurgeable, budget, ...counts } = plan;
  const cut = (text: string) =>
    text.length > PLAN_TEXT_LENGTH_MAX ? `${text.slice(0, PLAN_TEXT_LENGTH_MAX - 1)}…` : text;
  const some = (urls: readonly string[], max = PLAN_SAMPLE_MAX) => urls.slice(0, max).map(cut);
  return {
    ...counts,
    items: items.slice(0, PLAN_ITEMS_MAX).map(({ item, why, covers, sample: urls }) => ({
      item: cut(item),
      why: cut(why),
      covers,
      sample: some(urls, PLAN_ITEM_SAMPLE_MAX),
    })),
    skipped: skipped
      .slice(0, PLAN_SKIPPED_MAX)
      .map(({ asked, why }) => ({ asked: cut(asked), why: cut(why) })),
    sample: some(sample),
    collateral: { ...collateral, sample: some(collateral.sample) },
    unpurgeable: { ...unpurgeable, sample: some(unpurgeable.sample) },
    budget: cut(budget),
  };
}
