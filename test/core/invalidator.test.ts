import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../aws/clock';
import { dynamoGraph } from '../../aws/graph';
import { dynamoJobs } from '../../aws/jobs';
import { dynamoLedger } from '../../aws/ledger';
import { dynamoPaces } from '../../aws/paces';
import { dynamoPurges } from '../../aws/purges';
import { dynamoRecords } from '../../aws/records';
import type { WhenExceeded } from '../../core/budget';
import type { InvalidatorConfig } from '../../core/config';
import { type InvalidatorPorts, invalidate } from '../../core/invalidator';
import { jobOf, workId } from '../../core/jobs';
import { doubt, lost } from '../../core/lost';
import type { Counts } from '../../core/metrics';
import type { Paces, PurgeOutcome, Purger, WarmMessage } from '../../core/ports';
import { parseRevalidation, type QueuedRevalidation } from '../../core/revalidation';
import { parseTag } from '../../core/tags';
import { encodeUrl } from '../../core/urls';
import { sdkCall, startTable, TABLE } from '../support/graph';
import { until } from '../support/until';

const config: InvalidatorConfig = {
  table: TABLE,
  queueUrl: '',
  warmQueueUrl: '',
  distributionId: '',
  gatherMs: 0,
  graceMs: 1_000,
  settleMs: 0,
  purge: 'native',
  warmUrlsMax: 1_000,
  warmPerSecond: 20,
};

let table: Awaited<ReturnType<typeof startTable>>;
beforeAll(async () => {
  table = await startTable();
});
afterAll(() => table.close());

/** CloudFront and the queue as they look from here: what they were asked, and what they answer. */
let purges: { items: readonly string[]; reference: string }[];
let sent: WarmMessage[];
let slept: number[];
let counted: Counts[];
let answer: () => PurgeOutcome;
let ports: InvalidatorPorts;
let run = 0;

beforeEach(() => {
  run += 1;
  purges = [];
  sent = [];
  slept = [];
  counted = [];
  answer = () => ({ kind: 'accepted', invalidation: `I${purges.length}` });
  const call = sdkCall(table.endpoint);
  const clock = { now: () => Date.now(), sleep: async (ms: number) => void slept.push(ms) };
  ports = {
    graph: dynamoGraph(call, TABLE),
    records: dynamoRecords(call, TABLE),
    jobs: dynamoJobs(call, TABLE, clock),
    purges: dynamoPurges(call, TABLE, clock),
    ledger: dynamoLedger(call, TABLE, clock),
    paces: own(dynamoPaces(call, TABLE, clock)),
    count: (counts) => void counted.push(counts),
    purger: {
      async purge(items, reference) {
        purges.push({ items, reference });
        return answer();
      },
    },
    warmQueue: { send: async (messages) => void sent.push(...messages) },
    clock,
  };
});

/** A pace of its own for each test. */
function own(paces: Paces): Paces {
  const name = (of: string) => `${of}-${run}`;
  return {
    get: (of) => paces.get(name(of)),
    set: (of, before, after) => paces.set(name(of), before, after),
  };
}

function message(
  id: string,
  work: { tags?: string[]; urls?: string[]; dryRun?: boolean },
): QueuedRevalidation {
  return {
    ...parseRevalidation(work),
    job: `${id}-${run}`,
    messageId: `m-${id}-${run}`,
    requestedAtMs: Date.now(),
  };
}

const tagOf = (name: string) => `${name}-${run}`;
const urlOf = (path: string) => `/${run}${path}`;

async function recorded(path: string, ...tags: string[]) {
  await recordedAs({ path, heat: 1 }, ...tags);
}

interface RecordedAs {
  readonly path: string;
  readonly heat: number;
  readonly untilSeconds?: number;
}

async function recordedAs(
  { path, heat, untilSeconds = Math.floor(Date.now() / 1_000) + 600 }: RecordedAs,
  ...tags: string[]
) {
  const edges = tags.map((tag) => ({ tag: parseTag(tagOf(tag)), shards: 1, byPath: false }));
  await ports.graph.putEdges(encodeUrl(urlOf(path)), edges, untilSeconds);
  await ports.graph.putUrl(encodeUrl(urlOf(path)), {
    marks: {},
    variants: {},
    heat,
    untilSeconds,
    tags: [],
    status: 200,
    recordedAtMs: Date.now(),
  });
}

async function jobNow(id: string) {
  const facts = await ports.jobs.get(`${id}-${run}`);
  return facts && jobOf(facts);
}

