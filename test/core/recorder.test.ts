import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { dynamoGraph } from '../../aws/graph';
import { RECORDER_DEFAULTS, type RecorderConfig } from '../../core/config';
import type { Fields } from '../../core/headers';
import type { Clock, Graph } from '../../core/ports';
import { type Page, record } from '../../core/recorder';
import { parseTag } from '../../core/tags';
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
  for await (const edge of graph.edges(parseTag(`${tag}-${run}`), nowSeconds)) found.push(edge);
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

  it('has only its record written when its content changed under the same tags', async () => {
    await rule(page());
    later();
    operations.length = 0;
    await rule(page({ etag: ['"v2"'] }));
    expect(operations.filter((operation) => operation === 'UpdateItem')).toHaveLength(1);
    later();
    operations.length = 0;
    await rule(page({ etag: ['"v1"'] })); // as two variants alternate
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

  it('is assumed to be one for a whole render budget when its origin measures nothing', async () => {
    const silent = () => page({ 'x-isr-elapsed': [] });
    await revalidate('post:42');
    later(9_000);
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
    expect(await rule(page({ etag: ['"new"'] }), { graph: unread })).toMatchObject({
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
  it('sends the same 50 each time, and notes of the others that the url goes by path', async () => {
    const { headers } = await rule(page({ 'cache-tag': [numbered(60)] }));
    expect(headers['x-isr-tags']?.split(',')).toEqual(sorted(60).slice(0, 50));
    expect(await edgesOf('n059')).toEqual([{ url: path, byPath: true }]);
    expect(await edgesOf('n000')).toEqual([{ url: path, byPath: false }]);
  });
});

describe('a 304', () => {
  it('is kept when every full answer under its ETag came with these very tags', async () => {
    await rule(page());
    later();
    operations.length = 0;
    expect((await rule(page({}, { status: 304 }))).outcome).toBe('kept');
    expect(operations).toEqual(['BatchGetItem']);
  });

  it.each<[string, () => Page]>([
    ['was never seen as a full answer', () => page({ etag: ['"other"'] }, { status: 304 })],
    ['comes with other tags', () => page({ 'cache-tag': [`other-${run}`] }, { status: 304 })],
    ['has no validator', () => page({ etag: [] }, { status: 304 })],
  ])('lives a moment when it %s: the stored copy may carry other tags', async (_, make) => {
    await rule(page());
    later();
    expect(await rule(make())).toMatchObject({ outcome: 'capped', reason: 'not-modified' });
  });

  it('lives a moment when two tag sets were seen under its ETag', async () => {
    await rule(page());
    later();
    await rule(page({ 'cache-tag': [`other-${run}`] }));
    later();
    expect(await rule(page({}, { status: 304 }))).toMatchObject({ reason: 'not-modified' });
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
