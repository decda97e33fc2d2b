import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { dynamoGraph } from '../../aws/graph';
import { RECORDER_DEFAULTS, type RecorderConfig } from '../../core/config';
import type { Fields } from '../../core/headers';
import type { Clock, Graph } from '../../core/ports';
import { type Page, type Ruling, record } from '../../core/recorder';
import { parseTag, type Tag, tagSetId } from '../../core/tags';
import { encodeUrl } from '../../core/urls';
import { counted, sdkCall, startTable, TABLE } from '../support/graph';

const config: RecorderConfig = { ...RECORDER_DEFAULTS, table: TABLE, region: 'us-east-1' };
const TAGS = ['post:42', 'category:7', 'author:1', 'list', 'site'];

let table: Awaited<ReturnType<typeof startTable>>;
let graph: Graph;
let operations: string[];
let nowMs: number;
/** A clock that only the test moves; a deadline on it never comes unless `lateBy` says so. */
const clock: Clock = { now: () => nowMs, sleep: () => new Promise(() => {}) };
let path: string;
let run = 0;

beforeAll(async () => {
  table = await startTable();
});
afterAll(() => table.close());
beforeEach(() => {
  const wire = counted(sdkCall(table.endpoint));
  graph = dynamoGraph(wire.call, TABLE);
  operations = wire.operations;
  nowMs = Date.now();
  run += 1;
  path = `/posts/${run}`;
});

function page(response: Fields = {}, more: Partial<Page> = {}): Page {
  return {
    url: encodeUrl(path),
    originTimeoutMs: 30_000,
    method: 'GET',
    status: 200,
    request: {},
    response: {
      'cache-control': ['s-maxage=300, stale-while-revalidate=3600'],
      'cache-tag': [TAGS.map((tag) => `${tag}-${run}`).join(',')],
      'x-isr-elapsed': ['20'],
      etag: ['"v1"'],
      ...response,
    },
    ...more,
  };
}

function rule(
  it: Page,
  more: { config?: Partial<RecorderConfig>; graph?: Graph; clock?: Clock; bootMs?: number } = {},
) {
  return record(
    it,
    { ...config, ...more.config },
    { graph: more.graph ?? graph, clock: more.clock ?? clock, bootMs: more.bootMs ?? 0 },
  );
}

function revalidate(tag: string, epochMs = nowMs) {
  return graph.putEpochs({ tags: [parseTag(`${tag}-${run}`)], urls: [], epochMs, job: 'job' });
}

async function edgesOf(tag: string, nowSeconds = Math.floor(nowMs / 1_000)) {
  const found = [];
  for await (const page of graph.edges(parseTag(`${tag}-${run}`), nowSeconds)) found.push(...page);
  return found;
}

/** Past the time in which a mark might be younger than the read that finds it. */
function later(ms = 2_000): void {
  nowMs += ms;
}

describe('a page that is rendered for the first time', () => {
  it('is kept as long as its origin said, in the form that CloudFront documents', async () => {
    const { outcome, headers } = await rule(page());
    expect(outcome).toBe('kept');
    expect(headers['cache-control']).toBe(
      'max-age=300, stale-while-revalidate=3600, stale-if-error=0',
    );
    expect(headers['x-isr-rendered-at']).toBe(String(nowMs - 20));
  });

  it('tells CloudFront its tags, and nobody else', async () => {
    const { headers } = await rule(page({ 'surrogate-key': ['more'] }));
    expect(headers['x-isr-tags']?.split(',')).toContain(`post:42-${run}`);
    expect(headers['x-isr-tags']?.split(',')).toContain('more');
    expect(headers).toMatchObject({ 'cache-tag': '', 'surrogate-key': '', 'x-isr-elapsed': '' });
  });

  it('leaves an edge for every tag, which outlives the page with its stale time', async () => {
    await rule(page());
    const lastSecond = Math.floor(nowMs / 1_000) + 300 + 3_600 + 59;
    for (const tag of TAGS) expect(await edgesOf(tag, lastSecond)).toHaveLength(1);
  });
});