describe('a revalidation', () => {
  it('writes its epochs, lets grace pass, purges, and has its pages warmed', async () => {
    await recorded('/a', 'post');
    await recorded('/b', 'post');
    const beganMs = Date.now();
    const outcome = await invalidate([message('j', { tags: [tagOf('post')] })], config, ports);

    expect(outcome).toEqual({ kind: 'done' });
    expect(await ports.graph.epochOf([parseTag(tagOf('post'))])).toBeGreaterThanOrEqual(beganMs);
    expect(slept).toEqual([1_000]);
    expect(purges.map(({ items }) => items)).toEqual([[`#${tagOf('post')}`]]);
    expect(sent).toMatchObject([{ jobs: [`j-${run}`], urls: [urlOf('/a'), urlOf('/b')] }]);
    expect(await jobNow('j')).toMatchObject({
      state: 'warming',
      items: 1,
      covered: 2,
      warmUrls: 2,
      invalidations: ['I1'],
    });
  });

  it('of a url fences what was rendered under another spelling of it', async () => {
    await invalidate([message('j', { urls: [urlOf('/%5B%C3%A9')] })], config, ports);
    for (const spelling of ['/%5B%C3%A9', '/%5b%c3%a9', '/[é']) {
      const { epochMs } = await ports.graph.look(urlOf(spelling) as never, []);
      expect([spelling, epochMs]).not.toEqual([spelling, 0]);
    }
  });

  it.each([-3_600_000, 60_000, 3_600_000])(
    'has its epoch by the clock here, though whoever asked for it is %i ms away',
    async (aheadMs) => {
      await recorded('/a', 'post');
      const beganMs = Date.now();
      const work = message('j', { tags: [tagOf('post')] });
      await invalidate([{ ...work, requestedAtMs: beganMs + aheadMs }], config, ports);
      const epochMs = (await ports.graph.epochOf([parseTag(tagOf('post'))])) ?? 0;
      expect(epochMs).toBeGreaterThanOrEqual(beganMs);
      expect(epochMs).toBeLessThanOrEqual(Date.now());
    },
  );

  it('counts what is rendered within settle as old, and purges after it', async () => {
    await recorded('/a', 'post');
    const beganMs = Date.now();
    const settled = { ...config, settleMs: 5_000 };
    await invalidate([message('j', { tags: [tagOf('post')] })], settled, ports);
    const epochMs = (await ports.graph.epochOf([parseTag(tagOf('post'))])) ?? 0;
    expect(epochMs - beganMs).toBeGreaterThanOrEqual(5_000);
    expect(slept).toEqual([6_000]);
    expect(sent[0]?.epochMs).toBe(epochMs);
  });

  it('of what is not cached purges nothing, and is fresh at once', async () => {
    await invalidate(
      [message('j', { tags: [tagOf('none')], urls: [urlOf('/none')] })],
      config,
      ports,
    );
    expect(purges).toEqual([]);
    expect(await jobNow('j')).toMatchObject({ state: 'fresh', items: 0, skipped: 2 });
  });

  it('keeps its edges: they expire by themselves', async () => {
    await recorded('/a', 'post');
    const again = (id: string) =>
      invalidate([message(id, { tags: [tagOf('post')] })], config, ports);
    await again('one');
    await again('two');
    expect(purges).toHaveLength(2);
  });

  it('names the urls that no item reaches: it never ends fresh with them unsaid', async () => {
    await recorded('/~me', 'post');
    await recorded('/other', 'else'); // a wildcard would hit it
    const byPaths = { ...config, purge: 'paths' as const };
    await invalidate([message('j', { tags: [tagOf('post')] })], byPaths, ports);
    expect(purges).toEqual([]);
    const said = expect.stringMatching(/^\/\d+\/~me: .*no path can name it/);
    expect(await jobNow('j')).toMatchObject({
      unpurgeable: { count: 1, sample: [said] },
      problems: [said],
    });
  });

  it('of many urls is warmed in parts', async () => {
    for (let i = 0; i < 60; i += 1) await recorded(`/${i}`, 'many');
    await invalidate([message('j', { tags: [tagOf('many')] })], config, ports);
    expect(sent.map(({ urls }) => urls.length)).toEqual([25, 25, 10]);
    expect(await jobNow('j')).toMatchObject({ warmUrls: 60 });
  });

  it('of more items than CloudFront takes in a second goes in waves', async () => {
    const urls = Array.from({ length: 160 }, (_, i) => `/w${i}`);
    for (const url of urls) await recorded(url);
    await invalidate([message('j', { urls: urls.map(urlOf) })], config, ports);
    expect(purges.map(({ items }) => items.length)).toEqual([150, 10]);
    const [grace, wait = 0, ...more] = slept;
    expect([grace, more]).toEqual([1_000, []]);
    expect(wait).toBeGreaterThan(0); // ten items at 150 a second, less the time that has passed
    expect(wait).toBeLessThanOrEqual(67);
    expect(counted).toEqual([{ PurgeItems: 160, SpendUsd: expect.any(Number) }]);
  });
});

describe('a batch of revalidations', () => {
  it('pays once for what they have in common, and tells each job its own part', async () => {
    await recorded('/a', 'post', 'list');
    await recorded('/b', 'list');
    const one = message('one', { tags: [tagOf('post')] });
    const two = message('two', { tags: [tagOf('list'), tagOf('post')] });
    await invalidate([one, two], config, ports);
    expect(purges.map(({ items }) => items)).toEqual([[`#${tagOf('list')}`, `#${tagOf('post')}`]]);
    expect(sent.flatMap(({ urls }) => urls)).toEqual([urlOf('/a'), urlOf('/b')]);
    expect(await jobNow('one')).toMatchObject({ items: 1, covered: 1 });
    expect(await jobNow('two')).toMatchObject({ items: 2, covered: 2 });
  });
});

