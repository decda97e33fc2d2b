/**
 * The invalidator: a batch of revalidations becomes the fewest purge items, once.
 *
 *     1 write epochs    2 let grace pass    3 read edges    4 plan    5 purge    6 enqueue warms
 *
 * The order of 1 and 3 is the fence's (core/fence.ts). `grace` is for what was recorded just before the epoch and
 * may still be streaming into the cache: a purge that overtook it would leave it there.
 * Where the origin's replicas lag, the epoch lies by `settle` in the future, and the purge waits for it too: what was
 * rendered meanwhile counts as old.
 *
 * It may be killed anywhere and run again with the same messages, in other company. A batch opens a purge: who is in it,
 * and then by which items, is written down once, before anything is sent. Whoever comes later finds it by any of its
 * jobs and carries it out as it was decided: the same invalidation, which CloudFront neither does nor charges twice.
 * A purge never deletes edges. They expire.
 * @module
 */
import type { InvalidatorConfig } from './config';
import { hash } from './hash';
import { candidatesMax, hottest } from './heat';
import { inParallel } from './parallel';
import { plan, type Reading, readEdges } from './plan/plan';
import type {
  Clock,
  Graph,
  Jobs,
  PurgeOutcome,
  Purger,
  Purges,
  PurgeWork,
  Records,
  WarmMessage,
  WarmQueue,
} from './ports';
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
/** A tag with more urls is spread, so that neither its writes nor its reads are one partition's. */
const SHARD_URLS_MAX = 100_000;

export interface InvalidatorPorts {
  readonly graph: Graph;
  readonly records: Records;
  readonly jobs: Jobs;
  readonly purges: Purges;
  readonly purger: Purger;
  readonly warmQueue: WarmQueue;
  readonly clock: Clock;
}

export type InvalidateOutcome =
  | { readonly kind: 'done' }
  /** CloudFront has had no room all the time: the messages go back to the queue. */
  | { readonly kind: 'deferred'; readonly why: string };

/** Jobs that are purged together, and when their epoch is. */
interface Group {
  readonly id: string;
  readonly epochMs: number;
  readonly members: readonly QueuedRevalidation[];
  readonly items: readonly string[] | undefined;
}

/** @throws what a port throws; then nothing is lost: the messages stay in the queue */
export async function invalidate(
  batch: readonly QueuedRevalidation[],
  config: InvalidatorConfig,
  ports: InvalidatorPorts,
): Promise<InvalidateOutcome> {
  const facts = await inParallel(batch, JOBS_AT_ONCE, ({ job }) => ports.jobs.get(job));
  const isOpen = (_: unknown, at: number) => facts[at]?.warmParts === undefined;
  const open = batch.filter(isOpen);
  const begun = facts.filter(isOpen).map((it) => it?.purge);

  const news = open.filter((_, at) => begun[at] === undefined);
  const opened = news.length > 0 ? await openPurge(news, config, ports) : undefined;
  if (opened) {
    const outcome = await carryOut(opened.group, config, ports);
    if (outcome.kind === 'deferred') return outcome;
  }
  for (const id of new Set([...begun, ...(opened?.others ?? [])])) {
    if (id === undefined) continue;
    const outcome = await carryOut(await groupOf(id, ports), config, ports);
    if (outcome.kind === 'deferred') return outcome;
  }
  return { kind: 'done' };
}

/** @returns the purge that was opened, and those to which a duplicate of these revalidations has joined them before */
async function openPurge(
  asked: readonly QueuedRevalidation[],
  { settleMs }: InvalidatorConfig,
  ports: InvalidatorPorts,
): Promise<{ group: Group; others: readonly string[] }> {
  const id = hash(JSON.stringify(asked.map(({ messageId }) => messageId).sort())).slice(0, 32);
  const epochMs = ports.clock.now() + settleMs; // until then a render may read old data
  const work = await ports.purges.open(id, { epochMs, asked });
  const { group, joined } = await join({ id, work, items: undefined }, ports);
  return { group, others: joined.filter((other) => other !== id) };
}

/** A purge that was opened, perhaps by somebody who died before all its jobs had joined. */
async function groupOf(id: string, ports: InvalidatorPorts): Promise<Group> {
  const purge = await ports.purges.get(id);
  if (!purge) throw new Error(`the purge ${id} is not there`); // it is opened before any job joins it
  return (await join({ id, work: purge.work, items: purge.items }, ports)).group;
}

interface Opened {
  readonly id: string;
  readonly work: PurgeWork;
  readonly items: readonly string[] | undefined;
}

/** A job keeps to the purge that it was told first: so everybody who asks who is in this one gets the same answer. */
async function join(
  { id, work, items }: Opened,
  { jobs, clock }: InvalidatorPorts,
): Promise<{ group: Group; joined: readonly string[] }> {
  const { epochMs, asked } = work;
  const purgingAtMs = clock.now();
  const joined = await inParallel(asked, JOBS_AT_ONCE, (revalidation) => {
    const { job, requestedAtMs, tags, urls } = revalidation;
    const counts = { tags: tags.length, urls: urls.length };
    return jobs.begin(job, { requestedAtMs, purgingAtMs, epochMs, ...counts, purge: id });
  });
  const members = asked.filter((_, at) => joined[at] === id);
  return { group: { id, epochMs, members, items }, joined };
}

