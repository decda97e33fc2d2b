/**
 * The invalidator and the warmer in the simulated world, with their queues: a machine per invocation, which may die at
 * any call.
 * @module
 */
import type { CloudFrontClient } from '@aws-sdk/client-cloudfront';
import type { SQSClient } from '@aws-sdk/client-sqs';
import type { SQSEvent } from 'aws-lambda';
import { consume } from '../../aws/consume';
import { dynamoGraph } from '../../aws/graph';
import { dynamoJobs } from '../../aws/jobs';
import { dynamoLedger } from '../../aws/ledger';
import { dynamoPaces } from '../../aws/paces';
import { cloudFrontPurger } from '../../aws/purger';
import { dynamoPurges } from '../../aws/purges';
import { parseWarmMessage, sqsWarmQueue } from '../../aws/queue';
import { dynamoRecords } from '../../aws/records';
import { parseRevalidationMessage, saidBy } from '../../aws/revalidation-message';
import type { Budget } from '../../core/budget';
import type { Purge } from '../../core/config';
import { RENDERED_AT } from '../../core/headers';
import { type InvalidatorPorts, invalidate } from '../../core/invalidator';
import { doubt, lost } from '../../core/lost';
import { pace } from '../../core/pace';
import type { Site } from '../../core/ports';
import { doubt as doubtWarm, lost as lostWarm, warm } from '../../core/warmer';
import type { Copy, SimulatedCloudFront } from './cloudfront';
import { type Faults, named, type SimulatedDynamo, TABLE } from './dynamo';
import { createMachine } from './machine';
import { FIRST_VARIANT, VARIANT_HEADER } from './origin';
import type { Mutant } from './simulation';
import { type SimulatedQueue, simulateQueue } from './sqs';
import type { Watch } from './watch';
import type { World } from './world';

/** As in aws/site.ts: the warmer does not wait longer for a page. */
const FETCH_MS_MAX = 10_000;

export interface WorkerTraits {
  readonly faults: Partial<Faults>;
  readonly hung: number;
  /** Of an invocation, that it dies before it has ended. */
  readonly crash: number;
  readonly skewMsMax: number;
  readonly purge: Purge;
  readonly budget: Budget | undefined;
  /** Of a call of SQS, that it fails, in part or only in its answer. */
  readonly sendsLost: number;
  /** How far the replica that the origin reads may be behind. */
  readonly lagMs: number;
  /** How long a purge waits for more. */
  readonly gatherMs: number;
  readonly isCalm: boolean;
}

export interface Surroundings {
  readonly dynamo: SimulatedDynamo;
  readonly cloudFront: SimulatedCloudFront;
  readonly watch: Watch;
  readonly counts: { paid: number; crashes: number; wildcards: number; refusedWarms: number };
  readonly mutant: Mutant;
}

/** Of all warmers together. */
const WARM_PACE = { perSecond: 20, burst: 2, perSecondMin: 1 };

export interface Queues {
  readonly revalidateQueue: SimulatedQueue;
  readonly warmQueue: SimulatedQueue;
}