describe('a batch that is purged by paths', () => {
  const byPaths = { ...config, purge: 'paths' as const };
  const lenient = (id: string, tags: string[]) => ({
    ...message(id, { tags }),
    allowCollateral: true,
  });

  /** More pages of a tag than paths are named one by one, each with another beside it. */
  async function scattered(tag: string) {
    const pages = Array.from({ length: 60 }, (_, i) => [
      recorded(`/s/${i}/a`, tag),
      recorded(`/s/${i}/b`, 'else'),
    ]);
    await Promise.all(pages.flat());
  }

  it('tells each job of the purge that was made, not of what it would have been alone', async () => {
    await scattered('many');
    await recorded('/~x', 'few');
    await recorded('/~y', 'else');
    const works = [
      lenient('lenient', [tagOf('many'), tagOf('few')]),
      message('strict', { tags: [tagOf('many')] }), // hits nobody else, for all together
      message('other', { tags: [tagOf('none')] }),
    ];
    await invalidate(works, byPaths, ports);
    expect(purges.flatMap(({ items }) => items)).toHaveLength(60);
    expect(await jobNow('lenient')).toMatchObject({
      items: 60,
      covered: 60,
      unpurgeable: { count: 1, sample: [expect.stringContaining('no path can name it')] },
    });
    expect(await jobNow('lenient')).not.toHaveProperty('collateral');
    expect(await jobNow('strict')).toMatchObject({ items: 60, covered: 60 });
    expect(await jobNow('other')).toMatchObject({ items: 0, covered: 0 });
  });

  it('says what else was hit, where that was allowed', async () => {
    await scattered('many');
    await recorded('/apart', 'apart');
    const works = [lenient('many', [tagOf('many')]), lenient('apart', [tagOf('apart')])];
    await invalidate(works, byPaths, ports);
    const items = purges.flatMap((it) => it.items);
    expect(items.length).toBeLessThanOrEqual(50);
    const job = await jobNow('many');
    expect(job?.items).toBe(items.length - 1);
    expect(job?.collateral?.count).toBeGreaterThan(0);
    expect(job?.collateral?.sample[0]).toMatch(/\/s\/\d+\/b$/);
    expect(await jobNow('apart')).toMatchObject({ items: 1, covered: 1 });
    expect(await jobNow('apart')).not.toHaveProperty('collateral');
  });
});

describe('a burst of revalidations of one tag', () => {
  const gathering = { ...config, gatherMs: 400 };
  const live = () => ({ ...ports, clock: systemClock });

  it('costs one item, by however many workers they come, and every job is told', async () => {
    await recorded('/a', 'post');
    const all = Array.from({ length: 1_000 }, (_, i) => message(`${i}`, { tags: [tagOf('post')] }));
    const batches = Array.from({ length: 10 }, (_, i) => all.slice(i * 100, i * 100 + 100));
    const outcomes = await Promise.all(batches.map((it) => invalidate(it, gathering, live())));
    expect(outcomes).toEqual(batches.map(() => ({ kind: 'done' })));
    expect(purges.map(({ items }) => items)).toEqual([[`#${tagOf('post')}`]]);
    for (const part of sent) expect(JSON.stringify(part).length).toBeLessThan(200_000);
    expect(new Set(sent.flatMap(({ jobs }) => jobs)).size).toBe(1_000);
    for (const id of ['0', '999']) {
      expect(await jobNow(id)).toMatchObject({ state: 'warming', items: 1, invalidations: ['I1'] });
    }
  });

  it('never drops the last one: what comes after the epoch is purged after it, once more', async () => {
    await recorded('/a', 'post');
    let last: Promise<unknown> | undefined;
    const purger: Pick<Purger, 'purge'> = {
      async purge(items, reference) {
        purges.push({ items, reference });
        last ??= invalidate([message('last', { tags: [tagOf('post')] })], config, live());
        return answer();
      },
    };
    await invalidate([message('first', { tags: [tagOf('post')] })], config, { ...live(), purger });
    await last;
    expect(new Set(purges.map(({ reference }) => reference)).size).toBe(2);
    const epochs = await Promise.all(
      ['first', 'last'].map(async (id) => (await jobNow(id))?.epochMs),
    );
    expect(epochs[1]).toBeGreaterThan(epochs[0] ?? Number.NaN);
  });

  it('is cut into purges when it never pauses', async () => {
    await recorded('/a', 'post');
    let isEnding = false;
    let sentCount = 0;
    const stream = async () => {
      while (!isEnding) {
        sentCount += 1;
        const work = [message(`s${sentCount}`, { tags: [tagOf('post')] })];
        const asked = invalidate(work, { ...config, gatherMs: 100 }, live());
        await Promise.race([asked, systemClock.sleep(30)]);
        running.push(asked);
      }
    };
    const running: Promise<unknown>[] = [];
    const streaming = stream();
    await until(() => new Set(purges.map(({ reference }) => reference)).size >= 2, 'two purges');
    isEnding = true;
    await streaming;
    await Promise.all(running);
    expect(purges.length).toBeLessThan(sentCount);
    expect(await jobNow(`s${sentCount}`)).toMatchObject({ state: 'warming' });
  });
});