async function carryOut(
  group: Group,
  config: InvalidatorConfig,
  ports: InvalidatorPorts,
): Promise<InvalidateOutcome> {
  const { id, epochMs, members } = group;
  const { graph, jobs, clock } = ports;
  let items = group.items;
  let reading: Reading | undefined;
  if (!items) {
    // 1 write epochs
    await graph.putEpochs({ ...union(members), epochMs, job: members.at(-1)?.job ?? '' });
    await clock.sleep(config.settleMs + config.graceMs);
    // 2 read edges
    reading = await read(members, config, ports);
    const whole = plan(union(members), reading, candidatesMax(config.warmUrlsMax));
    items = await ports.purges.decide(id, whole.items.map(({ item }) => item).sort());
  }
  const purge = await purgeInWaves(items, id, ports);
  if (purge.kind === 'deferred') return purge;

  const edges = reading ?? (await read(members, config, ports));
  await inParallel(members, JOBS_AT_ONCE, (revalidation) => {
    const {
      items: own,
      skipped,
      covered,
    } = plan(revalidation, edges, candidatesMax(config.warmUrlsMax));
    const counts = { items: own.length, skipped: skipped.length, covered };
    const { invalidations } = purge;
    return jobs.purged(revalidation.job, { purgedAtMs: clock.now(), ...counts, invalidations });
  });
  await warm(group, edges, config, ports);
  return { kind: 'done' };
}

async function read(
  members: readonly QueuedRevalidation[],
  { warmUrlsMax }: InvalidatorConfig,
  { graph, clock }: InvalidatorPorts,
): Promise<Reading> {
  const nowSeconds = Math.floor(clock.now() / 1_000);
  const reading = await readEdges(graph, union(members), {
    nowSeconds,
    warmUrlsMax: candidatesMax(warmUrlsMax),
  });
  for (const [tag, { count }] of reading.dependents) {
    if (count > SHARD_URLS_MAX) await graph.spread(tag);
  }
  return reading;
}

type PurgeResult =
  | { readonly kind: 'done'; readonly invalidations: readonly string[] }
  | { readonly kind: 'deferred'; readonly why: string };

/** The reference names the purge and its items: told again it is the same invalidation, and no other. */
async function purgeInWaves(
  items: readonly string[],
  id: string,
  ports: InvalidatorPorts,
): Promise<PurgeResult> {
  const lateAtMs = ports.clock.now() + PURGE_MS_MAX;
  const invalidations: string[] = [];
  for (const wave of chunks(items, WAVE_ITEMS_MAX)) {
    if (invalidations.length > 0) await ports.clock.sleep(WAVE_PAUSE_MS);
    const reference = hash(JSON.stringify([id, wave]));
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
  { members, epochMs }: Group,
  reading: Reading,
  config: InvalidatorConfig,
  { warmQueue, records, jobs, clock }: InvalidatorPorts,
): Promise<void> {
  const urlsOf = new Map<string, readonly Url[]>();
  for (const revalidation of members) {
    const { warmUrlsMax } = config;
    const { warm: urls } = plan(revalidation, reading, candidatesMax(warmUrlsMax));
    const choice = { records, nowMs: clock.now() };
    urlsOf.set(revalidation.job, await hottest(urls, warmUrlsMax, choice));
  }
  const messages = groupsOf(urlsOf).flatMap((group) =>
    chunks(group.urls, WARM_PART_URLS).map((urls): WarmMessage => {
      const part = hash(JSON.stringify([group.jobs, epochMs, urls])).slice(0, 16);
      return { part, jobs: group.jobs, epochMs, urls };
    }),
  );
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

/** Urls by the jobs that they belong to, in their order. */
function groupsOf(urlsOf: ReadonlyMap<string, readonly Url[]>): WarmGroup[] {
  const jobsOf = new Map<Url, string[]>();
  for (const [job, urls] of urlsOf) {
    for (const url of urls) jobsOf.set(url, [...(jobsOf.get(url) ?? []), job]);
  }
  const groups = new Map<string, WarmGroup>();
  for (const [url, jobs] of jobsOf) {
    const name = JSON.stringify(jobs);
    const group = groups.get(name) ?? { jobs, urls: [] };
    group.urls.push(url);
    groups.set(name, group);
  }
  return [...groups.values()];
}

function union(asked: readonly Revalidation[]): Revalidation {
  return {
    tags: [...new Set(asked.flatMap(({ tags }) => tags))],
    urls: [...new Set(asked.flatMap(({ urls }) => urls))],
  };
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  const count = Math.ceil(items.length / size);
  return Array.from({ length: count }, (_, i) => items.slice(i * size, (i + 1) * size));
}
