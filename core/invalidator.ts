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
import type { Clock, Graph, Jobs, PurgeOutcome, Purger, WarmMessage, WarmQueue } from './ports';
import type { QueuedRevalidation, Revalidation } from './revalidation';
import type { Url } from './urls';

/** CloudFront takes so many items a second (CFDG, cloudfront-limits#limits-invalidations). */
const WAVE_ITEMS_MAX = 150;
const WAVE_PAUSE_MS = 1_000;
/** What CloudFront has no room for is tried again after so long, twice as long, … */
const REFUSED_PAUSE_MS = { first: 1_000, max: 16_000 };
/** Past it the messages go back to the queue: well before the function's own time is up (lib/invalidator.ts). */
const PURGE_MS_MAX = 200_000;
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
  /** CloudFront has had no room all the time: the messages go back to the queue. */
  | { readonly kind: 'deferred'; readonly why: string };

/** A revalidation, and when its epoch is: the first try decides, and later tries keep to it. */
interface Work {
  readonly revalidation: QueuedRevalidation;
  readonly epochMs: number;
}

/** @throws what a port throws; then nothing is lost: the messages stay in the queue */
export async function invalidate(
  batch: readonly QueuedRevalidation[],
  config: InvalidatorConfig,
  ports: InvalidatorPorts,
): Promise<InvalidateOutcome> {
  const nowMs = ports.clock.now();
  const works = await inParallel(batch, JOBS_AT_ONCE, async (revalidation) => {
    const facts = await ports.jobs.get(revalidation.job);
    const stage = facts?.warmParts ? 'done' : facts?.purgedAtMs === undefined ? 'new' : 'purged';
    return { stage, revalidation, epochMs: facts?.epochMs ?? nowMs };
  });

  const purged = works.filter(({ stage }) => stage === 'purged');
  if (purged.length > 0) await warm(purged, await read(purged, config, ports), config, ports);

  const pending = works.filter(({ stage }) => stage === 'new');
  return pending.length === 0 ? { kind: 'done' } : purgeAndWarm(pending, config, ports);
}

async function purgeAndWarm(
  works: readonly Work[],
  config: InvalidatorConfig,
  ports: InvalidatorPorts,
): Promise<InvalidateOutcome> {
  const { jobs, clock } = ports;
  const purgingAtMs = clock.now();
  await inParallel(works, JOBS_AT_ONCE, ({ revalidation, epochMs }) => {
    const { job, requestedAtMs, tags, urls } = revalidation;
    const asked = { tags: tags.length, urls: urls.length };
    return jobs.begin(job, { requestedAtMs, purgingAtMs, epochMs, ...asked });
  });

  // 1 write epochs
  await writeEpochs(works, ports);
  await clock.sleep(config.graceMs);
  // 2 read edges
  const reading = await read(works, config, ports);

  const whole = plan(union(works), reading, config.warmUrlsMax);
  const ids = works.map(({ revalidation }) => revalidation.messageId).sort();
  const purge = await purgeInWaves(whole, ids, ports);
  if (purge.kind === 'deferred') return purge;

  await inParallel(works, JOBS_AT_ONCE, ({ revalidation }) => {
    const { items, skipped, covered } = plan(revalidation, reading, config.warmUrlsMax);
    const counts = { items: items.length, skipped: skipped.length, covered };
    const { invalidations } = purge;
    return jobs.purged(revalidation.job, { purgedAtMs: clock.now(), ...counts, invalidations });
  });
  await warm(works, reading, config, ports);
  return { kind: 'done' };
}

/** Those of a first try share one epoch; one that comes again keeps its own. */
async function writeEpochs(works: readonly Work[], { graph }: InvalidatorPorts): Promise<void> {
  for (const epochMs of new Set(works.map((work) => work.epochMs))) {
    const theirs = works.filter((work) => work.epochMs === epochMs);
    const job = theirs.at(-1)?.revalidation.job ?? '';
    await graph.putEpochs({ ...union(theirs), epochMs, job });
  }
}

