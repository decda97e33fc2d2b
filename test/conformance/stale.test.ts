import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import type { CloudFrontOptions } from '../../local/cloudfront';
import { page, rawOrigin, sent, stage, until, versions } from './stage';

describe('CFDG/Expiration: stale-while-revalidate', () => {
  it('answers at once from the expired copy, and fetches once behind it', async () => {
    const { origin, get, pass } = await stage();
    origin.answer = page({ 'cache-control': 'max-age=10, stale-while-revalidate=60' }, 'old');
    await get('/');
    pass(11);
    const held: ServerResponse[] = [];
    origin.answer = (_, reply) => held.push(reply);

    const seen = await Promise.all([get('/'), get('/'), get('/')]);
    expect(seen.map(({ body, cache }) => [body, cache])).toEqual(
      Array(3).fill(['old', 'RefreshHit']),
    );
    await until(() => held.length > 0);
    expect(origin.asked).toHaveLength(2); // three viewers, one fetch

    held[0]?.writeHead(200, { 'cache-control': 'max-age=10' }).end('new');
    let last = seen[0];
    while (last?.body !== 'new') last = await get('/');
    expect(last.cache).toBe('Hit');
    expect(origin.asked).toHaveLength(2);
  });

  it('ends: past the window the viewer waits for the origin', async () => {
    const { origin, get, pass } = await stage();
    origin.answer = versions({ 'cache-control': 'max-age=10, stale-while-revalidate=60' });
    await get('/');
    pass(70);
    const { body, cache } = await get('/');
    expect([body, cache]).toEqual(['v2', 'Miss']);
  });

  it('is capped by MaxTTL', async () => {
    const ttl = { minSeconds: 0, defaultSeconds: 0, maxSeconds: 20 };
    const { origin, get, pass } = await stage({ ttl });
    origin.answer = versions({ 'cache-control': 'max-age=10, stale-while-revalidate=600' });
    await get('/');
    pass(31);
    expect((await get('/')).body).toBe('v2');
  });

  it('without seconds is no window', async () => {
    const { origin, get, pass } = await stage();
    origin.answer = versions({ 'cache-control': 'max-age=10, stale-while-revalidate' });
    await get('/');
    pass(11);
    expect((await get('/')).body).toBe('v2');
  });

  it('keeps the copy when the fetch behind it fails', async () => {
    const { origin, get, pass } = await stage();
    origin.answer = page({
      'cache-control': 'max-age=10, stale-while-revalidate=60, stale-if-error=0',
    });
    await get('/');
    pass(11);
    origin.answer = page({}, 'broken', 500);
    await get('/');
    await until(() => origin.asked.length === 2);
    expect((await get('/')).body).toBe('page');
  });

  it('leaves the origin in peace for the error-caching minimum, and still answers', async () => {
    let runs = 0; // once the function has run, the refresh has failed
    const originResponse: CloudFrontOptions['originResponse'] = async ({ Records }) => {
      if (Records[0]?.cf.request.uri === '/') runs += 1;
      return Records[0]?.cf.response;
    };
    const { origin, get, pass } = await stage({ originResponse, errorCachingMinSeconds: 10 });
    origin.answer = page({
      'cache-control': 'max-age=10, stale-while-revalidate=60, stale-if-error=0',
    });
    await get('/');
    pass(11);
    origin.answer = page({}, 'broken', 500);
    expect((await get('/')).body).toBe('page');
    await until(() => runs === 2);
    pass(9);
    expect((await get('/')).body).toBe('page');
    await get('/other'); // a refresh would have been there before
    expect(runs).toBe(2);
    pass(1);
    expect((await get('/')).body).toBe('page');
    await until(() => runs === 3);
  });

  it('goes on in the background when a viewer that had to wait for it leaves', async () => {
    const { origin, edge, get, pass } = await stage();
    origin.answer = page({ 'cache-control': 'max-age=10, stale-while-revalidate=60' }, 'old');
    await get('/');
    pass(11);
    let finish = () => {};
    origin.answer = (_, reply) => {
      finish = () => page({ 'cache-control': 'max-age=60' }, 'new')(reply.req, reply);
    };
    await get('/');
    await until(() => origin.asked.length === 2);
    pass(60); // past the window: the next one waits
    const waiting = (await sent(edge.port)).destroy();
    await until(() => waiting.closed);
    await (await sent(edge.port, '/other')).destroy(); // the edge has seen it leave
    finish();
    let seen = await get('/');
    while (seen.cache !== 'Hit') seen = await get('/');
    expect([seen.body, origin.asked.filter(({ url }) => url === '/').length]).toEqual(['new', 2]);
  });

  it('ends with any other answer, even one that is not kept', async () => {
    const { origin, get, pass } = await stage();
    origin.answer = page({ 'cache-control': 'max-age=10, stale-while-revalidate=600' });
    await get('/');
    pass(11);
    origin.answer = page({}, 'gone', 404);
    while ((await get('/')).status === 200);
    expect((await get('/')).body).toBe('gone');
  });
});

