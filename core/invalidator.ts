/**
 * The invalidator: revalidations become the fewest purge items, once.
 *
 *     gather    1 write epochs    2 let grace pass    3 read edges    4 plan    5 purge    6 enqueue warms
 *
 * The order of 1 and 3 is the fence's (core/fence.ts). `grace` is for what was recorded just before the epoch and
 * may still be streaming into the cache: a purge that overtook it would leave it there.
 * Where the origin's replicas lag, the epoch lies by `settle` in the future, and the purge waits for it too: what was
 * rendered meanwhile counts as old.
 *
 * It may be killed anywhere and run again with the same messages, in other company. Who is purged together (core/gather.ts)
 * and by which items is written down once, before anything is sent. Whoever comes later finds it by any of its jobs and
 * carries it out as it was decided: the same invalidation, which CloudFront neither does nor charges twice.
 * A purge never deletes edges. They expire.
 * @module
 */
import { begin, tellConflict } from './begin';
import { type InvalidatorConfig, warmUrlsOfPart } from './config';
import { decisionFor, planner, type Told, union } from './decision';
import { planOnly, planOptions } from './dry-run';
import { awakeClock, type GatherPorts, gather, turnAt } from './gather';
import { hottest } from './heat';
import { endOf, isConflict, isOpen, unpurgeableOf, workId } from './jobs';
import { type Count, metricsOfEnd } from './metrics';
import { inParallel } from './parallel';
import { partOf } from './plan/part';
import { type Plan, type Reading, readEdges } from './plan/plan';
import type { Decision, Graph, Jobs, Ledger, Records, WarmQueue } from './ports';
import { priceUsd } from './price';
import type { QueuedRevalidation } from './revalidation';
import { spellingsOf, type Url } from './urls';
import { warmParts } from './warm-parts';
import { purgeInWaves, type WavesPorts } from './waves';

/** Past it the messages go back to the queue: well before the function's own time is up (lib/invalidator.ts). */
const WORK_MS_MAX = 200_000;
const JOBS_AT_ONCE = 10;
/** A tag with more urls is spread, so that neither its writes nor its reads are one partition's. */
const SHARD_URLS_MAX = 100_000;

export interface InvalidatorPorts extends GatherPorts, Omit<WavesPorts, 'purges'> {
  readonly graph: Graph;
  readonly records: Records;
  readonly jobs: Jobs;
  readonly ledger: Ledger;
  readonly warmQueue: WarmQueue;
  readonly count: Count;
}

export type InvalidateOutcome =
  | { readonly kind: 'done' }
  /** CloudFront has had no room all the time, or another worker is not done: the messages go back to the queue. */
  | { readonly kind: 'deferred'; readonly why: string };

/** Jobs that are purged together, and when their epoch is. */
interface Group {
  readonly id: string;
  readonly epochMs: number;
  readonly members: readonly QueuedRevalidation[];
  readonly decision: Decision | undefined;
  readonly sent: ReadonlyMap<string, string>;
}

/** @throws what a port throws; then nothing is lost: the messages stay in the queue */
export async function invalidate(
  batch: readonly QueuedRevalidation[],
  config: InvalidatorConfig,
  ports: InvalidatorPorts,
): Promise<InvalidateOutcome> {
  const lateAtMs = ports.clock.now() + WORK_MS_MAX;
  const facts = await inParallel(batch, JOBS_AT_ONCE, ({ job }) => ports.jobs.get(job));
  const found = batch.map((it, at) => ({ it, job: facts[at] }));
  const others = found.filter(({ it, job }) => isConflict(job, workId(it)));
  await inParallel(others, JOBS_AT_ONCE, ({ it }) => tellConflict(it, ports));
  const left = found.filter((one) => isOpen(one.job) && !others.includes(one));
  const dry = left.filter(({ it }) => it.dryRun);
  await inParallel(dry, JOBS_AT_ONCE, ({ it }) => planOnly(it, config, ports));

  const open = left.filter(({ it }) => !it.dryRun);
  const news = open.filter(({ job }) => job?.purge === undefined).map(({ it }) => it);
  const joined = news.length > 0 ? await beginAll(await gather(news, ports), news, ports) : [];
  // what was just joined comes first: it waits for nobody who has been at work for long
  const ids = new Set([...joined, ...open.map(({ job }) => job?.purge)]);
  const outcomes: InvalidateOutcome[] = [];
  for (const id of ids) {
    if (id !== undefined) outcomes.push(await follow(id, { lateAtMs, config }, ports));
  }
  return outcomes.find(({ kind }) => kind === 'deferred') ?? { kind: 'done' };
}