describe('a purge whose worker is silent', () => {
  it('is taken over by another who was told of it, and paid once', async () => {
    await recorded('/a', 'post');
    const purger: Pick<Purger, 'purge'> = {
      purge: (items, reference) => {
        purges.push({ items, reference });
        return new Promise(() => {}); // it hangs, and is never heard of again
      },
    };
    const work = message('j', { tags: [tagOf('post')] });
    void invalidate([work], config, { ...ports, purger });
    await until(() => purges.length > 0, 'the first worker is at it');
    let passedMs = 0;
    const sleep = async (ms: number) => {
      passedMs += ms;
    };
    const clock = { now: () => Date.now() + passedMs, sleep };
    expect(await invalidate([work], config, { ...ports, clock })).toEqual({ kind: 'done' });
    expect(new Set(purges.map(({ reference }) => reference)).size).toBe(1);
    expect(await ports.ledger.used(Date.now())).toBeGreaterThan(0);
    expect(await jobNow('j')).toMatchObject({ state: 'warming' });
  });
});

describe('a purge past the budget of the month', () => {
  const budgeted = (whenExceeded: WhenExceeded) => ({
    ...config,
    budget: { items: 0, whenExceeded },
  });

  it('is made all the same, and counted, where the budget only alarms', async () => {
    await recorded('/a', 'post');
    const work = message('j', { tags: [tagOf('post')] });
    await invalidate([work], budgeted('alarm'), ports);
    expect(purges).toHaveLength(1);
    expect(counted).toEqual([
      { BudgetExceeded: 1 },
      { PurgeItems: 1, SpendUsd: expect.any(Number) },
    ]);
    expect((await jobNow('j'))?.state).toBe('warming');
  });

  it.each([
    ['ttl', 'expiring', 'pages that are cached may be old until their own lifetime ends'],
    ['refuse', 'refused', 'raise the budget, or ask again next month'],
  ] as const)(
    'is not made where the budget says %s: its job is %s, and says why',
    async (word, state, why) => {
      await recorded('/a', 'post');
      const works = [
        message('j', { tags: [tagOf('post')] }),
        message('none', { tags: [tagOf('x')] }),
      ];
      await invalidate(works, budgeted(word), ports);
      expect(purges).toEqual([]);
      const free = { FreshJobs: 1, TimeToFresh: expect.any(Number) };
      expect(counted).toEqual([{ BudgetExceeded: 1 }, { RefusedJobs: 1 }, free]);
      const job = await jobNow('j');
      expect(job?.state).toBe(state);
      expect(job?.refused?.reason).toContain(why);
      expect((await jobNow('none'))?.state).toBe('fresh'); // it would have cost nothing
      await invalidate(works, config, ports);
      expect(purges).toEqual([]); // it was decided
      expect(counted).toHaveLength(3);
    },
  );

  it('says until when its pages may be old, where they are left to their lifetimes', async () => {
    const seconds = Math.floor(Date.now() / 1_000);
    await recordedAs({ path: '/a', heat: 1, untilSeconds: seconds + 900 }, 'post');
    await recordedAs({ path: '/b', heat: 1, untilSeconds: seconds + 700 }, 'post');
    await recordedAs({ path: '/named', heat: 1, untilSeconds: seconds + 1_200 });
    const works = [
      message('tag', { tags: [tagOf('post'), tagOf('none')] }),
      message('both', { tags: [tagOf('post')], urls: [urlOf('/named'), urlOf('/never')] }),
    ];
    await invalidate(works, budgeted('ttl'), ports);
    expect((await jobNow('tag'))?.refused?.oldUntilMs).toBe((seconds + 900) * 1_000);
    expect((await jobNow('both'))?.refused?.oldUntilMs).toBe((seconds + 1_200) * 1_000);

    await invalidate([message('no', { tags: [tagOf('post')] })], budgeted('refuse'), ports);
    expect((await jobNow('no'))?.refused).not.toHaveProperty('oldUntilMs');
  });

  it.each(['native', 'paths'] as const)(
    'leaves room for those that fit, %s: a large one takes nothing from a small one',
    async (purge) => {
      for (const path of ['/a', '/1', '/2', '/3', '/4', '/c']) await recorded(path);
      const large = ['/1', '/2', '/3', '/4'].map(urlOf);
      const at = (id: string, urls: string[], requestedAtMs: number) => ({
        ...message(id, { urls }),
        requestedAtMs,
      });
      const works = [
        at('c', [urlOf('/c')], 4_000),
        at('large', large, 2_000),
        at('again', [urlOf('/a')], 3_000), // costs nothing more
        at('a', [urlOf('/a')], 1_000),
        at('late', [urlOf('/4')], 5_000),
      ];
      const budget = { items: 2, whenExceeded: 'refuse' } as const;
      const ledger = { ...ports.ledger, used: async () => 0 };
      const own = { ...ports, ledger };
      await invalidate(works, { ...config, purge, budget }, own);
      expect(purges.map(({ items }) => items)).toEqual([[urlOf('/a'), urlOf('/c')]]);
      const states = async () =>
        Promise.all(works.map(async (it) => (await ports.jobs.get(it.job)) ?? expect.fail()));
      expect((await states()).map((it) => jobOf(it).state)).toEqual([
        'warming',
        'refused',
        'warming',
        'warming',
        'refused',
      ]);
      expect((await jobNow('large'))?.refused?.reason).toContain(
        '2 of 2 items of this month are used, this needs 4',
      );
      expect(sent.flatMap(({ urls }) => urls).sort()).toEqual([urlOf('/a'), urlOf('/c')]);
      expect(counted).toContainEqual({ BudgetExceeded: 1 });
      expect(counted.filter((it) => it.RefusedJobs)).toHaveLength(2);
      await invalidate(works, { ...config, purge }, own);
      expect(purges).toHaveLength(1); // it was decided
    },
  );

  it('is carried out for the same ones by whoever goes on after a death', async () => {
    for (const path of ['/a', '/1', '/2', '/3']) await recorded(path);
    const works = [
      message('a', { urls: [urlOf('/a')] }),
      message('large', { urls: ['/1', '/2', '/3'].map(urlOf) }),
    ];
    const budget = { items: 1, whenExceeded: 'ttl' } as const;
    const used = async () => 0;
    const dying = { ...ports, warmQueue: { send: () => Promise.reject(new Error('died')) } };
    const broken = { ...dying, ledger: { ...ports.ledger, used } };
    await expect(invalidate(works, { ...config, budget }, broken)).rejects.toThrow('died');
    await invalidate([...works].reverse(), config, ports);
    expect(new Set(purges.map(({ reference }) => reference)).size).toBe(1);
    expect(purges[0]?.items).toEqual([urlOf('/a')]);
    expect((await jobNow('a'))?.state).toBe('warming');
    expect((await jobNow('large'))?.state).toBe('expiring');
  });

  it('is not sent when it could not be counted', async () => {
    await recorded('/a', 'post');
    const ledger = { ...ports.ledger, charge: () => Promise.reject(new Error('no ledger')) };
    const work = message('j', { tags: [tagOf('post')] });
    await expect(invalidate([work], config, { ...ports, ledger })).rejects.toThrow('no ledger');
    expect(purges).toEqual([]);
    await invalidate([work], config, ports);
    expect(purges).toHaveLength(1);
  });

  it('holds nothing back that is rendered since', async () => {
    await recorded('/a', 'post');
    await invalidate([message('j', { tags: [tagOf('post')] })], budgeted('ttl'), ports);
    expect(await ports.graph.epochOf([parseTag(tagOf('post'))])).toBeGreaterThan(0);
  });
});

