/**
 * The site and everybody around it: viewers, editors, the origin, the recorder's containers, the workers; and the watch.
 *
 *     I1  no edge serves, for longer than a capped lifetime, a page rendered before the last revalidation that was
 *         carried out of one of its tags or of its url
 *     I2  an acknowledged revalidation is carried out, or is in the dead-letter queue
 *     I3  nothing is purged that was not asked for
 *     I5  with the graph out of reach every request is answered, and nothing is kept longer than the cap
 *     I6  the same work is not paid twice
 *     I7  a job that is fresh does not lie: the edge it warmed has a page rendered after the epoch
 *
 * I4 (no live edge, no item) is I1 from the other side: a skip that was wrong leaves a page that stays old.
 * @module
 */
import type { CloudFrontClient } from '@aws-sdk/client-cloudfront';
import type { SQSClient } from '@aws-sdk/client-sqs';
import type { SQSEvent } from 'aws-lambda';
import { consume } from '../../aws/consume';
import { dynamoGraph } from '../../aws/graph';
import { dynamoJobs } from '../../aws/jobs';
import { dynamoPaces } from '../../aws/paces';
import { cloudFrontPurger } from '../../aws/purger';
import { dynamoPurges } from '../../aws/purges';
import { parseWarmMessage, sqsWarmQueue } from '../../aws/queue';
import { dynamoRecords } from '../../aws/records';
import { jobIdOf, parseRevalidationMessage } from '../../aws/revalidation-message';
import { RECORDER_DEFAULTS, type RecorderConfig } from '../../core/config';
import { hash } from '../../core/hash';
import { RENDERED_AT, RULING } from '../../core/headers';
import { type InvalidatorPorts, invalidate } from '../../core/invalidator';
import { pace } from '../../core/pace';
import type { Site } from '../../core/ports';
import { record } from '../../core/recorder';
import { encodeUrl } from '../../core/urls';
import { giveUp, warm } from '../../core/warmer';
import { type Answered, type Copy, simulateCloudFront } from './cloudfront';
import { simulateDynamo } from './dynamo';
import { createMachine } from './machine';
import type { Mutant, Violation } from './simulation';
import { type SimulatedQueue, simulateQueue } from './sqs';
import { BEGINNING_MS, type World } from './world';

const TABLE = 'graph';
/** A1: from the recorder's answer to the cache, all layers together. */
const INSERT_MS = 300;
/** The cap of what could not be recorded, and what a capped page may take to arrive. */
const BOUND_MS = RECORDER_DEFAULTS.unrecordedSeconds * 1_000 + 3_000;

type Data = Record<string, number>;

/** The tags whose data each page shows: variants differ, and `list` shows another post when its own data changes. */
const PAGES: Readonly<Record<string, (data: Data, variant: string) => string[]>> = {
  '/a': () => ['a'],
  '/b': (_, variant) => (variant === 'x' ? ['b'] : ['a', 'b']),
  '/list': ({ list = 0 }) => ['list', list % 2 === 0 ? 'a' : 'b'],
};
const TAGS = ['a', 'b', 'list'];
const URLS = Object.keys(PAGES);
const VARIANTS = ['x', 'y'];
/** The header that tells them apart. */
const VARIANT = 'x-variant';
/** Of all warmers together. */
const WARM_PACE = { perSecond: 20, burst: 2, perSecondMin: 1 };
const KEYS = URLS.flatMap((url) => VARIANTS.map((variant) => `${url} ${variant}`));
const LIFETIMES = [
  's-maxage=2',
  's-maxage=20',
  's-maxage=30, stale-while-revalidate=60',
  's-maxage=5, stale-while-revalidate=60, stale-if-error=30',
  's-maxage=20, stale-if-error=60',
];

interface Revalidation {
  readonly job: string;
  readonly message: string;
  readonly tags: readonly string[];
  readonly urls: readonly string[];
  /** The data as it was when the revalidation was acknowledged. */
  readonly data: Data;
}

interface Paid {
  readonly items: readonly string[];
  readonly reference: string;
}