/** Sees a purge to its end, as its worker or as one who waits for it. */
async function follow(id: string, work: Work, ports: InvalidatorPorts): Promise<InvalidateOutcome> {
  const turn = await turnAt(id, work, ports);
  if (turn === 'late') return { kind: 'deferred', why: `another worker is at the purge ${id}` };
  return turn === 'done' ? { kind: 'done' } : carryOutOrRelease(id, work, ports);
}

/** Who fails says that nobody is at work any more, so that the next one need not wait. */
async function carryOutOrRelease(
  id: string,
  work: Work,
  ports: InvalidatorPorts,
): Promise<InvalidateOutcome> {
  const { purges, clock } = ports;
  const awake = { ...ports, clock: awakeClock(id, ports) };
  try {
    const outcome = await carryOut(await groupOf(id, ports), work, awake);
    if (outcome.kind === 'done') await purges.done(id, clock.now());
    else await purges.seen(id, 0);
    return outcome;
  } catch (thrown) {
    await purges.seen(id, 0).catch(() => {}); // the failure that matters is the first
    throw thrown;
  }
}

/**
 * A job keeps to the purge that it was told first.
 * @returns for each revalidation, which that is; undefined when its id stands for other work
 */
function beginAll(
  purge: string,
  asked: readonly QueuedRevalidation[],
  ports: InvalidatorPorts,
): Promise<(string | undefined)[]> {
  const purgingAtMs = ports.clock.now();
  return inParallel(asked, JOBS_AT_ONCE, async (revalidation) => {
    return (await begin(revalidation, { purgingAtMs, purge }, ports))?.purge;
  });
}

/** Some may have died before their jobs knew of the purge: everybody who asks who is in it gets the same answer. */
async function groupOf(id: string, ports: InvalidatorPorts): Promise<Group> {
  const { epochMs, asked, decision, sent } = await ports.purges.get(id);
  const facts = await inParallel(asked, JOBS_AT_ONCE, ({ job }) => ports.jobs.get(job));
  const isMember = (it: QueuedRevalidation, at: number) =>
    facts[at]?.purge === id && facts[at]?.work === workId(it);
  const unbegun = asked.filter((_, at) => facts[at]?.purge === undefined);
  const begun = await beginAll(id, unbegun, ports);
  const late = unbegun.filter((_, at) => begun[at] === id);
  return { id, epochMs, decision, sent, members: [...asked.filter(isMember), ...late] };
}

interface Work {
  readonly lateAtMs: number;
  readonly config: InvalidatorConfig;
}

async function carryOut(
  group: Group,
  { lateAtMs, config }: Work,
  ports: InvalidatorPorts,
): Promise<InvalidateOutcome> {
  const { id, members, epochMs, sent } = group;
  const { purges, clock, ledger, count } = ports;
  let reading: Reading | undefined;
  let { decision } = group;
  if (!decision) {
    // 1 write epochs
    const { tags, urls } = union(members);
    const job = members.at(-1)?.job ?? '';
    await ports.graph.putEpochs({ tags, urls: urls.flatMap(spellingsOf), epochMs, job });
    await clock.sleep(config.settleMs + config.graceMs);
    // 2 read edges
    reading = await read(members, config, ports);
    decision = await purges.decide(id, await decisionFor(members, { reading, config }, ports));
  }
  const { items } = decision;
  const isRefused = await refuse(members, decision, ports);
  // first: CloudFront must not take what the month does not count
  const usedNow = items.length > 0 ? await ledger.charge(id, items.length, epochMs) : undefined;
  if (usedNow !== undefined) {
    count({ PurgeItems: items.length, SpendUsd: priceUsd(usedNow, 0) }, { purge: id });
  }
  const purge = await purgeInWaves({ id, items, sent, lateAtMs }, ports);
  if (purge.kind === 'deferred') return purge;

  reading ??= await read(members, config, ports);
  const { invalidations } = purge;
  const purged = { ...group, members: members.filter((it) => !isRefused(it)) };
  const planFor = planner({ reading, config });
  await tellPurged(purged, { reading, config, planFor, invalidations, decision }, ports);
  await warm(purged, { config, planFor }, ports);
  return { kind: 'done' };
}