describe('what is counted of a purge', () => {
  it('is counted once, though its messages come back after it was sent and paid', async () => {
    await recorded('/a', 'post');
    const works = [message('j', { tags: [tagOf('post')] })];
    const jobs = { ...ports.jobs, purged: () => Promise.reject(new Error('died')) };
    await expect(invalidate(works, config, { ...ports, jobs })).rejects.toThrow('died');
    await invalidate(works, config, ports);
    expect(counted).toEqual([{ PurgeItems: 1, SpendUsd: expect.any(Number) }]);
  });

  it('is what the month has cost so far, in USD, the free items left out', async () => {
    await recorded('/a', 'post');
    const ledger = { used: async () => 999, charge: async () => 1_002 };
    await invalidate([message('j', { tags: [tagOf('post')] })], config, { ...ports, ledger });
    expect(counted).toEqual([{ PurgeItems: 1, SpendUsd: 0.01 }]);
  });

  it('is the job, fresh at once when nothing is to be warmed', async () => {
    await invalidate([message('none', { tags: [tagOf('x')] })], config, ports);
    expect(counted).toEqual([{ FreshJobs: 1, TimeToFresh: expect.any(Number) }]);
  });
});

describe('the last try of a revalidation', () => {
  it('is no end of its job, until no worker can be alive that began it', async () => {
    const asked = message('last', { tags: [tagOf('post')] });
    await doubt({ ...asked, work: workId(asked) }, ports);
    const facts = await ports.jobs.get(asked.job);
    const at = (minutes: number) => facts && jobOf(facts, Date.now() + minutes * 60_000);
    expect(at(4)?.state).toBe('queued');
    expect(at(6)).toMatchObject({ state: 'failed', error: expect.stringContaining('has died') });

    await invalidate([asked], config, ports);
    expect(await jobNow('last')).toMatchObject({ state: 'fresh', doubtedAtMs: expect.any(Number) });
    expect(await jobNow('last')).not.toHaveProperty('error');
  });
});