describe('the variants of a page', () => {
  const locale = { config: { keyHeaders: ['accept-language'] } };
  const asked = (language: string, encoding?: string): Partial<Page> => ({
    request: {
      'accept-language': [language],
      ...(encoding === undefined ? {} : { 'accept-encoding': [encoding] }),
    },
  });
  const noted = async () => (await graph.look(encodeUrl(path), [])).record?.variants ?? {};

  it('are noted with the first render, as CloudFront keys them', async () => {
    await rule(page({}, asked('de', 'br,gzip')), locale);
    const [[id, until] = ['', 0]] = Object.entries(await noted());
    expect(JSON.parse(id)).toEqual({ 'accept-encoding': 'br,gzip', 'accept-language': 'de' });
    expect(until).toBeGreaterThanOrEqual(Math.floor(nowMs / 1_000) + 300 + 3_600);
  });

  it('cost one write when they are new, and none when they are known', async () => {
    await rule(page({}, asked('de', 'br,gzip')), locale);
    later();
    operations.length = 0;
    expect((await rule(page({}, asked('en')), locale)).outcome).toBe('kept');
    expect(operations).toEqual(['BatchGetItem', 'UpdateItem']);
    operations.length = 0;
    for (const variant of [asked('en'), asked('de', 'gzip, br')])
      await rule(page({}, variant), locale);
    expect(operations).toEqual(['BatchGetItem', 'BatchGetItem']);
    expect(Object.keys(await noted()).sort()).toEqual([
      '{"accept-encoding":"br,gzip","accept-language":"de"}',
      '{"accept-language":"en"}',
    ]);
  });

  it('are eight at most, and the ninth costs no write', async () => {
    for (let i = 0; i < 8; i += 1) {
      await rule(page({}, asked(`l${i}`)), locale);
      later();
    }
    operations.length = 0;
    await rule(page({}, asked('ninth')), locale);
    expect(operations).toEqual(['BatchGetItem']);
    expect(Object.keys(await noted())).toHaveLength(8);
  });

  it('are noted anew when their notes have ended', async () => {
    await rule(page({}, asked('de')), locale);
    later(9_000_000);
    await rule(page({}, asked('en')), locale);
    expect(Object.keys(await noted())).toEqual(['{"accept-language":"en"}']);
  });

  it.each<[string, Partial<Page>, string]>([
    ['a secret in them', { request: { authorization: ['Bearer x'] } }, 'authorization'],
    ['a long value', { request: { 'x-a': ['x'.repeat(300)] } }, 'x-a'],
    ['what no header may hold', { request: { 'x-a': ['ä'] } }, 'x-a'],
  ])('are not noted with %s', async (_, more, name) => {
    await rule(page({}, more), { config: { keyHeaders: [name] } });
    expect(await noted()).toEqual({});
  });

  it('that cannot be noted are served as ever', async () => {
    await rule(page({}, asked('de')), locale);
    later();
    const putVariants = () => Promise.reject(new Error('throttled'));
    const failing = { ...graph, putVariants };
    expect((await rule(page({}, asked('en')), { ...locale, graph: failing })).outcome).toBe('kept');
  });
});

describe('the heat of a page', () => {
  const heat = async () => (await graph.look(encodeUrl(path), [])).record?.heat;

  it('counts the writes of its record, those of yesterday half', async () => {
    await rule(page());
    expect(await heat()).toBe(1);
    later(2_000);
    await rule(page()); // unchanged: no write
    expect(await heat()).toBe(1);
    later(86_400_000 - 2_000);
    await rule(page());
    expect(await heat()).toBe(1.5);
  });
});