function read(
  works: readonly Work[],
  { warmUrlsMax }: InvalidatorConfig,
  { graph, clock }: InvalidatorPorts,
): Promise<Reading> {
  const nowSeconds = Math.floor(clock.now() / 1_000);
  return readEdges(graph, union(works), { nowSeconds, warmUrlsMax });
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
  const lateAtMs = ports.clock.now() + PURGE_MS_MAX;
  const invalidations: string[] = [];
  for (const wave of chunks(items.map(({ item }) => item).sort(), WAVE_ITEMS_MAX)) {
    if (invalidations.length > 0) await ports.clock.sleep(WAVE_PAUSE_MS);
    const reference = hash(JSON.stringify([ids, wave]));
    const outcome = await purgeUntil(lateAtMs, { wave, reference }, ports);
    if (outcome.kind === 'deferred') return outcome;
    invalidations.push(outcome.invalidation);
  }
  return { kind: 'done', invalidations };
}

/** A refusal for want of room is normal flow: the wave is sent again, in its turn, until time is up. */
async function purgeUntil(
  lateAtMs: number,
  { wave, reference }: { wave: readonly string[]; reference: string },
  { purger, clock }: InvalidatorPorts,
): Promise<PurgeOutcome> {
  const { first, max } = REFUSED_PAUSE_MS;
  for (let pauseMs = first; ; pauseMs = Math.min(pauseMs * 2, max)) {
    const outcome = await purger.purge(wave, reference);
    if (outcome.kind === 'accepted' || clock.now() + pauseMs > lateAtMs) return outcome;
    await clock.sleep(pauseMs);
  }
}

/**
 * A url that several jobs have changed is fetched once for all of them. A part's urls are all of the same jobs, so that no
 * job is told of another's pages.
 */
async function warm(
  works: readonly Work[],
  reading: Reading,
  config: InvalidatorConfig,
  { warmQueue, jobs, clock }: InvalidatorPorts,
): Promise<void> {
  const urlsOf = new Map<string, readonly Url[]>();
  for (const { revalidation } of works) {
    urlsOf.set(revalidation.job, plan(revalidation, reading, config.warmUrlsMax).warm);
  }
  const messages = groupsOf(urlsOf).flatMap((group) => {
    const own = works.filter(({ revalidation }) => group.jobs.includes(revalidation.job));
    const epochMs = Math.max(...own.map((work) => work.epochMs));
    return chunks(group.urls, WARM_PART_URLS).map((urls): WarmMessage => {
      const part = hash(JSON.stringify([group.jobs, epochMs, urls])).slice(0, 16);
      return { part, jobs: group.jobs, epochMs, urls };
    });
  });
  await warmQueue.send(messages);
  await inParallel([...urlsOf], JOBS_AT_ONCE, ([job, urls]) => {
    const own = messages.filter((message) => message.jobs.includes(job));
    const warmParts = own.map(({ part }) => part);
    return jobs.warming(job, { warmingAtMs: clock.now(), warmParts, warmUrls: urls.length });
  });
}

interface WarmGroup {
  readonly jobs: readonly string[];
  readonly urls: Url[];
}

/** Urls by the jobs that they belong to. */
function groupsOf(urlsOf: ReadonlyMap<string, readonly Url[]>): WarmGroup[] {
  const jobsOf = new Map<Url, string[]>();
  for (const [job, urls] of urlsOf) {
    for (const url of urls) jobsOf.set(url, [...(jobsOf.get(url) ?? []), job]);
  }
  const groups = new Map<string, WarmGroup>();
  for (const [url, jobs] of [...jobsOf].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const name = JSON.stringify(jobs);
    const group = groups.get(name) ?? { jobs, urls: [] };
    group.urls.push(url);
    groups.set(name, group);
  }
  return [...groups.values()];
}

function union(works: readonly Work[]): Revalidation {
  return {
    tags: [...new Set(works.flatMap(({ revalidation }) => revalidation.tags))],
    urls: [...new Set(works.flatMap(({ revalidation }) => revalidation.urls))],
  };
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  const count = Math.ceil(items.length / size);
  return Array.from({ length: count }, (_, i) => items.slice(i * size, (i + 1) * size));
}