describe('a revalidation that is lost', () => {
  it('counts as a failed job when it goes to the dead-letter queue, and says so on it', async () => {
    const poison = { job: `lost-${run}`, requestedAtMs: 1, work: undefined };
    await lost(poison, { error: 'poisoned', isLast: false }, ports);
    expect(counted).toEqual([]);
    await lost(poison, { error: 'poisoned', isLast: true }, ports);
    expect(counted).toEqual([{ FailedJobs: 1 }]);
    expect(await jobNow('lost')).toMatchObject({ state: 'failed', error: 'poisoned' });
  });

  const notItsOwn = [
    ['came again after its purge', (it: QueuedRevalidation) => workId(it)],
    ['is other work under its id', () => 'other'],
    ['is poison under its id', () => undefined],
  ] as const;
  it.each(notItsOwn)('and %s leaves the job as it was, and counts nothing', async (_, workOf) => {
    await recorded('/a', 'post');
    const it = message('dup', { tags: [tagOf('post')] });
    await invalidate([it], config, ports);
    const before = await jobNow('dup');
    counted.length = 0;
    const again = { job: it.job, requestedAtMs: it.requestedAtMs, work: workOf(it) };
    await doubt(again, ports);
    await lost(again, { error: 'CloudFront: AccessDenied', isLast: true }, ports);
    expect(await jobNow('dup')).toEqual(before);
    expect(counted).toEqual([]);
  });

  it('and is other work than what is under way leaves that alone', async () => {
    const own = { tags: 1, urls: 0, work: 'own', requestedAtMs: 1, purgingAtMs: 2 };
    await ports.jobs.begin(`own-${run}`, own);
    for (const work of ['other', undefined]) {
      const other = { job: `own-${run}`, requestedAtMs: 1, work };
      await lost(other, { error: 'CloudFront: AccessDenied', isLast: true }, ports);
    }
    expect((await jobNow('own'))?.state).toBe('purging');
  });
});

describe('more pages than are warmed', () => {
  it('are warmed hottest first, also when the hot ones are read last', async () => {
    for (let i = 0; i < 60; i += 1) {
      await recordedAs({ path: `/${String(i).padStart(2, '0')}`, heat: (i * 7) % 60 }, 'many');
    }
    const few = { ...config, warmUrlsMax: 4 };
    await invalidate([message('j', { tags: [tagOf('many')] })], few, ports);
    expect(sent.flatMap(({ urls }) => urls)).toEqual(['/17', '/34', '/51', '/08'].map(urlOf));
    expect(await jobNow('j')).toMatchObject({ warmUrls: 4, covered: 60 });
  });

  it('are not warmed at all when none may be', async () => {
    await recorded('/a', 'none');
    await invalidate(
      [message('j', { tags: [tagOf('none')] })],
      { ...config, warmUrlsMax: 0 },
      ports,
    );
    expect(sent).toEqual([]);
    await ports.jobs.completed(`j-${run}`, Date.now());
    expect(await jobNow('j')).toMatchObject({ state: 'fresh', covered: 1 });
  });
});

describe('pages that a batch warms', () => {
  it('are in parts of the same jobs: no job is told of what another one waits for', async () => {
    await recorded('/both', 'post', 'list');
    await recorded('/own', 'list');
    const one = message('one', { tags: [tagOf('post')] });
    const two = message('two', { tags: [tagOf('list')] });
    await invalidate([one, two], config, ports);
    expect(sent.map(({ jobs, urls }) => [jobs, urls])).toEqual([
      [[`one-${run}`, `two-${run}`], [urlOf('/both')]],
      [[`two-${run}`], [urlOf('/own')]],
    ]);
  });

  it('are those of the try that named them: what an earlier try had enqueued does not make a job fresh', async () => {
    await recorded('/a', 'post');
    const again = message('j', { tags: [tagOf('post')] });
    const jobs = { ...ports.jobs, warming: () => Promise.reject(new Error('died')) };
    await expect(invalidate([again], config, { ...ports, jobs })).rejects.toThrow('died');
    await recorded('/b', 'post');
    await invalidate([again], config, ports);
    const [first, second] = sent;
    const warmed = { atMs: 1, warmed: 1, stale: [], staleCount: 0, failed: [], failedCount: 0 };
    await ports.jobs.warmed(`j-${run}`, first?.part ?? '', warmed);
    expect((await jobNow('j'))?.state).toBe('warming');
    await ports.jobs.warmed(`j-${run}`, second?.part ?? '', { ...warmed, warmed: 2 });
    await ports.jobs.completed(`j-${run}`, Date.now());
    expect(await jobNow('j')).toMatchObject({ state: 'fresh', warmed: 2, warmUrls: 2 });
  });
});