describe('a page that is rendered again, unchanged', () => {
  it('costs one read and no write', async () => {
    await rule(page());
    later();
    operations.length = 0;
    const { outcome } = await rule(page());
    expect(outcome).toBe('kept');
    expect(operations).toEqual(['BatchGetItem']);
  });

  it('has its edges written anew when they might end before it does', async () => {
    await rule(page());
    later(3_970 * 1_000);
    operations.length = 0;
    await rule(page());
    expect(operations.filter((operation) => operation === 'UpdateItem')).toHaveLength(
      TAGS.length + 1,
    );
    expect(await edgesOf('list', Math.floor(nowMs / 1_000) + 3_900)).toHaveLength(1);
  });

  it('is recorded anew right after another recording: a mark that young might be younger than the read', async () => {
    await rule(page());
    operations.length = 0;
    await rule(page());
    expect(operations).toContain('UpdateItem');
  });

  it('costs no write either when its content changed under the same tags', async () => {
    await rule(page());
    later();
    operations.length = 0;
    await rule(page({ etag: ['"v2"'] }));
    expect(operations).toEqual(['BatchGetItem']);
  });

  it('and alternates between two tag sets, as variants do, costs one read either way', async () => {
    const other = page({ 'cache-tag': [`other-${run}`] });
    await rule(page());
    later();
    await rule(other);
    later();
    operations.length = 0;
    await rule(page());
    await rule(other);
    expect(operations).toEqual(['BatchGetItem', 'BatchGetItem']);
    expect(await edgesOf('list')).toHaveLength(1); // one variant's render does not take the other's edges
  });
});

describe('a response rendered before its tag was revalidated', () => {
  it('is served, and lives one second', async () => {
    await revalidate('post:42');
    const { outcome, reason, headers } = await rule(page());
    expect([outcome, reason]).toEqual(['capped', 'fence']);
    expect(headers['cache-control']).toBe('max-age=1, stale-while-revalidate=0, stale-if-error=0');
  });

  it('leaves its edge behind, so the purge finds it', async () => {
    await revalidate('post:42');
    await rule(page());
    expect(await edgesOf('post:42')).toHaveLength(1);
  });

  it('is seen also when all its edges were there and nothing is written', async () => {
    await rule(page());
    later();
    await revalidate('author:1');
    expect(await rule(page())).toMatchObject({ outcome: 'capped', reason: 'fence' });
  });

  it('is seen when the url itself was revalidated', async () => {
    await graph.putEpochs({ tags: [], urls: [encodeUrl(path)], epochMs: nowMs, job: 'job' });
    expect(await rule(page())).toMatchObject({ outcome: 'capped', reason: 'fence' });
  });

  it('is assumed to be one for as long as CloudFront waits for an origin that measures nothing', async () => {
    const silent = () => page({ 'x-isr-elapsed': [] });
    await revalidate('post:42');
    later(29_000);
    expect(await rule(silent())).toMatchObject({ outcome: 'capped', reason: 'fence' });
    later(2_000);
    expect((await rule(silent())).outcome).toBe('kept');
  });

  it('is assumed to be one for as long as the container took to start', async () => {
    await revalidate('post:42');
    later(2_000);
    expect(await rule(page(), { bootMs: 3_000 })).toMatchObject({ reason: 'fence' });
    expect((await rule(page())).outcome).toBe('kept');
  });

  it('is seen when the origin has a cache of its own, which kept it: what it measured was long ago', async () => {
    await revalidate('post:42');
    later(3_000);
    expect(await rule(page({ age: ['2'] }))).toMatchObject({ outcome: 'capped', reason: 'fence' });
    expect((await rule(page({ age: ['0'] }))).outcome).toBe('kept');
  });

  it('is none when the revalidation was long before', async () => {
    await revalidate('post:42');
    later();
    expect((await rule(page())).outcome).toBe('kept');
  });
});

