import { describe, expect, it } from 'vitest';
import { type Answer, page, stage } from './stage';

const MODIFIED = 'Wed, 31 Dec 2025 12:00:00 GMT';
const LIFE = { 'cache-control': 'max-age=10, stale-if-error=0' };

/** 304 to whoever holds the page. */
const confirms: (headers?: Record<string, string>) => Answer = (headers = {}) =>
  function answer(viewer, reply) {
    const isHeld = viewer.headers['if-none-match'] === '"1"';
    if (isHeld) reply.writeHead(304, headers).end();
    else reply.writeHead(200, { ...LIFE, etag: '"1"', 'last-modified': MODIFIED }).end('page');
  };

describe('CFDG/RequestAndResponseBehaviorCustomOrigin: an expired object', () => {
  it('is asked about with its ETag and Last-Modified', async () => {
    const { origin, get, pass } = await stage();
    origin.answer = confirms(LIFE);
    await get('/');
    pass(11);
    await get('/');
    const [first, second] = origin.asked.map(({ headers }) => headers);
    expect(first).not.toHaveProperty('if-none-match');
    expect(second).toMatchObject({ 'if-none-match': '"1"', 'if-modified-since': MODIFIED });
  });

  it('lives on with the body it had, the headers of the 304, and a new age', async () => {
    const { origin, get, pass } = await stage();
    origin.answer = confirms({ 'cache-control': 'max-age=100', 'x-new': 'yes', etag: '"1"' });
    await get('/');
    pass(11);
    const confirmed = await get('/');
    expect(confirmed).toMatchObject({ status: 200, body: 'page', cache: 'RefreshHit' });
    expect(confirmed.headers).toMatchObject({
      'x-new': 'yes',
      'cache-control': 'max-age=100',
      'last-modified': MODIFIED,
      'content-length': '4',
      age: '0',
    });
    pass(99);
    expect(await get('/')).toMatchObject({ cache: 'Hit', body: 'page' });
    expect(origin.asked).toHaveLength(2);
  });

  it('is replaced by a full answer', async () => {
    const { origin, get, pass } = await stage();
    origin.answer = confirms();
    await get('/');
    pass(11);
    origin.answer = page({ ...LIFE, etag: '"2"' }, 'new');
    expect(await get('/')).toMatchObject({ body: 'new', cache: 'Miss' });
    expect(await get('/')).toMatchObject({ body: 'new', cache: 'Hit' });
  });

  it('is confirmed in the background too, within stale-while-revalidate', async () => {
    const { origin, get, pass } = await stage();
    const life = { 'cache-control': 'max-age=10, stale-while-revalidate=60', etag: '"1"' };
    origin.answer = page(life);
    await get('/');
    pass(11);
    origin.answer = (_, reply) => reply.writeHead(304, life).end();
    let seen = await get('/');
    while (seen.cache !== 'Hit') seen = await get('/');
    expect([seen.body, seen.headers.age, origin.asked.length]).toEqual(['page', '0', 2]);
  });

  it('under max-age=0 is confirmed with every request', async () => {
    const { origin, get } = await stage();
    const life = { 'cache-control': 'max-age=0', etag: '"1"' };
    origin.answer = page(life);
    await get('/');
    origin.answer = (_, reply) => reply.writeHead(304, life).end();
    expect(await get('/')).toMatchObject({ body: 'page', cache: 'RefreshHit' });
    expect(await get('/')).toMatchObject({ body: 'page', cache: 'RefreshHit' });
    expect(origin.asked).toHaveLength(3);
  });

  it('that a 304 forbids to keep is served once more, and gone', async () => {
    const { origin, get, pass } = await stage();
    origin.answer = confirms({ 'cache-control': 'private, no-store, stale-if-error=0' });
    await get('/');
    pass(11);
    expect(await get('/')).toMatchObject({ status: 200, body: 'page' });
    await get('/');
    expect(origin.asked.map(({ headers }) => headers['if-none-match'])).toEqual([
      undefined,
      '"1"',
      undefined,
    ]);
  });
});

describe("RFC 9110 §13: a viewer's condition on a cached object", () => {
  const headers = { 'cache-control': 'max-age=60', etag: 'W/"1"', 'last-modified': MODIFIED };

  it.each([
    [304, { 'if-none-match': 'W/"1"' }],
    [304, { 'if-none-match': '"0", "1"' }],
    [304, { 'if-none-match': '*' }],
    [200, { 'if-none-match': '"2"' }],
    [200, { 'if-none-match': '"2"', 'if-modified-since': MODIFIED }],
    [304, { 'if-modified-since': MODIFIED }],
    [304, { 'if-modified-since': 'Thu, 01 Jan 2026 00:00:00 GMT' }],
    [200, { 'if-modified-since': 'Mon, 01 Dec 2025 00:00:00 GMT' }],
    [200, { 'if-modified-since': 'yesterday' }],
  ])('gets %d to %j', async (status, condition) => {
    const { origin, get } = await stage();
    origin.answer = page({ ...headers, 'content-type': 'text/html' });
    await get('/');
    const seen = await get('/', { headers: condition });
    expect([seen.status, seen.body]).toEqual([status, status === 200 ? 'page' : '']);
    expect(seen.headers).toMatchObject({ etag: 'W/"1"', age: '0' });
    if (status === 304) expect(seen.headers).not.toHaveProperty('content-type');
    expect(origin.asked).toHaveLength(1);
  });

  it('changes nothing about an error: a condition is about a page (RFC 9110 §13.2.1)', async () => {
    const { origin, get } = await stage();
    origin.answer = page(headers, 'gone', 404);
    await get('/');
    expect((await get('/', { headers: { 'if-none-match': '"1"' } })).status).toBe(404);
  });

  it('does not reach the origin on a miss: the answer is for the cache', async () => {
    const { origin, get } = await stage();
    origin.answer = page(headers);
    const seen = await get('/', { headers: { 'if-none-match': '"1"' } });
    expect([seen.status, seen.body]).toEqual([200, 'page']);
    expect(origin.asked[0]?.headers).not.toHaveProperty('if-none-match');
  });
});
