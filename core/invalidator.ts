/**
 * The invalidator: a batch of revalidations becomes the fewest purge items, once.
 *
 *     1 write epochs    2 let grace pass    3 read edges    4 plan    5 purge    6 enqueue warms
 *
 * The order of 1 and 3 is the fence's (core/fence.ts). `grace` is for what was recorded just before the epoch and
 * may still be streaming into the cache: a purge that overtook it would leave it there.
 *
 * It may be killed anywhere and run again with the same messages: what a job has already done is read off its
 * facts, epochs only grow, and a purge of the same items for the same messages is one invalidation.
 * A purge never deletes edges. They expire.
 * @module
 */
import type { InvalidatorConfig } from './config';
import { hash } from './hash';
import { inParallel } from './parallel';
import { type Plan, plan, type Reading, readEdges } from './plan/plan';
import type { Clock, Graph, Jobs, Purger, WarmMessage, WarmQueue } from './ports';
import type { QueuedRevalidation, Revalidation } from './revalidation';
import type { Url } from './urls';

/** CloudFront takes so many items a second (CFDG, cloudfront-limits#limits-invalidations). */
const WAVE_ITEMS_MAX = 150;
const WAVE_PAUSE_MS = 1_000;
/** A part is what one run of the warmer takes. */
const WARM_PART_URLS = 25;
const JOBS_AT_ONCE = 10;

export interface InvalidatorPorts {
  readonly graph: Graph;
  readonly jobs: Jobs;
  readonly purger: Purger;
  readonly warmQueue: WarmQueue;
  readonly clock: Clock;
}

export type InvalidateOutcome =
  | { readonly kind: 'done' }
  /** CloudFront has enough to do: the messages go back to the queue. */
  | { readonly kind: 'deferred'; readonly why: string };

/** @throws what a port throws; then nothing is lost: the messages stay in the queue */
export async function invalidate(
  batch: readonly QueuedRevalidation[],
  config: InvalidatorConfig,
  ports: InvalidatorPorts,
): Promise<InvalidateOutcome> {
  const { jobs } = ports;
  const stages = await inParallel(batch, JOBS_AT_ONCE, async (revalidation) => {
    const facts = await jobs.get(revalidation.job);
    if (facts?.warmParts !== undefined) return { revalidation, stage: 'done' as const, epochMs: 0 };
    const { purgedAtMs, epochMs } = facts ?? {};
    if (purgedAtMs !== undefined && epochMs !== undefined) {
      return { revalidation, stage: 'purged' as const, epochMs };
    }
    return { revalidation, stage: 'new' as const, epochMs: 0 };
  });

  const purged = stages.filter(({ stage }) => stage === 'purged');
  for (const { revalidation, epochMs } of purged) {
    const reading = await read([revalidation], config, ports);
    await warm([revalidation], { reading, epochMs }, config, ports);
  }

  const pending = stages.filter(({ stage }) => stage === 'new').map((it) => it.revalidation);
  return pending.length === 0 ? { kind: 'done' } : purgeAndWarm(pending, config, ports);
}

async function purgeAndWarm(
  batch: readonly QueuedRevalidation[],
  config: InvalidatorConfig,
  ports: InvalidatorPorts,
): Promise<InvalidateOutcome> {
  const { graph, jobs, clock } = ports;
  const purgingAtMs = clock.now();
  await inParallel(batch, JOBS_AT_ONCE, ({ job, requestedAtMs, tags, urls }) =>
    jobs.begin(job, { requestedAtMs, purgingAtMs, tags: tags.length, urls: urls.length }),
  );

  // 1 write epochs
  const epochMs = clock.now();
  await graph.putEpochs({
    ...union(batch),
    epochMs,
    job: (batch.at(-1) as QueuedRevalidation).job,
  });
  await clock.sleep(config.graceMs);
  // 2 read edges
  const reading = await read(batch, config, ports);

  const whole = plan(union(batch), reading, config.warmUrlsMax);
  const ids = batch.map(({ messageId }) => messageId).sort();
  const purge = await purgeInWaves(whole, ids, ports);
  if (purge.kind === 'deferred') return purge;

  await inParallel(batch, JOBS_AT_ONCE, (revalidation) => {
    const { items, skipped, covered } = plan(revalidation, reading, config.warmUrlsMax);
    const counts = { items: items.length, skipped: skipped.length, covered };
    const { invalidations } = purge;
    return jobs.purged(revalidation.job, {
      purgedAtMs: clock.now(),
      epochMs,
      ...counts,
      invalidations,
    });
  });
  await warm(batch, { reading, epochMs }, config, ports);
  return { kind: 'done' };
}

function read(
  batch: readonly QueuedRevalidation[],
  config: InvalidatorConfig,
  ports: InvalidatorPorts,
) {
  const nowSeconds = Math.floor(ports.clock.now() / 1_000);
  return readEdges(ports.graph, union(batch), { nowSeconds, warmUrlsMax: config.warmUrlsMax });
}

type Purge =
  | { readonly kind: 'done'; readonly invalidations: readonly string[] }
  | { readonly kind: 'deferred'; readonly why: string };

/** The reference names the messages and the items: told again it is the same invalidation, and no other. */
async function purgeInWaves(
  { items }: Plan,
  ids: readonly string[],
  ports: InvalidatorPorts,
): Promise<Purge> {
  const invalidations: string[] = [];
  for (const wave of chunks(items.map(({ item }) => item).sort(), WAVE_ITEMS_MAX)) {
    if (invalidations.length > 0) await ports.clock.sleep(WAVE_PAUSE_MS);
    const outcome = await ports.purger.purge(wave, hash(JSON.stringify([ids, wave])));
    if (outcome.kind === 'deferred') return outcome;
    invalidations.push(outcome.invalidation);
  }
  return { kind: 'done', invalidations };
}

/** Jobs of one batch share the pages they have in common: each is fetched once. */
async function warm(
  batch: readonly QueuedRevalidation[],
  { reading, epochMs }: { reading: Reading; epochMs: number },
  config: InvalidatorConfig,
  { warmQueue, jobs, clock }: InvalidatorPorts,
): Promise<void> {
  const jobsOf = new Map<Url, string[]>();
  const warmUrls = new Map<string, number>();
  for (const revalidation of batch) {
    const urls = plan(revalidation, reading, config.warmUrlsMax).warm;
    warmUrls.set(revalidation.job, urls.length);
    for (const url of urls) jobsOf.set(url, [...(jobsOf.get(url) ?? []), revalidation.job]);
  }
  const messages = chunks([...jobsOf.keys()].sort(), WARM_PART_URLS).map((urls): WarmMessage => {
    const concerned = [...new Set(urls.flatMap((url) => jobsOf.get(url) ?? []))];
    const part = hash(JSON.stringify([concerned, urls])).slice(0, 16);
    return { part, jobs: concerned, epochMs, urls };
  });
  await warmQueue.send(messages);
  await inParallel(batch, JOBS_AT_ONCE, ({ job }) => {
    const warmParts = messages.filter(({ jobs: concerned }) => concerned.includes(job)).length;
    return jobs.warming(job, {
      warmingAtMs: clock.now(),
      warmParts,
      warmUrls: warmUrls.get(job) ?? 0,
    });
  });
}

function union(batch: readonly QueuedRevalidation[]): Revalidation {
  return {
    tags: [...new Set(batch.flatMap(({ tags }) => tags))],
    urls: [...new Set(batch.flatMap(({ urls }) => urls))],
  };
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  const count = Math.ceil(items.length / size);
  return Array.from({ length: count }, (_, i) => items.slice(i * size, (i + 1) * size));
}