async function read(
  members: readonly QueuedRevalidation[],
  config: InvalidatorConfig,
  { graph, clock }: InvalidatorPorts,
): Promise<Reading> {
  const nowSeconds = Math.floor(clock.now() / 1_000);
  const whole = union(members);
  const options = { nowSeconds, ...planOptions(whole, config) };
  const reading = await readEdges(graph, whole, options);
  for (const [tag, { count }] of reading.dependents) {
    if (count > SHARD_URLS_MAX) await graph.spread(tag);
  }
  return reading;
}

/**
 * Tells those whom the budget does not hold. The epochs are there: what is rendered from now on is kept, what was before is
 * left to expire.
 *
 * @returns who they are
 */
async function refuse(
  members: readonly QueuedRevalidation[],
  { refused = [] }: Decision,
  { jobs, clock, count }: InvalidatorPorts,
): Promise<(it: QueuedRevalidation) => boolean> {
  const refusals = new Map(refused.map(({ work, ...refusal }) => [work, refusal]));
  await inParallel(members, JOBS_AT_ONCE, async (it) => {
    const refusal = refusals.get(workId(it));
    if (!refusal) return;
    const isFirst = await jobs.refused(it.job, { atMs: clock.now(), ...refusal });
    if (isFirst) count({ RefusedJobs: 1 }, { job: it.job });
  });
  return (it) => refusals.has(workId(it));
}

interface Purged extends Told {
  readonly planFor: ReturnType<typeof planner>;
  readonly invalidations: readonly string[];
  readonly decision: Decision;
}

async function tellPurged(
  { members, epochMs }: Group,
  { reading, config, planFor, invalidations, decision }: Purged,
  { jobs, clock }: InvalidatorPorts,
): Promise<void> {
  await inParallel(members, JOBS_AT_ONCE, (revalidation) => {
    const made = planFor(revalidation);
    const part =
      config.purge === 'paths'
        ? partOf(revalidation, reading, decision)
        : { ...made, items: made.items.length, collateral: undefined };
    const { items, covered, collateral } = part;
    return jobs.purged(revalidation.job, {
      purgedAtMs: clock.now(),
      epochMs,
      items,
      priceUsd: priceUsd(items, decision.usedBefore),
      skipped: made.skipped.length,
      covered,
      invalidations,
      ...(collateral && collateral.count > 0 && { collateral }),
      ...(part.unpurgeable.length > 0 && { unpurgeable: unpurgeableOf(part) }),
    });
  });
}

async function warm(
  { members, epochMs }: Group,
  { config, planFor }: Pick<Purged, 'config' | 'planFor'>,
  { warmQueue, records, jobs, clock, count }: InvalidatorPorts,
): Promise<void> {
  const chosen = new Map<Plan, readonly Url[]>();
  const urlsOf = new Map<string, readonly Url[]>();
  for (const revalidation of members) {
    const made = planFor(revalidation);
    const choice = { records, nowMs: clock.now() };
    const urls = chosen.get(made) ?? (await hottest(made.warm, config.warmUrlsMax, choice));
    chosen.set(made, urls);
    urlsOf.set(revalidation.job, urls);
  }
  const partUrls = warmUrlsOfPart(config.warmPerSecond);
  const messages = warmParts(urlsOf, { epochMs, partUrls });
  await warmQueue.send(messages);
  const partsOf = new Map<string, string[]>();
  for (const { part, jobs: ids } of messages) {
    for (const job of ids) {
      const parts = partsOf.get(job) ?? [];
      parts.push(part);
      partsOf.set(job, parts);
    }
  }
  await inParallel([...urlsOf], JOBS_AT_ONCE, async ([job, urls]) => {
    const ended = await jobs.warming(job, {
      warmingAtMs: clock.now(),
      warmParts: partsOf.get(job) ?? [],
      warmUrls: urls.length,
    });
    if (ended) count(metricsOfEnd(endOf(ended)), { job });
  });
}