describe('a revalidation that is delivered again', () => {
  it('keeps the epoch of its first try: what was rendered since is fresh', async () => {
    await recorded('/a', 'post');
    const again = message('j', { tags: [tagOf('post')] });
    const jobs = { ...ports.jobs, purged: () => Promise.reject(new Error('died')) };
    await expect(invalidate([again], config, { ...ports, jobs })).rejects.toThrow('died');
    const epochMs = await ports.graph.epochOf([parseTag(tagOf('post'))]);
    const clock = { ...ports.clock, now: () => Date.now() + 360_000 };
    await invalidate([again], config, { ...ports, clock });
    expect(await ports.graph.epochOf([parseTag(tagOf('post'))])).toBe(epochMs);
    expect(sent[0]?.epochMs).toBe(epochMs);
  });

  it('does nothing when its job has gone on', async () => {
    await recorded('/a', 'post');
    const again = message('j', { tags: [tagOf('post')] });
    await invalidate([again], config, ports);
    await invalidate([again], config, ports);
    expect(purges).toHaveLength(1);
    expect(sent).toHaveLength(1);
  });

  it('names the same invalidation when it died before that was noted', async () => {
    await recorded('/a', 'post');
    const again = message('j', { tags: [tagOf('post')] });
    const dying = {
      ...ports,
      purges: { ...ports.purges, sent: () => Promise.reject(new Error('died')) },
    };
    await expect(invalidate([again], config, dying)).rejects.toThrow('died');
    await invalidate([again], config, ports);
    expect(purges).toHaveLength(2);
    expect(purges[0]).toEqual(purges[1]);
  });

  it('sends nothing again that CloudFront is known to have taken, and tells its job of all', async () => {
    const urls = Array.from({ length: 160 }, (_, i) => `/s${i}`);
    for (const url of urls) await recorded(url);
    const again = message('j', { urls: urls.map(urlOf) });
    answer = () => {
      if (purges.length === 2) throw new Error('died');
      return { kind: 'accepted', invalidation: `I${purges.length}` };
    };
    await expect(invalidate([again], config, ports)).rejects.toThrow('died');
    await invalidate([again], config, ports);
    expect(purges.map(({ items }) => items.length)).toEqual([150, 10, 10]);
    expect(await jobNow('j')).toMatchObject({ items: 160, invalidations: ['I1', 'I3'] });
  });

  it('is not lost when the purge that would take it was forgotten after a month', async () => {
    await recorded('/a', 'post');
    await ports.purges.announce('forgotten', await ports.purges.current());
    await invalidate([message('j', { tags: [tagOf('post')] })], config, ports);
    expect((await jobNow('j'))?.state).toBe('warming');
    expect((await ports.jobs.get(`j-${run}`))?.purge).not.toBe('forgotten');
  });

  it('names the same invalidation in other company, and with other edges', async () => {
    await recorded('/a', 'post');
    const one = message('one', { tags: [tagOf('post')] });
    const two = message('two', { tags: [tagOf('list')] });
    const jobs = { ...ports.jobs, purged: () => Promise.reject(new Error('died')) };
    await expect(invalidate([one, two], config, { ...ports, jobs })).rejects.toThrow('died');
    await recorded('/b', 'list');
    await invalidate([one], config, ports);
    await invalidate([two], config, ports);
    expect(new Set(purges.map(({ reference }) => reference)).size).toBe(1);
    for (const id of ['one', 'two']) expect((await jobNow(id))?.state).toBe('warming');
  });

  it('is in one purge when it is delivered twice at once', async () => {
    await recorded('/a', 'post');
    await recorded('/b', 'list');
    const one = message('one', { tags: [tagOf('post')] });
    const two = message('two', { tags: [tagOf('list')] });
    await Promise.all([invalidate([one, two], config, ports), invalidate([one], config, ports)]);
    const items = purges.filter(
      (it, at) => purges.findIndex(({ reference }) => reference === it.reference) === at,
    );
    expect(items.flatMap((it) => it.items).sort()).toEqual([
      `#${tagOf('list')}`,
      `#${tagOf('post')}`,
    ]);
    for (const id of ['one', 'two']) expect((await jobNow(id))?.state).toBe('warming');
  });

  it('only warms when it died after the purge', async () => {
    await recorded('/a', 'post');
    const again = message('j', { tags: [tagOf('post')] });
    const warmQueue = { send: () => Promise.reject(new Error('died')) };
    await expect(invalidate([again], config, { ...ports, warmQueue })).rejects.toThrow('died');
    expect(await jobNow('j')).toMatchObject({ state: 'purged' });
    await invalidate([again], config, ports);
    expect(new Set(purges.map(({ reference }) => reference)).size).toBe(1); // told again: CloudFront does it once
    expect(sent).toHaveLength(1);
    expect(await jobNow('j')).toMatchObject({ state: 'warming' });
  });

  it('is another invalidation than a later one of the same tag', async () => {
    await recorded('/a', 'post');
    await invalidate([message('one', { tags: [tagOf('post')] })], config, ports);
    await invalidate([message('two', { tags: [tagOf('post')] })], config, ports);
    expect(purges[0]?.items).toEqual(purges[1]?.items);
    expect(purges[0]?.reference).not.toBe(purges[1]?.reference);
  });
});

describe('a revalidation that comes again under its idempotency key', () => {
  const again = (work: Parameters<typeof message>[1]) => ({
    ...message('key', work),
    messageId: `m-again-${run}`,
  });

  it('with the same work does nothing more', async () => {
    await recorded('/a', 'post');
    await invalidate([message('key', { tags: [tagOf('post')] })], config, ports);
    await invalidate([again({ tags: [tagOf('post'), tagOf('POST')] })], config, ports);
    expect(purges).toHaveLength(1);
    expect(await jobNow('key')).not.toHaveProperty('conflictAtMs');
  });

  it.each([
    ['after it', false],
    ['in its batch', true],
  ])(
    'with other work, %s, purges nothing for that, and shows as a conflict',
    async (_, isOneBatch) => {
      await recorded('/a', 'post');
      await recorded('/b', 'list');
      const one = message('key', { tags: [tagOf('post')] });
      const other = again({ tags: [tagOf('list')] });
      if (isOneBatch) await invalidate([one, other], config, ports);
      else for (const it of [one, other]) await invalidate([it], config, ports);
      const job = await jobNow('key');
      const [won, lost] = job?.work === workId(one) ? [one, other] : [other, one];
      expect(purges.map(({ items }) => items)).toEqual([[`#${won.tags[0]}`]]);
      expect(sent).toHaveLength(1);
      expect(job).toMatchObject({ state: 'warming', conflictWork: workId(lost) });
      if (!isOneBatch) expect(won).toBe(one);
    },
  );
});

