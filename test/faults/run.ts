/**
 * One run: a few revalidations, some of them poisoned, and workers that are cut off, throttled, delayed, heard twice and
 * killed, until every message is acknowledged or in a dead-letter queue.
 *
 * The seed decides what is sent, how messages are handed out and what happens to each request. Not decided by it: the
 * order in which requests that a worker makes side by side arrive, and two workers at once go on; so a run may differ a
 * little when it is run again.
 * @module
 */
import { JOB_ATTRIBUTE, REQUESTED_AT_ATTRIBUTE } from '../../core/api';
import { WORKER_SECONDS_MAX } from '../../core/config';
import type { Job } from '../../core/jobs';
import { failuresIn, type SqsRecord } from '../../local/lambda/sqs-event';
import { randomOf } from '../simulation/random';
import { type Acknowledged, type Delivery, violationsOf } from './checks';
import { createQueue, type RunQueue } from './queue';
import type { Role, Stage, Worker } from './stage';
import { type Traits, traitsOf } from './traits';
import { troubleOf } from './trouble';

export interface Run {
  readonly seed: number;
  readonly violations: readonly string[];
  /** What happened, so that a suite can tell that its runs have what they are about. */
  readonly counts: Readonly<Record<string, number>>;
}

/** How long messages stay away: handed out twice, in another batch, for a visibility timeout. */
const AWAY_MS = [0, 60_000, 330_000, 330_000, 330_000] as const;
const BATCH_MAX: Readonly<Record<Role, number>> = { invalidator: 4, warmer: 2 };

/** @param tell is told what happens, line by line */
export async function run(seed: number, stage: Stage, tell?: (line: string) => void): Promise<Run> {
  const random = randomOf(seed);
  const traits = traitsOf(seed);
  const counts: Record<string, number> = {};
  const say = (what: () => string) => tell?.(what());
  const count = (name: string, by = 1) => {
    counts[name] = (counts[name] ?? 0) + by;
  };
  let order = 0;

  await stage.reset();
  stage.cloudFront.reset({ order: () => ++order });
  const beganMs = stage.clock.now();
  say(() => `this run: ${JSON.stringify(traits)}`);

  const queues: Record<Role, RunQueue> = {
    invalidator: createQueue('revalidate'),
    warmer: createQueue('warm'),
  };
  const acknowledged: Acknowledged[] = [];
  const deliveries: Delivery[] = [];
  const workers = new Set<Worker>();

  function send({ job, work, body, isPoison }: Traits['asked'][number]): void {
    const nowMs = stage.clock.now();
    const id = `message-${seed}-${job}`;
    const attributes = { [JOB_ATTRIBUTE]: job, [REQUESTED_AT_ATTRIBUTE]: String(nowMs) };
    queues.invalidator.send({ id, body, sentAtMs: nowMs, attributes });
    acknowledged.push({ job, message: id, work, isPoison, atMs: nowMs, order: ++order });
    count(isPoison ? 'poisons' : 'revalidations');
    say(() => `${job} is acknowledged: ${body.slice(0, 80)}`);
  }

  async function deliver(role: Role, records: readonly SqsRecord[]): Promise<void> {
    const ids = records.map(({ messageId }) => messageId);
    const name = `${role} ${deliveries.length + 1}`;
    const delivery: Delivery = { role, ids, hindered: [] };
    deliveries.push(delivery);
    count('deliveries');
    const shown = records.map((it) => `${it.messageId}×${it.attributes.ApproximateReceiveCount}`);
    say(() => `${name} gets ${shown.join(' ')}`);
    const isFirst = deliveries.filter((it) => it.role === role).length === 1;
    const own = randomOf(seed * 1_000 + deliveries.length);
    const trouble = troubleOf(delivery, { traits, isFirst, random: own, count });
    const worker = await stage.take(role);
    workers.add(worker);
    let failed: ReadonlySet<string> = new Set(ids);
    try {
      const answer = await worker.run(
        { Records: records },
        { ...trouble, say: (what) => say(() => `  ${name} ${what()}`) },
      );
      failed = failuresIn(answer, records);
    } catch (thrown) {
      if (delivery.killedAt === undefined) throw thrown; // our code threw: consume() lets nothing out
    }
    for (const id of ids) if (!failed.has(id)) queues[role].acknowledge(id);
    say(() => `${name} ${delivery.killedAt ? 'is dead' : `has failed at ${failed.size}`}`);
  }

  function batchOf(role: Role): readonly SqsRecord[] {
    const left = [...queues[role].ids()];
    const size = 1 + random.below(Math.min(BATCH_MAX[role], left.length));
    const ids = Array.from({ length: size }, () => left.splice(random.below(left.length), 1)[0]);
    return queues[role].receive(ids.flatMap((id) => id ?? []));
  }

  async function deliverSome(): Promise<void> {
    const waiting = (['invalidator', 'warmer'] as const).filter((it) => queues[it].ids().length);
    if (waiting.length === 0) return;
    const batches = [random.pick(waiting)].map((role) => ({ role, records: batchOf(role) }));
    const [first] = batches;
    if (first && random.chance(traits.twice)) {
      count('at once'); // handed out again before the first was answered, in other company
      batches.push({ role: first.role, records: batchOf(first.role) });
    }
    const full = batches.filter(({ records }) => records.length > 0);
    await Promise.all(full.map(({ role, records }) => deliver(role, records)));
  }

  const unsent = [...traits.asked];
  const isOver = () =>
    unsent.length === 0 && Object.values(queues).every((queue) => queue.ids().length === 0);
  if (traits.warmPoison) {
    queues.warmer.send({ id: 'no-warm', body: traits.warmPoison, sentAtMs: stage.clock.now() });
  }
  for (;;) {
    do {
      const next = unsent.shift();
      if (next) send(next);
    } while (unsent.length > 0 && random.chance(0.5));
    await deliverSome();
    if (isOver()) for (const worker of workers) await worker.settled();
    for (const warm of await stage.receiveWarms()) queues.warmer.send(warm);
    if (isOver()) break;
    stage.clock.skip(random.pick(AWAY_MS));
  }

  stage.clock.skip(WORKER_SECONDS_MAX.invalidator * 1_000); // nobody is at a last try any more
  const jobs = new Map<string, Job | undefined>();
  for (const { job } of acknowledged) jobs.set(job, await stage.readJob(job));
  const { violations, untold } = violationsOf({
    acknowledged,
    deliveries,
    jobs,
    held: await stage.cloudFront.held(),
    renderedAtMs: stage.cloudFront.renderedAtMs,
    used: await stage.used(beganMs),
    dead: queues.invalidator.dead,
    deadWarms: queues.warmer.dead,
    isCalm: traits.faults === 0 && traits.kills === 0,
  });
  count('dead', queues.invalidator.dead.size);
  count('dead warms', queues.warmer.dead.size);
  count('untold', untold);
  for (const { job, isPoison } of acknowledged) {
    const { state = 'unknown', error } = jobs.get(job) ?? {};
    if (!isPoison) count(state);
    say(() => `${job} is ${state}${error ? `: ${error}` : ''}`);
  }
  for (const what of violations) say(() => `!! ${what}`);
  return { seed, violations, counts };
}
