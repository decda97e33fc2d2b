/**
 * The warmer: fetches urls through the edge until what it gets was rendered after the epoch.
 *
 * A 200 is no proof: the purge may not have reached this edge location yet, or a stale copy came first.
 * An old answer is asked for again, with growing pauses, until the deadline; then the job says which urls are stale.
 * @module
 */
import type { WarmerConfig } from './config';
import { reasonOf } from './errors';
import { isRenderedBefore } from './fence';
import type { WarmResult } from './jobs';
import { inParallel } from './parallel';
import type { Clock, Jobs, Site, WarmMessage } from './ports';
import type { Url } from './urls';

const PAUSE_MS = 250;
const PAUSE_MS_MAX = 5_000;
/** What a job keeps of a part's problems: its item has to stay small. */
const PROBLEMS_MAX = 5;
const PROBLEM_LENGTH_MAX = 200;

export interface WarmerPorts {
  readonly site: Site;
  readonly jobs: Pick<Jobs, 'warmed'>;
  readonly clock: Clock;
}

type Warmed =
  | { readonly kind: 'fresh' }
  | { readonly kind: 'stale' }
  | { readonly kind: 'failed'; readonly why: string };

/** @throws what `jobs` throws; the message is then delivered again and warms what is warm already: harmless */
export async function warm(
  message: WarmMessage,
  config: WarmerConfig,
  ports: WarmerPorts,
): Promise<WarmResult> {
  const { jobs, clock } = ports;
  const deadlineAtMs = clock.now() + config.deadlineMs;
  const job = message.jobs[0] ?? 'none';
  const outcomes = await inParallel(message.urls, config.concurrency, (url) =>
    warmUrl({ url, job, epochMs: message.epochMs, deadlineAtMs }, ports),
  );

  const lines = message.urls.map((url, i) => ({ url, outcome: outcomes[i] as Warmed }));
  const stale = lines.filter(({ outcome }) => outcome.kind === 'stale').map(({ url }) => url);
  const failed = lines.flatMap(({ url, outcome }) =>
    outcome.kind === 'failed' ? [`${url}: ${outcome.why}`] : [],
  );
  const result: WarmResult = {
    atMs: clock.now(),
    warmed: lines.length - stale.length - failed.length,
    stale: some(stale),
    staleCount: stale.length,
    failed: some(failed),
    failedCount: failed.length,
  };
  await Promise.all(message.jobs.map((id) => jobs.warmed(id, message.part, result)));
  return result;
}

/** Before the last try of a message: should its worker die in it, its jobs have said so. Fresh outranks that. */
export async function doubt(
  { jobs: ids }: WarmMessage,
  error: string,
  { jobs, clock }: { readonly jobs: Pick<Jobs, 'failed'>; readonly clock: Clock },
): Promise<void> {
  await Promise.all(ids.map((id) => jobs.failed(id, { failedAtMs: clock.now(), error })));
}

/** For a message that goes to the dead-letter queue: its jobs end, and say why. */
export async function giveUp(
  { part, jobs: ids, urls }: WarmMessage,
  why: string,
  { jobs, clock }: Pick<WarmerPorts, 'jobs' | 'clock'>,
): Promise<void> {
  const failed = some(urls.map((url) => `${url}: ${why}`));
  const none = { warmed: 0, stale: [], staleCount: 0 };
  const result = { atMs: clock.now(), ...none, failed, failedCount: urls.length };
  await Promise.all(ids.map((id) => jobs.warmed(id, part, result)));
}

interface Target {
  readonly url: Url;
  readonly job: string;
  readonly epochMs: number;
  readonly deadlineAtMs: number;
}

async function warmUrl(
  { url, job, epochMs, deadlineAtMs }: Target,
  { site, clock }: WarmerPorts,
): Promise<Warmed> {
  if (clock.now() >= deadlineAtMs) return { kind: 'failed', why: 'no time was left for it' };
  for (let pauseMs = PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, PAUSE_MS_MAX)) {
    const warmed = await fetchOnce({ url, job, epochMs }, site);
    if (warmed.kind === 'fresh' || clock.now() + pauseMs > deadlineAtMs) return warmed;
    await clock.sleep(pauseMs);
  }
}

async function fetchOnce(
  { url, job, epochMs }: Omit<Target, 'deadlineAtMs'>,
  site: Site,
): Promise<Warmed> {
  try {
    const { status, renderedAtMs } = await site.fetch(url, job);
    if (status >= 500 || status === 429)
      return { kind: 'failed', why: `the edge answered ${status}` };
    if (renderedAtMs === undefined) {
      return { kind: 'failed', why: `the edge answered ${status}, and not when it was rendered` };
    }
    return { kind: isRenderedBefore(epochMs, renderedAtMs) ? 'stale' : 'fresh' };
  } catch (thrown) {
    return { kind: 'failed', why: reasonOf(thrown) };
  }
}

function some(problems: readonly string[]): string[] {
  return problems.slice(0, PROBLEMS_MAX).map((problem) => problem.slice(0, PROBLEM_LENGTH_MAX));
}
