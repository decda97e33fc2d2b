/**
 * A job: one revalidation, followed from request to fresh.
 *
 *     queued → purging → purged → warming → fresh | partly-fresh | failed (no page became fresh)
 *
 * What is stored are facts, each set once or growing; the state is read off them. So a late or repeated message
 * cannot move a job back.
 * @module
 */

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

export interface JobFacts {
  readonly id: string;
  readonly requestedAtMs: number;
  readonly purgingAtMs?: number;
  readonly purgedAtMs?: number;
  readonly warmingAtMs?: number;
  readonly failedAtMs?: number;
  readonly error?: string;
  readonly epochMs?: number;
  /** The purge that it belongs to, together with the other jobs of its batch. */
  readonly purge?: string;
  /** How many tags and urls were asked for. */
  readonly tags: number;
  readonly urls: number;
  /** Purge items that this job needed; jobs of one batch share them. */
  readonly items?: number;
  /** Tags and urls that needed no item. */
  readonly skipped?: number;
  /** Urls that depended on them. */
  readonly covered?: number;
  readonly invalidations?: readonly string[];
  /** The parts that were enqueued for it; what others report under its name does not count. */
  readonly warmParts?: readonly string[];
  readonly warmUrls?: number;
  readonly parts: Readonly<Record<string, WarmResult>>;
}

export type JobState =
  | 'queued'
  | 'purging'
  | 'purged'
  | 'warming'
  | 'fresh'
  | 'partly-fresh'
  | 'failed';

/** As `GET /jobs/{id}` answers. */
export interface Job extends Omit<JobFacts, 'parts' | 'warmParts'> {
  readonly state: JobState;
  readonly freshAtMs?: number;
  readonly warmed: number;
  readonly stale: number;
  readonly failed: number;
  /** What is not fresh, and why; at most 5 of each kind and part. */
  readonly problems: readonly string[];
}

export function jobOf(facts: JobFacts): Job {
  const { parts, warmParts, ...rest } = facts;
  const results = (warmParts ?? Object.keys(parts)).flatMap((part) => parts[part] ?? []);
  const sum = (of: (result: WarmResult) => number) =>
    results.reduce((total, result) => total + of(result), 0);
  const stale = sum((result) => result.staleCount);
  const failed = sum((result) => result.failedCount);
  const warmed = sum((result) => result.warmed);
  const isWarm = results.length === warmParts?.length;
  const freshAtMs = Math.max(facts.warmingAtMs ?? 0, ...results.map((result) => result.atMs));
  return {
    ...rest,
    state: stateOf(facts, isWarm, { problems: stale + failed, warmed }),
    ...(isWarm && stale + failed === 0 ? { freshAtMs } : {}),
    warmed,
    stale,
    failed,
    problems: [
      ...results.flatMap((result) => result.stale.map((url) => `${url}: still stale`)),
      ...results.flatMap((result) => result.failed),
    ],
  };
}

function stateOf(
  facts: JobFacts,
  isWarm: boolean,
  { problems, warmed }: { problems: number; warmed: number },
): JobState {
  if (isWarm) return problems === 0 ? 'fresh' : warmed === 0 ? 'failed' : 'partly-fresh';
  // a job that came back from the dead-letter queue and went on has not failed
  if ((facts.failedAtMs ?? 0) > (facts.warmingAtMs ?? facts.purgedAtMs ?? 0)) return 'failed';
  if (facts.warmParts !== undefined) return 'warming';
  if (facts.purgedAtMs !== undefined) return 'purged';
  return facts.purgingAtMs === undefined ? 'queued' : 'purging';
}

export function isEnded(state: JobState): boolean {
  return state === 'fresh' || state === 'partly-fresh' || state === 'failed';
}