describe('with the graph in trouble', () => {
  const short = 'max-age=10, stale-while-revalidate=0, stale-if-error=0';
  const failing = (what: Partial<Graph>): Graph => ({ ...graph, ...what });

  it('a page is served, for a short time, when it throws', async () => {
    const broken = failing({ look: () => Promise.reject(new Error('no\nroute é')) });
    const { outcome, headers } = await rule(page(), { graph: broken });
    expect(outcome).toBe('capped');
    expect(headers['cache-control']).toBe(short);
    expect(headers['x-isr-ruling']).toBe('capped; reason=graph:no?route ?');
  });

  it('a page is served, for a short time, when it does not answer in time', async () => {
    const silent = failing({ look: () => new Promise(() => {}) });
    const ruling = await rule(page(), {
      graph: silent,
      clock: { ...clock, sleep: async () => {} },
    });
    expect(ruling.headers['cache-control']).toBe(short);
    expect(ruling.reason).toBe('late');
  });

  it('unread epochs are no epochs: the page is capped', async () => {
    await rule(page());
    later();
    const look: Graph['look'] = async (url, tags) => ({
      ...(await graph.look(url, tags)),
      epochMs: undefined,
    });
    expect(await rule(page(), { graph: failing({ look }) })).toMatchObject({ reason: 'unread' });
    const unread = failing({ epochOf: async () => undefined });
    expect(await rule(page({ 'cache-tag': [`new-${run}`] }), { graph: unread })).toMatchObject({
      reason: 'unread',
    });
  });

  it('a page lives no longer than its origin said, cap or not', async () => {
    const brief = page({ 'cache-control': ['s-maxage=3'] });
    const broken = failing({ look: () => Promise.reject(new Error('x')) });
    const { headers } = await rule(brief, { graph: broken });
    expect(headers['cache-control']).toBe('max-age=3, stale-while-revalidate=0, stale-if-error=0');
  });

  it('a page is capped when another recorder promised more in the same moment', async () => {
    const raced = failing({ putUrl: async () => undefined });
    expect(await rule(page(), { graph: raced })).toMatchObject({
      outcome: 'capped',
      reason: 'raced',
    });
  });
});

describe('what no purge could name', () => {
  it.each<[string, () => Page, string]>([
    ['a tag that CloudFront refuses', () => page({ 'cache-tag': ['two words'] }), 'tag-refused'],
    ['more than 400 tags', () => page({ 'cache-tag': [numbered(401)] }), 'tags:401'],
    [
      'a url past 4,000 characters without a tag',
      () => page({ 'cache-tag': [] }, { url: encodeUrl(`/${'x'.repeat(4_000)}`) }),
      'url-unpurgeable',
    ],
    [
      'a url with a tilde, without a tag: CloudFront cannot purge its path',
      () => page({ 'cache-tag': [] }, { url: encodeUrl('/~ann/') }),
      'url-unpurgeable',
    ],
    [
      'a url that ends like a wildcard, with more tags than CloudFront keeps',
      () => page({ 'cache-tag': [numbered(51)] }, { url: encodeUrl('/search?q=*') }),
      'url-unpurgeable',
    ],
  ])('lives a short time: %s', async (_, make, reason) => {
    const ruling = await rule(make());
    expect(ruling.outcome).toBe('capped');
    expect(ruling.reason).toContain(reason);
    expect(ruling.headers['cache-control']).toContain('max-age=10,');
    expect(operations).toEqual([]);
  });
});