export function createSite(world: World, mutant: Mutant, without: ReadonlySet<number>) {
  const { random } = world;
  const violations: Violation[] = [];
  const counts = { views: 0, renders: 0, kept: 0, capped: 0, edits: 0, paid: 0, crashes: 0 };
  const dynamo = simulateDynamo(world);
  const data: Data = Object.fromEntries(TAGS.map((tag) => [tag, 0]));
  /** The data as it was from a moment on, oldest first. */
  const past: { atMs: number; data: Data }[] = [{ atMs: 0, data: { ...data } }];
  const dataAsOf = (atMs: number) => past.findLast((it) => it.atMs <= atMs)?.data ?? data;
  const revalidations: Revalidation[] = [];
  const traits = {
    lifetimes: Object.fromEntries(URLS.map((url) => [url, random.pick(LIFETIMES)])),
    hasSdk: random.chance(0.7),
    /** How far the replica that the origin reads may be behind: never more than `settle`. */
    lagMs: random.pick([0, 0, 0, 500, 3_000]),
    faults: random.chance(0.5) ? { throttled: 0.02, answerLost: 0.02, unprocessed: 0.03 } : {},
    crash: random.chance(0.5) ? 0.3 : 0,
    isCalm: false,
  };
  let acts = 0;
  const violated = (invariant: string, what: string) => {
    world.say(() => `!! ${invariant}: ${what}`);
    violations.push({ invariant, what, atMs: world.now() - BEGINNING_MS });
  };

  const cloudFront = simulateCloudFront(world, {
    edges: 2,
    insertMs: INSERT_MS,
    origin: renderAndRecord,
  });

  // --- the origin and the recorder's containers

  const containers: ReturnType<typeof startContainer>[] = [];

  function startContainer() {
    const call = dynamo.client(traits.faults);
    const machine = createMachine(world, { call: mutant.recorderCall?.(call) ?? call });
    return { machine, memory: new Set<string>(), isBusy: false, isCold: true };
  }

  async function renderAndRecord(key: string): Promise<Answered> {
    const [path = '', variant = ''] = key.split(' ');
    if (!traits.isCalm && random.chance(0.03)) throw new Error('the origin is down');
    const began = world.now();
    await world.sleep(random.below(50)); // the request, and what comes before the data is read
    const seen = dataAsOf(world.now() - random.below(traits.lagMs + 1));
    const tags = (PAGES[path] ?? (() => []))(seen, variant);
    const versions = Object.fromEntries(tags.map((tag) => [tag, seen[tag] ?? 0]));
    await world.sleep(random.chance(0.2) ? random.below(4_000) : random.below(200));
    const elapsedMs = world.now() - began;
    await world.sleep(random.below(100)); // from the origin to the recorder
    counts.renders += 1;
    world.say(() => `rendered ${key} ${JSON.stringify(versions)}`);

    const container = containers.find(({ isBusy }) => !isBusy) ?? startContainer();
    if (!containers.includes(container)) containers.push(container);
    container.isBusy = true;
    const bootMs = container.isCold ? random.below(800) : 0;
    container.isCold = false;
    await world.sleep(bootMs);
    const { machine } = container;
    const graph = dynamoGraph(machine.call, TABLE);
    const response = {
      'cache-control': [traits.lifetimes[path] ?? ''],
      'cache-tag': [tags.join(',')],
      etag: [`"${JSON.stringify(versions)}"`],
      ...(traits.hasSdk ? { 'x-isr-elapsed': [String(elapsedMs)] } : {}),
    };
    const recording = {
      memory: container.memory,
      freshSeconds: Number(/\d+/.exec(traits.lifetimes[path] ?? '')?.[0]),
      now: machine.clock.now,
    };
    const isDownAllAlong = dynamo.isDown;
    const ruling = await record(
      {
        url: encodeUrl(path),
        originTimeoutMs: 4_300, // no render takes longer
        method: 'GET',
        status: 200,
        request: { [VARIANT]: [variant] },
        response,
      },
      recorderConfig,
      {
        graph: mutant.recorderGraph?.(graph, recording) ?? graph,
        clock: machine.clock,
        bootMs,
      },
    );
    container.isBusy = false;
    if (ruling.outcome === 'kept') counts.kept += 1;
    else counts.capped += 1;
    if (isDownAllAlong && dynamo.isDown && ruling.outcome === 'kept') {
      violated('I5', `${key} was kept with the graph out of reach`);
    }
    world.say(() => `ruled ${key} ${JSON.stringify(versions)}: ${ruling.headers[RULING]}`);
    return {
      key,
      url: path,
      versions,
      status: 200,
      headers: ruling.headers,
      ruling: ruling.headers[RULING] ?? '',
    };
  }

  const recorderConfig: RecorderConfig = {
    ...RECORDER_DEFAULTS,
    keyHeaders: [VARIANT],
    table: TABLE,
    region: 'us-east-1',
  };

  // --- the workers: a machine per invocation, which may die at any call

  function startWorker() {
    const isDoomed = !traits.isCalm && random.chance(traits.crash);
    if (isDoomed) counts.crashes += 1;
    const callsToLive = isDoomed ? random.below(25) : undefined;
    return createMachine(world, {
      call: dynamo.client(traits.isCalm ? {} : traits.faults),
      callsToLive,
    });
  }

  const warmQueue: SimulatedQueue = simulateQueue(world, {
    name: 'warm',
    batchSize: 1,
    visibilityMs: 60_000,
    duplicated: 0.05,
    handler: warmBatch,
  });
  const revalidateQueue: SimulatedQueue = simulateQueue(world, {
    name: 'revalidate',
    batchSize: 4,
    visibilityMs: 15_000,
    duplicated: 0.1,
    handler: invalidateBatch,
  });

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
      purger: cloudFrontPurger(purgeClient as unknown as CloudFrontClient, 'E1'),
      warmQueue: sqsWarmQueue(warmClient as unknown as SQSClient, 'warm'),
      clock,
    };
    const ports = mutant.invalidatorPorts?.(own, world, call) ?? own;
    const config = {
      table: TABLE,
      warmQueueUrl: 'warm',
      distributionId: 'E1',
      graceMs: mutant.graceMs ?? 1_000,
      settleMs: mutant.settleMs ?? traits.lagMs,
      warmUrlsMax: 100,
    };
    return consume(event, {
      parse: parseRevalidationMessage,
      work: async (batch) => {
        const outcome = await invalidate(batch, config, ports);
        if (outcome.kind === 'deferred') throw new Error(outcome.why);
      },
      lost: (message, error) =>
        own.jobs.failed(jobIdOf(message), { failedAtMs: clock.now(), error }),
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
      throw Object.assign(new Error('Rate exceeded'), { name: 'TooManyInvalidationsInProgress' });
    }
    const { CallerReference, Paths } = InvalidationBatch;
    const before = cloudFront.invalidations.length;
    const { id } = cloudFront.createInvalidation(Paths.Items, CallerReference);
    if (cloudFront.invalidations.length > before) {
      counts.paid += Paths.Items.length;
      checkAskedFor(Paths.Items);
      checkPaidOnce({ items: Paths.Items, reference: CallerReference }, messages);
    }
    await world.sleep(random.between(5, 120));
    if (!traits.isCalm && random.chance(0.05))
      throw Object.assign(new Error('lost'), { name: 'TimeoutError' });
    return { Invalidation: { Id: id } };
  }

  interface Warms {
    readonly Entries: readonly { readonly MessageBody: string }[];
  }

  async function sendWarms({ Entries }: Warms) {
    await world.sleep(random.between(2, 20));
    for (const { MessageBody } of Entries) warmQueue.send(MessageBody);
    await world.sleep(random.between(2, 20));
    return {};
  }

  async function warmBatch(event: SQSEvent) {
    const machine = startWorker();
    const { clock, alive, call } = machine;
    const edge = random.below(cloudFront.edges);
    const seen = new Map<string, Copy>();
    const own: Site = {
      fetch: async (url, variant) => {
        const key = `${url} ${variant[VARIANT] ?? VARIANTS[0]}`;
        const copy = await alive(cloudFront.get(edge, key));
        if (!copy) return { status: 502, renderedAtMs: undefined };
        seen.set(key, copy);
        return { status: copy.status, renderedAtMs: Number(copy.headers[RENDERED_AT]) };
      },
    };
    const site = mutant.warmerSite?.(own, clock.now) ?? own;
    const jobs = dynamoJobs(call, TABLE, clock);
    const ports = {
      site,
      records: dynamoRecords(call, TABLE),
      jobs,
      pace: pace(dynamoPaces(call, TABLE, clock), clock, 'warm', WARM_PACE),
      clock,
      random: random.next,
    };
    return consume(event, {
      parse: ({ body }) => parseWarmMessage(body),
      work: async (messages) => {
        for (const message of messages) {
          const result = await warm(message, { concurrency: 2, deadlineMs: 40_000 }, ports);
          if (result.staleCount + result.failedCount > 0) continue;
          for (const copy of seen.values()) checkWarmed(message.jobs, copy);
        }
      },
      lost: async ({ body }, error) => giveUp(parseWarmMessage(body), error, { jobs, clock }),
    });
  }

  // --- viewers and editors

  async function view(edge: number, key: string): Promise<void> {
    counts.views += 1;
    const copy = await cloudFront.get(edge, key);
    if (copy) checkFresh(copy, `edge ${edge}`);
  }

  /** Viewers within a span of time from now on. */
  function crowd(size: number, fromMs: number, toMs: number): void {
    for (let i = 0; i < size; i += 1) {
      world.at(world.now() + random.between(fromMs, toMs), () => {
        void view(random.below(cloudFront.edges), random.pick(KEYS));
      });
    }
  }

  /** Viewers come just before, so that renders are under way when the data changes. */
  function edit(): void {
    crowd(random.below(6), 0, 2_000);
    world.at(world.now() + random.below(2_000), change);
  }

  function change(): void {
    counts.edits += 1;
    const tag = random.pick(TAGS);
    data[tag] = (data[tag] ?? 0) + 1;
    past.push({ atMs: world.now(), data: { ...data } });
    const isByUrl = random.chance(0.2);
    const urls = isByUrl ? [random.pick(URLS)] : [];
    const tags = isByUrl ? [] : random.chance(0.2) ? [tag, random.pick(TAGS)] : [tag];
    const work = { ...(tags.length > 0 ? { tags } : {}), ...(urls.length > 0 ? { urls } : {}) };
    const job = `job-${counts.edits}`;
    crowd(random.below(6), 0, 3_000); // while it is revalidated
    crowd(random.below(4), 15_000, 90_000); // when it should long be fresh
    const told = { ...data };
    world.at(world.now() + random.below(300), () => {
      const message = revalidateQueue.send(JSON.stringify(work), {
        job,
        requestedAtMs: String(world.now()),
      });
      world.say(
        () => `${job} asks for ${JSON.stringify(work)}; the data is ${JSON.stringify(told)}`,
      );
      revalidations.push({ job, message, tags: [...new Set(tags)], urls, data: told });
    });
  }

  // --- the watch

  const paidFor = new Set<string>();

  /** When the purge of a job had reached every layer; undefined when it has not been carried out. */
  function doneAtMs({ job }: Revalidation): number | undefined {
    const facts = dynamo.item(`job#${job}`, '#');
    const purgedAtMs = Number(facts?.purgedAtMs?.N ?? Number.NaN);
    if (Number.isNaN(purgedAtMs)) return undefined;
    const ids = (facts?.invalidations?.L ?? []).map(({ S }) => S);
    const effective = cloudFront.invalidations.filter(({ id }) => ids.includes(id));
    return Math.max(purgedAtMs, ...effective.map(({ effectiveAtMs }) => effectiveAtMs));
  }

  function checkFresh(copy: Copy, where: string): void {
    for (const revalidation of revalidations) {
      const isUrls = revalidation.urls.includes(copy.url);
      const stale = Object.entries(copy.versions).find(
        ([tag, version]) =>
          (isUrls || revalidation.tags.includes(tag)) && version < (revalidation.data[tag] ?? 0),
      );
      if (!stale) continue;
      const doneMs = doneAtMs(revalidation);
      if (doneMs === undefined || world.now() <= doneMs + BOUND_MS) continue;
      const [tag, version] = stale;
      const age = `${world.now() - doneMs} ms after its purge`;
      violated(
        'I1',
        `${where} serves ${copy.key} with ${tag}=${version}, ${age} by ${revalidation.job}`,
      );
    }
  }

  /** What the warmer took for fresh has to show the data that its jobs were about. */
  function checkWarmed(jobs: readonly string[], copy: Copy | undefined): void {
    for (const { job, tags, urls, data: told } of revalidations) {
      if (!copy || !jobs.includes(job)) continue;
      const isOld = Object.entries(copy.versions).some(
        ([tag, version]) =>
          (urls.includes(copy.url) || tags.includes(tag)) && version < (told[tag] ?? 0),
      );
      if (isOld)
        violated(
          'I7',
          `${job}: ${copy.key} was taken for fresh with ${JSON.stringify(copy.versions)}`,
        );
    }
  }

  /**
   * A revalidation pays for an item once; an item is paid again only for somebody who has not paid for it.
   * An invalidation is paid by those whose purge its reference names; if it names none, by all in the batch at hand.
   */
  function checkPaidOnce(paid: Paid, messages: readonly string[]): void {
    const purgeOf = ({ job }: Revalidation) => dynamo.item(`job#${job}`, '#')?.purge?.S;
    const named = revalidations.filter(
      (it) => hash(JSON.stringify([purgeOf(it), paid.items])) === paid.reference,
    );
    const payers =
      named.length > 0 ? named : revalidations.filter((it) => messages.includes(it.message));
    for (const item of paid.items) {
      const askers = payers.filter(({ tags, urls }) =>
        item.startsWith('#') ? tags.includes(item.slice(1)) : urls.includes(item),
      );
      if (askers.length > 0 && askers.every(({ message }) => paidFor.has(`${message} ${item}`))) {
        violated('I6', `${item} was paid again for ${askers.map(({ job }) => job).join(', ')}`);
      }
      for (const { message } of askers) paidFor.add(`${message} ${item}`);
    }
  }

  function checkAskedFor(items: readonly string[]): void {
    for (const item of items) {
      const isAsked = revalidations.some(({ tags, urls }) =>
        item.startsWith('#') ? tags.includes(item.slice(1)) : urls.includes(item),
      );
      if (!isAsked) violated('I3', `${item} was purged, and nobody asked for it`);
    }
  }

  return {
    violations,
    counts,
    acts: () => acts,
    /** @returns when it is over: after a minute of crowds, or half an hour in which edges expire */
    begin(): number {
      const busyMs = random.chance(0.7) ? 60_000 : 1_800_000;
      const during = (count: number, act: () => void) => {
        for (let i = 0; i < count; i += 1) {
          const [atMs, number] = [world.now() + random.below(busyMs), acts++];
          world.at(atMs, without.has(number) ? () => {} : act); // the others stay where they are
        }
      };
      during(random.between(20, 60), () => {
        void view(random.below(cloudFront.edges), random.pick(KEYS));
      });
      during(random.between(2, 8), edit);
      if (random.chance(0.2)) {
        during(1, () => {
          dynamo.isDown = true;
          world.say(() => 'the graph is out of reach');
          world.at(world.now() + random.between(500, 15_000), () => {
            dynamo.isDown = false;
            world.say(() => 'the graph is back');
          });
        });
      }
      return world.now() + busyMs;
    },
    calm(): void {
      traits.isCalm = true;
      dynamo.isDown = false;
    },
    /** Every edge location is asked for every page, after everything has come to rest. */
    lookAround(): void {
      for (let edge = 0; edge < cloudFront.edges; edge += 1) {
        for (const key of KEYS) void view(edge, key);
      }
    },
    checkAtRest(): void {
      for (const revalidation of revalidations) {
        if (
          doneAtMs(revalidation) === undefined &&
          !revalidateQueue.dead.has(revalidation.message)
        ) {
          violated('I2', `${revalidation.job} was acknowledged, and is neither done nor dead`);
        }
      }
    },
  };
}
