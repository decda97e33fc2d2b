/**
 * The warmer: fetches urls through the edge, each in every variant that was seen, until what it gets was rendered after
 * the epoch; then tells the jobs what became of them.
 *
 * A 200 is no proof: the purge may not have reached this edge location yet, or a stale copy came first. How it is tried
 * again, and how fast, is in warming.ts.
 * @module
 */
import { type WarmerConfig, warmDeadlineMs } from './config';
import { endOf, LAST_TRY, type WarmResult } from './jobs';
import { type Count, metricsOfEnd } from './metrics';
import type { Jobs, Records, WarmMessage } from './ports';
import type { Url } from './urls';
import { describe, variantsToWarm } from './variants';
import { type Target, type Warmed, type WarmingPorts, warmAll } from './warming';

/** What a job keeps of a part's problems: its item has to stay small. */
const PROBLEMS_MAX = 5;
const PROBLEM_LENGTH_MAX = 200;

export interface WarmerPorts extends WarmingPorts {
  readonly records: Records;
  readonly jobs: Pick<Jobs, 'warmed'>;
  readonly count: Count;
}

/** @throws what a port throws; the message is then delivered again and warms what is warm already: harmless */
export async function warm(
  message: WarmMessage,
  config: Pick<WarmerConfig, 'concurrency' | 'deadlineMs' | 'perSecond'>,
  ports: WarmerPorts,
): Promise<WarmResult> {
  const { clock } = ports;
  const nowMs = clock.now();
  const targets = await targetsOf(message.urls, ports);
  const warming = {
    epochMs: message.epochMs,
    job: message.jobs[0] ?? 'none',
    deadlineAtMs: nowMs + warmDeadlineMs(targets.length, config),
    concurrency: config.concurrency,
  };
  const outcomes = await warmAll(targets, warming, ports);
  const lines = targets.map((target, at) => ({ ...target, outcome: outcomes[at] as Warmed }));
  const result = resultOf(message.urls, lines, clock.now());
  await tellWarmed(message, result, ports);
  return result;
}

/** Tells the jobs of a part, and counts those that end with it. */
async function tellWarmed(
  { part, jobs: ids }: Pick<WarmMessage, 'part' | 'jobs'>,
  result: WarmResult,
  { jobs, count }: Pick<WarmerPorts, 'jobs' | 'count'>,
): Promise<void> {
  const { failedCount, staleCount } = result;
  if (failedCount > 0) count({ WarmFailures: failedCount }, { part });
  if (staleCount > 0) count({ StaleWarms: staleCount }, { part });
  await Promise.all(
    ids.map(async (job) => {
      const ended = await jobs.warmed(job, part, result);
      if (ended) count(metricsOfEnd(endOf(ended)), { job });
    }),
  );
}

async function targetsOf(
  urls: readonly Url[],
  { records, clock }: Pick<WarmerPorts, 'records' | 'clock'>,
): Promise<Target[]> {
  const found = await records.of(urls);
  const nowSeconds = Math.floor(clock.now() / 1_000);
  return urls.flatMap((url) =>
    variantsToWarm(found.get(url)?.variants ?? {}, nowSeconds).map((variant) => ({
      url,
      variant,
    })),
  );
}

interface Line extends Target {
  readonly outcome: Warmed;
}

/** A url counts once: it is warm when all its variants are; else its first problem says why not, failures before age. */
function resultOf(urls: readonly Url[], lines: readonly Line[], atMs: number): WarmResult {
  const stale = new Map<Url, string>();
  const failed = new Map<Url, string>();
  for (const { url, variant, outcome } of lines) {
    const name = url + describe(variant);
    if (outcome.kind === 'stale' && !stale.has(url)) stale.set(url, name);
    if (outcome.kind === 'failed' && !failed.has(url)) failed.set(url, `${name}: ${outcome.why}`);
  }
  for (const url of failed.keys()) stale.delete(url);
  return {
    atMs,
    warmed: urls.length - stale.size - failed.size,
    stale: some([...stale.values()]),
    staleCount: stale.size,
    failed: some([...failed.values()]),
    failedCount: failed.size,
  };
}

/** Before the last try of a message: should its worker die in it, its jobs know that it had begun. */
export async function doubt(
  { part, jobs: ids, urls }: WarmMessage,
  { jobs, clock }: Pick<WarmerPorts, 'jobs' | 'clock'>,
): Promise<void> {
  const result = { ...noneWarm(urls, LAST_TRY, clock.now()), doubted: true } as const;
  await Promise.all(ids.map((id) => jobs.warmed(id, part, result)));
}

/** For a message that goes to the dead-letter queue: its part of the jobs ends, and says why. */
export async function lost(
  message: WarmMessage,
  why: string,
  ports: Pick<WarmerPorts, 'jobs' | 'clock' | 'count'>,
): Promise<void> {
  const result = { ...noneWarm(message.urls, why, ports.clock.now()), lost: true } as const;
  await tellWarmed(message, result, ports);
}

function noneWarm(urls: readonly Url[], why: string, atMs: number): WarmResult {
  const failed = some(urls.map((url) => `${url}: ${why}`));
  return { atMs, warmed: 0, stale: [], staleCount: 0, failed, failedCount: urls.length };
}

function some(problems: readonly string[]): string[] {
  return problems.slice(0, PROBLEMS_MAX).map((problem) => problem.slice(0, PROBLEM_LENGTH_MAX));
}