/** Fills the cache, lets the copy expire by a second, and breaks the origin. */
async function expired(cacheControl: string, options = {}) {
  const scene = await stage(options);
  scene.origin.answer = page({ 'cache-control': cacheControl });
  await scene.get('/');
  scene.pass(11);
  return scene;
}

describe('CFDG/Expiration: stale-if-error', () => {
  it.each([500, 502, 503, 504, 599])('answers from the expired copy on a %d', async (status) => {
    const { origin, get } = await expired('max-age=10, stale-if-error=60');
    origin.answer = page({}, 'broken', status);
    const { body, status: seen } = await get('/');
    expect([seen, body]).toEqual([200, 'page']);
  });

  it('answers from the expired copy when the origin cannot be reached', async () => {
    const { origin, get } = await expired('max-age=10, stale-if-error=60');
    origin.stop();
    expect((await get('/')).body).toBe('page');
  });

  it('answers from the expired copy when the origin does not answer in time', async () => {
    const { origin, get } = await expired('max-age=10, stale-if-error=60', { originTimeoutMs: 50 });
    origin.answer = () => {};
    expect((await get('/')).body).toBe('page');
    expect(origin.asked).toHaveLength(4); // it waited for three attempts
  });

  it('ends: past the window the error is shown', async () => {
    const { origin, get, pass } = await expired('max-age=10, stale-if-error=60');
    pass(60);
    origin.answer = page({}, 'broken', 503);
    const { status, body, cache } = await get('/');
    expect([status, body, cache]).toEqual([503, 'broken', 'Error']);
  });

  it('of 0 forbids it', async () => {
    const { origin, get } = await expired('max-age=10, stale-if-error=0');
    origin.answer = page({}, 'broken', 500);
    expect((await get('/')).status).toBe(500);
  });
});

describe('CFDG/HTTPStatusCodes: without stale-if-error', () => {
  it('the expired copy answers for a 5xx, and for the error-caching minimum the origin is left in peace', async () => {
    const { origin, get, pass } = await expired('max-age=10', { errorCachingMinSeconds: 10 });
    origin.answer = page({}, 'broken', 503);
    expect((await get('/')).body).toBe('page');
    pass(9);
    expect((await get('/')).body).toBe('page');
    expect(origin.asked).toHaveLength(2);
    pass(1);
    expect((await get('/')).body).toBe('page');
    expect(origin.asked).toHaveLength(3);
  });

  it('the expired copy answers until MaxTTL', async () => {
    const ttl = { minSeconds: 0, defaultSeconds: 0, maxSeconds: 100 };
    const { origin, get, pass } = await expired('max-age=10', { ttl });
    origin.answer = page({}, 'broken', 503);
    pass(88);
    expect((await get('/')).status).toBe(200);
    pass(1);
    expect((await get('/')).status).toBe(503);
  });

  it('the expired copy answers for an origin that cannot be reached', async () => {
    const { origin, get } = await expired('max-age=10');
    origin.stop();
    expect((await get('/')).body).toBe('page');
  });

  it('a 4xx goes to the viewer, not the copy', async () => {
    const { origin, get } = await expired('max-age=10');
    origin.answer = page({}, 'gone', 404);
    const { status, body, cache } = await get('/');
    expect([status, body, cache]).toEqual([404, 'gone', 'Error']);
  });

  // CFDG/Expiration, the warning under its table
  it.each(['no-store', 'private', 'no-cache'])(
    'even %s answers for an origin that is down',
    async (directive) => {
      const { origin, get } = await stage();
      origin.answer = page({ 'cache-control': directive });
      await get('/');
      origin.stop();
      expect((await get('/')).body).toBe('page');
    },
  );

  it('unless it said stale-if-error=0', async () => {
    const { origin, get } = await stage();
    origin.answer = page({ 'cache-control': 'no-store, stale-if-error=0' });
    await get('/');
    origin.stop();
    expect((await get('/')).status).toBe(502);
  });
});