export function startWorkers(
  world: World,
  traits: WorkerTraits,
  { dynamo, cloudFront, watch, counts, mutant }: Surroundings,
): Queues {
  const { random } = world;
  const warmQueue = simulateQueue(world, {
    name: 'warm',
    batchSize: 1,
    visibilityMs: 60_000,
    duplicated: 0.05,
    handler: warmBatch,
  });

  function startWorker() {
    const isDoomed = !traits.isCalm && random.chance(traits.crash);
    if (isDoomed) counts.crashes += 1;
    const callsToLive = isDoomed ? random.below(40) : undefined;
    const call = dynamo.client(traits.isCalm ? {} : { ...traits.faults, hung: traits.hung });
    return createMachine(world, { call, callsToLive, skewMsMax: traits.skewMsMax });
  }

  async function invalidateBatch(event: SQSEvent) {
    const machine = startWorker();
    const { clock, alive, call } = machine;
    const messages = event.Records.map(({ messageId }) => messageId);
    const purgeClient = {
      send: (command: { input: Batch }) => alive(createInvalidation(command.input, messages)),
    };
    const warmClient = { send: (command: { input: Warms }) => alive(sendWarms(command.input)) };
    const own: InvalidatorPorts = {
      graph: dynamoGraph(call, TABLE),
      records: dynamoRecords(call, TABLE),
      jobs: dynamoJobs(call, TABLE, clock),
      purges: dynamoPurges(call, TABLE, clock),
      ledger: dynamoLedger(call, TABLE, clock),
      paces: dynamoPaces(call, TABLE, clock),
      count: () => {},
      purger: cloudFrontPurger(purgeClient as unknown as CloudFrontClient, 'E1'),
      warmQueue: sqsWarmQueue(warmClient as unknown as SQSClient, 'warm'),
      clock,
    };
    const ports = mutant.invalidatorPorts?.(own, world, call) ?? own;
    const config = {
      table: TABLE,
      queueUrl: 'revalidate',
      warmQueueUrl: 'warm',
      distributionId: 'E1',
      gatherMs: traits.gatherMs,
      graceMs: mutant.graceMs ?? 1_000,
      settleMs: mutant.settleMs ?? traits.lagMs,
      purge: traits.purge,
      ...(traits.budget ? { budget: traits.budget } : {}),
      warmUrlsMax: 100,
      warmPerSecond: 20,
    };
    return consume(event, {
      parse: parseRevalidationMessage,
      work: async (batch) => {
        const outcome = await invalidate(batch, config, ports);
        if (outcome.kind === 'deferred') throw new Error(outcome.why);
      },
      later: async () => {}, // the queue hands out again as it likes
      doubted: ({ record, message }) => doubt(saidBy(record, message), own),
      lost: ({ record, message }, loss) => lost(saidBy(record, message), loss, own),
    });
  }

  interface Batch {
    readonly InvalidationBatch: {
      readonly CallerReference: string;
      readonly Paths: { Items: string[] };
    };
  }

  async function createInvalidation({ InvalidationBatch }: Batch, messages: readonly string[]) {
    await world.sleep(random.between(5, 120));
    if (!traits.isCalm && random.chance(0.05)) {
      throw named('TooManyInvalidationsInProgress');
    }
    const { CallerReference: reference, Paths } = InvalidationBatch;
    const before = cloudFront.invalidations.length;
    const { id } = cloudFront.createInvalidation(Paths.Items, reference);
    if (cloudFront.invalidations.length > before) {
      counts.paid += Paths.Items.length;
      counts.wildcards += Paths.Items.filter((item) => item.endsWith('*')).length;
      watch.paid({ items: Paths.Items, reference, messages });
    }
    await world.sleep(random.between(5, 120));
    if (!traits.isCalm && random.chance(0.05)) throw named('TimeoutError');
    return { Invalidation: { Id: id } };
  }

  interface Warms {
    readonly Entries: readonly { readonly Id: string; readonly MessageBody: string }[];
  }

  async function sendWarms({ Entries }: Warms) {
    await world.sleep(random.between(2, 20));
    const isLost = () => !traits.isCalm && random.chance(traits.sendsLost);
    if (isLost()) throw named('ServiceUnavailable');
    const refused = isLost() ? random.below(Entries.length) : undefined;
    for (const [at, { MessageBody }] of Entries.entries()) {
      if (at !== refused) warmQueue.send(MessageBody);
    }
    await world.sleep(random.between(2, 20));
    if (isLost()) throw named('TimeoutError');
    if (refused === undefined) return {};
    counts.refusedWarms += 1;
    return { Failed: [{ Id: Entries[refused]?.Id, Code: 'InternalError', SenderFault: false }] };
  }

  async function warmBatch(event: SQSEvent) {
    const machine = startWorker();
    const { clock, alive, call } = machine;
    const edge = random.below(cloudFront.edges);
    const seen = new Map<string, Copy>();
    const own: Site = {
      fetch: async (url, variant) => {
        const key = `${url} ${variant[VARIANT_HEADER] ?? FIRST_VARIANT}`;
        const late = world.sleep(FETCH_MS_MAX).then(() => Promise.reject(new Error('late')));
        const copy = await alive(
          Promise.race([cloudFront.get(edge, { key, method: 'GET' }), late]),
        );
        if (!copy) return { status: 502, renderedAtMs: undefined };
        seen.set(key, copy);
        return { status: copy.status, renderedAtMs: Number(copy.headers[RENDERED_AT]) };
      },
    };
    const site = mutant.warmerSite?.(own, clock.now) ?? own;
    const jobs = dynamoJobs(call, TABLE, clock);
    const config = { concurrency: 2, deadlineMs: 40_000, perSecond: WARM_PACE.perSecond };
    const ports = {
      site,
      records: dynamoRecords(call, TABLE),
      jobs,
      pace: pace(dynamoPaces(call, TABLE, clock), clock, 'warm', WARM_PACE),
      clock,
      count: () => {},
      random: random.next,
    };
    return consume(event, {
      parse: ({ body }) => parseWarmMessage(body),
      work: async (messages) => {
        for (const message of messages) {
          const result = await warm(message, config, ports);
          if (result.staleCount + result.failedCount > 0) continue;
          for (const copy of seen.values()) watch.warmed(message.jobs, copy);
        }
      },
      later: async () => {}, // the queue hands out again as it likes
      doubted: ({ message }) => doubtWarm(message, ports),
      lost: async ({ message }, { error }) => message && lostWarm(message, error, ports),
    });
  }

  const revalidateQueue = simulateQueue(world, {
    name: 'revalidate',
    batchSize: 4,
    visibilityMs: 15_000,
    duplicated: 0.1,
    handler: invalidateBatch,
  });
  return { revalidateQueue, warmQueue };
}