describe('a dry run', () => {
  it('ends with what would be purged and why, and does nothing', async () => {
    await recorded('/a', 'post');
    await recorded('/b', 'post');
    const work = { tags: [tagOf('post'), tagOf('none')], dryRun: true };
    await invalidate([message('dry', work)], config, ports);
    expect(purges).toEqual([]);
    expect(sent).toEqual([]);
    expect(slept).toEqual([]);
    expect(await ports.graph.epochOf([parseTag(tagOf('post'))])).toBe(0);
    expect(await jobNow('dry')).toMatchObject({
      state: 'planned',
      tags: 2,
      planned: {
        items: [
          {
            item: `#${tagOf('post')}`,
            why: expect.stringContaining(`revalidate ${tagOf('post')}`),
            covers: 2,
            sample: [urlOf('/a'), urlOf('/b')],
          },
        ],
        itemsCount: 1,
        skipped: [{ asked: tagOf('none'), why: expect.stringContaining('no live edge') }],
        skippedCount: 1,
        sample: [urlOf('/a'), urlOf('/b')],
        isAllowed: true,
        priceUsd: expect.any(Number),
        covered: 2,
        budget: 'no budget is set',
        collateral: { count: 0, sample: [] },
      },
    });
  });

  it('shows some of its urls, however few are warmed', async () => {
    for (const n of [1, 2, 3]) await recorded(`/b${n}`, 'big');
    const dry = message('dry', { tags: [tagOf('big')], dryRun: true });
    await invalidate([dry], { ...config, warmUrlsMax: 0 }, ports);
    expect((await jobNow('dry'))?.planned?.sample).toHaveLength(3);
  });

  it('says that the budget does not allow it', async () => {
    await recorded('/a', 'post');
    const budget = { items: 0, whenExceeded: 'refuse' } as const;
    const dry = message('dry', { tags: [tagOf('post')], dryRun: true });
    await invalidate([dry], { ...config, budget }, ports);
    const planned = (await jobNow('dry'))?.planned;
    expect(planned).toMatchObject({ isAllowed: false, budget: expect.stringContaining('0 items') });
  });

  it('is planned once, and never carried out when it is delivered again', async () => {
    await recorded('/a', 'post');
    const dry = message('dry', { tags: [tagOf('post')], dryRun: true });
    const jobs = { ...ports.jobs, planned: () => Promise.reject(new Error('died')) };
    await expect(invalidate([dry], config, { ...ports, jobs })).rejects.toThrow('died');
    await invalidate([dry], config, ports);
    await invalidate([dry], config, ports);
    expect(purges).toEqual([]);
    expect(await jobNow('dry')).toMatchObject({ state: 'planned' });
  });

  it('under the key of a revalidation is a conflict', async () => {
    await recorded('/a', 'post');
    await invalidate([message('key', { tags: [tagOf('post')] })], config, ports);
    await invalidate([message('key', { tags: [tagOf('post')], dryRun: true })], config, ports);
    const job = await jobNow('key');
    expect(job).toMatchObject({ state: 'warming', conflictAtMs: expect.any(Number) });
    expect(job).not.toHaveProperty('planned');
  });
});

describe('a purge that CloudFront has no room for', () => {
  it('is sent again in its turn, after pauses that double', async () => {
    await recorded('/a', 'post');
    let passedMs = 0;
    const at: number[] = [];
    answer = () => {
      at.push(passedMs);
      return purges.length < 4
        ? { kind: 'deferred', why: 'no room' }
        : { kind: 'accepted', invalidation: 'I1' };
    };
    const sleep = async (ms: number) => {
      passedMs += ms;
    };
    const clock = { now: () => Date.now() + passedMs, sleep };
    const work = message('j', { tags: [tagOf('post')] });
    expect(await invalidate([work], config, { ...ports, clock })).toEqual({ kind: 'done' });
    expect(new Set(purges.map(({ reference }) => reference)).size).toBe(1);
    for (const [after, ms] of [1_000, 2_000, 4_000].entries()) {
      expect((at[after + 1] ?? 0) - (at[after] ?? 0)).toBeGreaterThan(ms * 0.8);
    }
  });

  it('goes back to the queue before the function ends, with nothing told that has not happened', async () => {
    await recorded('/a', 'post');
    answer = () => ({ kind: 'deferred', why: 'TooManyInvalidationsInProgress' });
    let passedMs = 0;
    const clock = {
      now: () => Date.now() + passedMs,
      sleep: async (ms: number) => {
        passedMs += ms;
      },
    };
    const work = message('j', { tags: [tagOf('post')] });
    expect(await invalidate([work], config, { ...ports, clock })).toMatchObject({
      kind: 'deferred',
    });
    expect(passedMs).toBeLessThan(210_000);
    expect(await jobNow('j')).toMatchObject({ state: 'purging' });
    expect(sent).toEqual([]);
  });
});