describe('CFDG/http-502-bad-gateway, http-504-gateway-timeout: with no copy to fall back on', () => {
  it('an origin that is down is a 502', async () => {
    const { origin, get } = await stage();
    origin.stop();
    const { status, cache, headers } = await get('/');
    expect([status, cache, headers['content-type']]).toEqual([502, 'Error', 'text/html']);
  });

  it('an origin that does not answer is a 504, after three attempts', async () => {
    const { origin, get } = await stage({ originTimeoutMs: 50 });
    origin.answer = () => {};
    expect((await get('/')).status).toBe(504);
    expect(origin.asked).toHaveLength(3);
  });

  it('a POST is never tried twice', async () => {
    const { origin, get } = await stage({ originTimeoutMs: 50 });
    origin.answer = () => {};
    expect((await get('/', { method: 'POST', body: 'x' })).status).toBe(504);
    expect(origin.asked).toHaveLength(1);
  });

  it('what is no HTTP is a 502', async () => {
    const url = await rawOrigin((socket) => socket.end('SSH-2.0-OpenSSH_9.6\r\n'));
    const { get, lines } = await stage({ origin: url });
    expect((await get('/')).status).toBe(502);
    await until(() => lines.length > 0);
    expect(lines[0]?.error).toContain('the origin failed');
  });

  it('an origin that hangs up is a 502', async () => {
    const url = await rawOrigin((socket) => socket.destroy());
    const { get } = await stage({ origin: url });
    expect((await get('/')).status).toBe(502);
  });

  it('a head of more than 32,768 bytes is a 502 (CFDG/cloudfront-limits)', async () => {
    const url = await rawOrigin((socket) =>
      socket.end(`HTTP/1.1 200 OK\r\nX-Long: ${'a'.repeat(40_000)}\r\nContent-Length: 0\r\n\r\n`),
    );
    const { get } = await stage({ origin: url });
    expect((await get('/')).status).toBe(502);
  });
});

describe('CFDG/HTTPStatusCodes: errors are cached', () => {
  const minimum = { errorCachingMinSeconds: 10 };

  it.each([404, 414, 500, 501, 502, 503, 504])(
    '%d for the minimum, even under no-store',
    async (status) => {
      const { origin, get, pass } = await stage(minimum);
      origin.answer = page({ 'cache-control': 'no-store' }, 'broken', status);
      await get('/');
      pass(9);
      const seen = await get('/');
      expect([seen.status, seen.cache, origin.asked.length]).toEqual([status, 'Error', 1]);
      pass(1);
      await get('/');
      expect(origin.asked).toHaveLength(2);
    },
  );

  it('404 for its max-age when that is longer', async () => {
    const { origin, get, pass } = await stage(minimum);
    origin.answer = page({ 'cache-control': 'max-age=60' }, 'gone', 404);
    await get('/');
    pass(59);
    await get('/');
    expect(origin.asked).toHaveLength(1);
  });

  it.each([400, 403, 405, 412, 415])('%d only with max-age', async (status) => {
    const { origin, get } = await stage(minimum);
    origin.answer = (viewer, reply) =>
      page(
        viewer.url === '/kept' ? { 'cache-control': 'max-age=60' } : {},
        '',
        status,
      )(viewer, reply);
    for (const path of ['/kept', '/kept', '/other', '/other']) await get(path);
    expect(origin.asked.map(({ url }) => url)).toEqual(['/kept', '/other', '/other']);
  });

  it.each([401, 410, 429])('%d never', async (status) => {
    const { origin, get } = await stage(minimum);
    origin.answer = page({ 'cache-control': 'max-age=60' }, '', status);
    await get('/');
    await get('/');
    expect(origin.asked).toHaveLength(2);
  });

  it("the edge's own 502 for the minimum too", async () => {
    const { origin, get, pass } = await stage(minimum);
    origin.answer = (_, reply) => reply.destroy();
    await get('/');
    expect(origin.asked).toHaveLength(3); // three attempts
    await get('/');
    expect(origin.asked).toHaveLength(3);
    pass(10);
    await get('/');
    expect(origin.asked).toHaveLength(6);
  });

  it('not at all with a minimum of 0, unless they say so', async () => {
    const { origin, get } = await stage();
    origin.answer = page({}, 'broken', 500);
    await get('/');
    await get('/');
    expect(origin.asked).toHaveLength(2);
  });
});
