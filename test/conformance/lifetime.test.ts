import { describe, expect, it } from 'vitest';
import { page, stage } from './stage';

const YEAR = 31_536_000;

/** Fresh until its last second, expired with the next one. */
async function expectsLife(
  seconds: number,
  headers: Record<string, string>,
  ttl?: { minSeconds: number; defaultSeconds: number; maxSeconds: number },
) {
  const { origin, get, pass } = await stage(ttl ? { ttl } : {});
  origin.answer = page({ ...headers, 'stale-if-error': '0' });
  await get('/');
  if (seconds > 0) {
    pass(seconds - 1);
    expect((await get('/')).cache).toBe('Hit');
    pass(1);
  }
  await get('/');
  expect(origin.asked).toHaveLength(2);
}

describe('CFDG/Expiration: with MinTTL 0, an object lives', () => {
  it.each([
    [60, { 'cache-control': 'max-age=60' }],
    [120, { 'cache-control': 's-maxage=120, max-age=60' }],
    [60, { 'cache-control': 'max-age=60', expires: 'Thu, 01 Jan 2026 01:00:00 GMT' }],
    [90, { date: 'Tue, 05 May 2026 05:05:00 GMT', expires: 'Tue, 05 May 2026 05:06:30 GMT' }],
    [0, { 'cache-control': 'max-age=0' }],
    [0, { 'cache-control': 's-maxage=0, max-age=60' }],
    [0, { 'cache-control': 'no-store, max-age=60' }],
    [0, { 'cache-control': 'private, max-age=60' }],
    [0, { 'cache-control': 'no-cache, max-age=60' }],
    [0, { 'cache-control': 'max-age=soon' }],
    [0, { expires: '0' }],
    [0, {}],
  ])('%d s under %j', (seconds, headers) => expectsLife(seconds, headers));

  it('under no-cache="Set-Cookie", which keeps back a field and not the page (CFDG/Cookies)', () =>
    expectsLife(60, { 'cache-control': 'max-age=60, no-cache="Set-Cookie"' }));
});

describe('CFDG/Expiration: the cache policy', () => {
  const policy = { minSeconds: 0, defaultSeconds: 0, maxSeconds: YEAR };

  it('caps every lifetime with MaxTTL', () =>
    expectsLife(30, { 'cache-control': 's-maxage=600' }, { ...policy, maxSeconds: 30 }));
  it('gives DefaultTTL to what says nothing', () =>
    expectsLife(45, {}, { ...policy, defaultSeconds: 45 }));
  it('gives no DefaultTTL to what says something', () =>
    expectsLife(10, { 'cache-control': 'max-age=10' }, { ...policy, defaultSeconds: 45 }));
  it('raises a shorter lifetime to MinTTL', () =>
    expectsLife(20, { 'cache-control': 'max-age=5' }, { ...policy, minSeconds: 20 }));
  it.each(['no-store', 'private', 'no-cache'])(
    'keeps %s for MinTTL when that is above 0',
    (directive) => expectsLife(20, { 'cache-control': directive }, { ...policy, minSeconds: 20 }),
  );
  it('gives the larger of MinTTL and DefaultTTL to what says nothing', () =>
    expectsLife(45, {}, { ...policy, minSeconds: 20, defaultSeconds: 45 }));
  it('switches caching off with 0, 0, 0', () =>
    expectsLife(0, { 'cache-control': 'max-age=60' }, { ...policy, maxSeconds: 0 }));
});

describe("CFDG/Expiration: the viewer's own directives", () => {
  it('force no fetch', async () => {
    const { origin, get } = await stage();
    origin.answer = page({ 'cache-control': 'max-age=60' });
    await get('/');
    const seen = await get('/', { headers: { 'cache-control': 'no-cache', pragma: 'no-cache' } });
    expect([seen.cache, origin.asked.length]).toEqual(['Hit', 1]);
  });
});

describe('CFDG/http-3xx-status-codes: a redirect', () => {
  it('is passed on and kept as its headers say, not followed', async () => {
    const { origin, get } = await stage();
    origin.answer = page({ 'cache-control': 'max-age=60', location: '/b' }, '', 301);
    await get('/a');
    const seen = await get('/a');
    expect([seen.status, seen.headers.location, seen.cache]).toEqual([301, '/b', 'Hit']);
    expect(origin.asked.map(({ url }) => url)).toEqual(['/a']);
  });

  it.each([
    [301, 1],
    [307, 2],
    [308, 2],
  ])('%d without Cache-Control is fetched %d time(s) for two requests', async (status, times) => {
    const { origin, get } = await stage({
      ttl: { minSeconds: 0, defaultSeconds: 60, maxSeconds: YEAR },
    });
    origin.answer = page({ location: '/b' }, '', status);
    await get('/a');
    await get('/a');
    expect(origin.asked).toHaveLength(times);
  });
});

describe('CFDG/RequestAndResponseBehaviorCustomOrigin: Vary: *', () => {
  it('sends every request to the origin, without conditions', async () => {
    const { origin, get } = await stage();
    origin.answer = page({ 'cache-control': 'max-age=60', vary: '*', etag: '"1"' });
    await get('/');
    await get('/');
    expect(origin.asked.map(({ headers }) => headers['if-none-match'])).toEqual([
      undefined,
      undefined,
    ]);
  });
});