describe('a response with more tags than CloudFront keeps', () => {
  const sixty = () => page({ 'cache-tag': [numbered(60)] });
  const sent = (ruling: Ruling) => ruling.headers['x-isr-tags']?.split(',');

  it('sends the same 50 each time, and notes of the others that the url goes by path', async () => {
    expect(sent(await rule(sixty()))).toEqual(sorted(60).slice(0, 50));
    expect(await edgesOf('n059')).toMatchObject([{ url: path, byPath: true }]);
    expect(await edgesOf('n000')).toMatchObject([{ url: path, byPath: false }]);
  });

  it('sends those that are revalidated most often: each time they cost one item, not one for each url', async () => {
    await revalidate('n058', 1_000);
    await revalidate('n058', 2_000);
    await revalidate('n059', 1_000);
    const native = [...sorted(60).slice(0, 48), `n058-${run}`, `n059-${run}`];
    expect(sent(await rule(sixty()))).toEqual(native);
    expect(await edgesOf('n058')).toMatchObject([{ url: path, byPath: false }]);
    expect(await edgesOf('n048')).toMatchObject([{ url: path, byPath: true }]);
  });

  it('keeps to what it has sent as long as its mark counts, and notes it on the url', async () => {
    await rule(sixty());
    await revalidate('n059', 1_000);
    later();
    operations.length = 0;
    expect(sent(await rule(sixty()))).toEqual(sorted(60).slice(0, 50));
    expect(operations).toEqual(['BatchGetItem']);
    const { record: noted } = await graph.look(encodeUrl(path), []);
    expect(Object.values(noted?.marks ?? {})).toMatchObject([{ native: sorted(60).slice(0, 50) }]);
  });

  it('has an ETag that names what it was sent, or a copy that was capped with others would be renewed', async () => {
    await revalidate('n059');
    const capped = await rule(sixty());
    later(60_000);
    const kept = await rule(sixty());
    expect([capped.outcome, kept.outcome]).toEqual(['capped', 'kept']);
    expect(sent(kept)).not.toEqual(sent(capped));
    expect(kept.headers.etag).not.toBe(capped.headers.etag);
  });

  it('is never confirmed by a 304, which does not say what the copy was sent', async () => {
    const tagSet = tagSetId(sorted(60) as Tag[]);
    await rule(sixty());
    later();
    const own = { etag: [`"v1~${tagSet}"`], 'cache-tag': [numbered(60)] };
    const ruling = await rule(page(own, { status: 304 }));
    expect(ruling).toMatchObject({ outcome: 'capped', reason: 'not-modified' });
  });
});

describe('purges by paths', () => {
  it('count no mark of the time when CloudFront was given tags: the edges of its copies now say so', async () => {
    await rule(page());
    later();
    const { outcome, headers } = await rule(page(), { config: { purge: 'paths' } });
    expect(outcome).toBe('kept');
    expect(headers['x-isr-tags']).toBe('');
    expect(await edgesOf('list')).toMatchObject([{ url: path, byPath: true }]);
    later();
    operations.length = 0;
    await rule(page(), { config: { purge: 'paths' } });
    expect(operations).toEqual(['BatchGetItem']);
  });

  it('are what the copies of an unchanged page get also when tags are sent again, as long as its mark counts', async () => {
    await rule(page(), { config: { purge: 'paths' } });
    later();
    expect((await rule(page())).headers['x-isr-tags']).toBe('');
    expect(await edgesOf('list')).toMatchObject([{ url: path, byPath: true }]);
  });
});

describe('a response with a tag that is spread', () => {
  it('has its edge where the url belongs, and is found there', async () => {
    await graph.spread(parseTag(`list-${run}`));
    expect((await rule(page())).outcome).toBe('kept');
    expect(await edgesOf('list')).toMatchObject([{ url: path, byPath: false }]);
  });
});

