import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { dynamoGraph } from '../../aws/graph';
import { dynamoJobs } from '../../aws/jobs';
import { dynamoPurges } from '../../aws/purges';
import { dynamoRecords } from '../../aws/records';
import type { InvalidatorConfig } from '../../core/config';
import { type InvalidatorPorts, invalidate } from '../../core/invalidator';
import { jobOf } from '../../core/jobs';
import type { PurgeOutcome, WarmMessage } from '../../core/ports';
import { parseRevalidation, type QueuedRevalidation } from '../../core/revalidation';
import { parseTag } from '../../core/tags';
import { encodeUrl } from '../../core/urls';
import { sdkCall, startTable, TABLE } from '../support/graph';

const config: InvalidatorConfig = {
  table: TABLE,
  warmQueueUrl: '',
  distributionId: '',
  graceMs: 1_000,
  settleMs: 0,
  warmUrlsMax: 1_000,
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
let answer: () => PurgeOutcome;
let ports: InvalidatorPorts;
let run = 0;

beforeEach(() => {
  run += 1;
  purges = [];
  sent = [];
  slept = [];
  answer = () => ({ kind: 'accepted', invalidation: `I${purges.length}` });
  const call = sdkCall(table.endpoint);
  const clock = { now: () => Date.now(), sleep: async (ms: number) => void slept.push(ms) };
  ports = {
    graph: dynamoGraph(call, TABLE),
    records: dynamoRecords(call, TABLE),
    jobs: dynamoJobs(call, TABLE, clock),
    purges: dynamoPurges(call, TABLE, clock),
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

function message(id: string, work: { tags?: string[]; urls?: string[] }): QueuedRevalidation {
  const { tags, urls } = parseRevalidation(work);
  return {
    tags,
    urls,
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

async function recordedAs({ path, heat }: { path: string; heat: number }, ...tags: string[]) {
  const untilSeconds = Math.floor(Date.now() / 1_000) + 600;
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
    expect(slept).toEqual([1_000, 1_000]);
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

  it('names the same invalidation when it died before its job knew of it', async () => {
    await recorded('/a', 'post');
    const again = message('j', { tags: [tagOf('post')] });
    const dying = {
      ...ports,
      jobs: { ...ports.jobs, purged: () => Promise.reject(new Error('died')) },
    };
    await expect(invalidate([again], config, dying)).rejects.toThrow('died');
    await invalidate([again], config, ports);
    expect(purges[0]).toEqual(purges[1]);
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
    await recorded('/a', 'post', 'list');
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

describe('a purge that CloudFront has no room for', () => {
  it('is sent again in its turn, after pauses that double', async () => {
    await recorded('/a', 'post');
    answer = () =>
      purges.length < 4
        ? { kind: 'deferred', why: 'no room' }
        : { kind: 'accepted', invalidation: 'I1' };
    expect(await invalidate([message('j', { tags: [tagOf('post')] })], config, ports)).toEqual({
      kind: 'done',
    });
    expect(new Set(purges.map(({ reference }) => reference)).size).toBe(1);
    expect(slept).toEqual([1_000, 1_000, 2_000, 4_000]);
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