describe('an ETag', () => {
  const tagSet = () => tagSetId(TAGS.map((tag) => parseTag(`${tag}-${run}`)).sort());

  it('of somebody else names its tags in the cache, where its origin does not know it any more', async () => {
    expect((await rule(page())).headers.etag).toBe(`"v1~${tagSet()}"`);
    expect((await rule(page({ etag: ['W/"v1"'] }))).headers.etag).toBe(`W/"v1~${tagSet()}"`);
  });

  it('that names these tags already is left alone', async () => {
    expect((await rule(page({ etag: [`"v1~${tagSet()}"`] }))).headers).not.toHaveProperty('etag');
  });

  it('that is none is taken away, and so is Last-Modified: it knows no tags', async () => {
    const { headers } = await rule(
      page({ etag: ['v1'], 'last-modified': ['Tue, 01 Jan 2030 00:00:00 GMT'] }),
    );
    expect(headers).toMatchObject({ etag: '', 'last-modified': '' });
  });

  it('makes a 304 count as a render when it names these very tags', async () => {
    const confirmed = () => page({ etag: [`"v1~${tagSet()}"`] }, { status: 304 });
    await rule(page({ etag: [`"v1~${tagSet()}"`] }));
    later();
    operations.length = 0;
    expect((await rule(confirmed())).outcome).toBe('kept');
    expect(operations).toEqual(['BatchGetItem']);
  });

  it.each<[string, () => Fields]>([
    ['names other tags', () => ({ etag: [`"v1~${tagSetId([])}"`] })],
    ['names none', () => ({ etag: ['"v1"'] })],
    ['is missing', () => ({ etag: [], 'last-modified': ['Tue, 01 Jan 2030 00:00:00 GMT'] })],
  ])(
    'that %s lets a 304 live a second: the stored copy may carry other tags',
    async (_, fields) => {
      await rule(page());
      later();
      const ruling = await rule(page(fields(), { status: 304 }));
      expect(ruling).toMatchObject({ outcome: 'capped', reason: 'not-modified' });
      expect(ruling.headers['cache-control']).toContain('max-age=1,');
    },
  );

  it('gives the copy of such a 304 an ETag that its origin does not know, so that it answers in full', async () => {
    const { headers } = await rule(page({ etag: ['W/"v1"'] }, { status: 304 }));
    expect(headers.etag).toBe('W/"not-modified~v1"');
  });

  it.each<[string, () => Fields]>([
    ['of other tags', () => ({})],
    ['that leaves its tags out', () => ({ 'cache-tag': [] })],
  ])(
    'never confirms a copy by the 304 %s, however often the origin repeats what it was asked',
    async (_, fields) => {
      let etag = `"v1~${tagSetId([parseTag('stored')])}"`;
      for (let i = 0; i < 4; i += 1) {
        later();
        const ruling = await rule(page({ etag: [etag], ...fields() }, { status: 304 }));
        expect(ruling).toMatchObject({ outcome: 'capped', reason: 'not-modified' });
        etag = ruling.headers.etag ?? etag; // CloudFront merges the headers into the stored copy
      }
      expect(etag.length).toBeLessThan(60);
    },
  );
});

describe('a slow graph', () => {
  /** Answers after so long, by a clock that only it moves. */
  const slow = (ms: number, times = Number.POSITIVE_INFINITY): Graph => ({
    ...graph,
    async look(url, tags) {
      if (times-- > 0) nowMs += ms;
      return graph.look(url, tags);
    },
  });

  it('is asked again when its answer was long on the way: a purge may be on its way since', async () => {
    await rule(page());
    later();
    const once = slow(600, 1);
    expect((await rule(page(), { graph: once })).outcome).toBe('kept');
  });

  it('does not keep a page on epochs that are half of grace old', async () => {
    await rule(page());
    later();
    expect(await rule(page(), { graph: slow(600) })).toMatchObject({
      outcome: 'capped',
      reason: 'unread',
    });
  });
});

describe('a render that began longer ago than an epoch lives', () => {
  it('lives a short time: the epoch may be gone', async () => {
    const ruling = await rule(page({ age: ['80000'] }));
    expect(ruling).toMatchObject({ outcome: 'capped', reason: 'aged' });
  });
});

describe('what must not be cached', () => {
  it('is refused with the reason, keeps no tag, and does not fall back on an older copy', async () => {
    const { outcome, headers } = await rule(page({ vary: ['Cookie'] }));
    expect(outcome).toBe('refused');
    expect(headers).toMatchObject({
      'cache-control': 'private, no-store, stale-if-error=0',
      'x-isr-ruling': 'refused; reason=vary:cookie',
      'x-isr-tags': '',
    });
    expect(operations).toEqual([]);
  });
});

function numbered(count: number): string {
  return sorted(count).join(',');
}

function sorted(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `n${String(i).padStart(3, '0')}-${run}`);
}
