import { request } from 'node:http';
import { describe, expect, it } from 'vitest';
import { page, rawOrigin, stage } from './stage';

describe('CFDG/RequestAndResponseBehaviorCustomOrigin: towards the origin', () => {
  it('CloudFront speaks for itself', async () => {
    const { origin, get } = await stage();
    await get('/', { headers: { 'user-agent': 'curl', host: 'www.example.com' } });
    const { headers } = origin.asked[0] ?? {};
    expect(headers).toMatchObject({
      host: new URL(origin.url).host,
      'user-agent': 'Amazon CloudFront',
      'x-forwarded-for': '127.0.0.1',
      via: expect.stringMatching(/^1\.1 [\da-f]{32}\.cloudfront\.net \(CloudFront\)$/),
      'x-amz-cf-id': expect.stringMatching(/^[\w-]{54}==$/),
    });
  });

  it("appends the viewer's address to X-Forwarded-For", async () => {
    const { origin, get } = await stage();
    await get('/', { headers: { 'x-forwarded-for': '192.0.2.4,192.0.2.3' } });
    expect(origin.asked[0]?.headers['x-forwarded-for']).toBe('192.0.2.4,192.0.2.3,127.0.0.1');
  });

  it('sends X-Forwarded-For once, even when it is in the key', async () => {
    const { origin, get } = await stage({ keyHeaders: ['x-forwarded-for'] });
    await get('/', { headers: { 'x-forwarded-for': '192.0.2.4' } });
    expect(origin.asked[0]?.headers['x-forwarded-for']).toBe('192.0.2.4,127.0.0.1');
  });

  it('of a GET it forwards the headers in the key and no other', async () => {
    const { origin, get } = await stage({ keyHeaders: ['x-device'] });
    const kept = { 'x-device': 'phone' };
    const removed = {
      accept: 'text/html',
      'accept-language': 'de',
      authorization: 'Bearer a',
      cookie: 'session=1',
      pragma: 'no-cache',
      referer: 'https://example.com/',
      'x-edge-location': 'a',
      'x-forwarded-proto': 'https',
      'x-isr-warm': 'job',
      'x-other': 'a',
      'x-real-ip': '192.0.2.1',
    };
    await get('/', { headers: { ...kept, ...removed } });
    const { headers = {} } = origin.asked[0] ?? {};
    expect(headers).toMatchObject(kept);
    expect(Object.keys(removed).filter((name) => name in headers)).toEqual([]);
  });

  it('forwards Authorization when it is in the key', async () => {
    const { origin, get } = await stage({ keyHeaders: ['authorization'] });
    await get('/', { headers: { authorization: 'Bearer a' } });
    expect(origin.asked[0]?.headers.authorization).toBe('Bearer a');
  });

  it('origin custom headers take the place of what the viewer sent (CFDG/add-origin-custom-headers)', async () => {
    const customHeaders = { 'X-Isr-Config': '{"table":"Isr"}', 'X-Device': 'ours' };
    const { origin, get } = await stage({ customHeaders, keyHeaders: ['x-device'] });
    await get('/', { headers: { 'x-device': 'theirs', 'x-isr-config': 'theirs' } });
    expect(origin.asked[0]?.headers).toMatchObject({
      'x-isr-config': '{"table":"Isr"}',
      'x-device': 'ours',
    });
  });
});

describe('CFDG/RequestAndResponseBehaviorCustomOrigin: towards the viewer', () => {
  it('CloudFront adds what it has done', async () => {
    const { origin, get, pass } = await stage();
    origin.answer = page({ 'cache-control': 'max-age=60', date: 'Thu, 01 Jan 2026 00:00:00 GMT' });
    const miss = await get('/');
    pass(7);
    const hit = await get('/');
    const own = {
      via: expect.stringMatching(/^1\.1 [\da-f]{32}\.cloudfront\.net \(CloudFront\)$/),
      'x-amz-cf-pop': 'LOC50-P1',
      'x-amz-cf-id': expect.stringMatching(/^[\w-]{54}==$/),
      date: 'Thu, 01 Jan 2026 00:00:00 GMT',
    };
    expect(miss.headers).toMatchObject({ ...own, 'x-cache': 'Miss from cloudfront' });
    expect(miss.headers).not.toHaveProperty('age');
    expect(hit.headers).toMatchObject({ ...own, 'x-cache': 'Hit from cloudfront', age: '7' });
    expect(hit.headers['x-amz-cf-id']).not.toBe(miss.headers['x-amz-cf-id']);
  });

  it("appends itself to the origin's Via, and gives a Date to what has none", async () => {
    const url = await rawOrigin((socket) =>
      socket.write('HTTP/1.1 200 OK\r\nVia: 1.1 varnish\r\nContent-Length: 0\r\n\r\n'),
    );
    const { get } = await stage({ origin: url });
    const { headers } = await get('/');
    expect(headers.via).toMatch(/^1\.1 varnish, 1\.1 .*\(CloudFront\)$/);
    expect(headers.date).toBe('Thu, 01 Jan 2026 00:00:00 GMT');
  });

  it('Set-Cookie is removed, hit or miss, where cookies are not forwarded (CFDG/Cookies)', async () => {
    const { origin, get } = await stage();
    origin.answer = page({ 'cache-control': 'max-age=60', 'set-cookie': 'session=1' });
    for (const seen of [await get('/'), await get('/')]) {
      expect(seen.headers).not.toHaveProperty('set-cookie');
    }
  });

  it('Vary shows Accept-Encoding, Cookie and what is forwarded', async () => {
    const { origin, get } = await stage({ keyHeaders: ['x-device'] });
    origin.answer = page({ vary: 'Accept-Encoding, Accept-Language, Cookie, X-Device, Origin' });
    expect((await get('/')).headers.vary).toBe('Accept-Encoding, Cookie, X-Device');
    origin.answer = page({ vary: 'Origin' });
    expect((await get('/other')).headers).not.toHaveProperty('vary');
  });

  it('what belongs to one connection stays there (RFC 9110 §7.6.1)', async () => {
    const url = await rawOrigin((socket) =>
      socket.write(
        'HTTP/1.1 200 OK\r\nConnection: keep-alive, X-Hop\r\nKeep-Alive: timeout=77\r\nX-Hop: 1\r\nTrailer: X\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n',
      ),
    );
    const { get } = await stage({ origin: url });
    const { headers } = await get('/');
    expect(headers['keep-alive']).not.toBe('timeout=77');
    for (const name of ['x-hop', 'trailer', 'proxy-authenticate']) {
      expect(headers).not.toHaveProperty(name);
    }
  });

  it('a header that no HTTP can carry is left out, and nothing breaks', async () => {
    const url = await rawOrigin((socket) =>
      socket.write('HTTP/1.1 200 OK\r\nX-Umlaut: \u00e4 \u65e5\r\nContent-Length: 4\r\n\r\npage'),
    );
    const { get } = await stage({ origin: url });
    expect(await get('/')).toMatchObject({ status: 200, body: 'page' });
  });
});

describe('CFDG/understanding-response-headers-policies', () => {
  const viewerHeaders = {
    remove: ['X-Isr-Ruling', 'x-isr-tags'],
    set: { 'Cache-Control': 'public, max-age=0, must-revalidate', 'x-frame-options': 'DENY' },
  };

  it('removes and sets on misses and hits, and never changes how long the object lives', async () => {
    const { origin, get, pass, lines } = await stage({ viewerHeaders, tagHeader: 'x-isr-tags' });
    origin.answer = page({
      'cache-control': 'max-age=60',
      'x-isr-ruling': 'kept',
      'x-isr-tags': 'a,b',
    });
    for (const [word, seconds] of [
      ['Miss', 0],
      ['Hit', 59],
    ] as const) {
      pass(seconds);
      const { headers, cache } = await get('/');
      expect(cache).toBe(word);
      expect(headers).toMatchObject({
        'cache-control': 'public, max-age=0, must-revalidate',
        'x-frame-options': 'DENY',
      });
      expect(headers).not.toHaveProperty('x-isr-ruling');
      expect(headers).not.toHaveProperty('x-isr-tags');
    }
    expect(lines.map(({ ruling, tags, ttl }) => [ruling, tags, ttl])).toEqual([
      ['kept', ['a', 'b'], 'max-age=60'],
      ['kept', ['a', 'b'], 'max-age=60'],
    ]);
  });
});

describe('methods', () => {
  it('HEAD and GET share an object, whoever comes first (CFDG/understanding-the-cache-key)', async () => {
    const { origin, get } = await stage();
    let finish = () => {};
    origin.answer = (_, reply) => {
      reply.writeHead(200, { 'cache-control': 'max-age=60', 'content-length': '4' });
      reply.flushHeaders();
      finish = () => reply.end('page');
    };
    const head = await get('/', { method: 'HEAD' }); // it has left before the body comes
    expect([head.body, head.headers['content-length']]).toEqual(['', '4']);
    finish();
    expect(await get('/')).toMatchObject({ body: 'page', cache: 'Hit' });
    expect((await get('/', { method: 'HEAD' })).headers['content-length']).toBe('4');
    expect(origin.asked).toHaveLength(1);
  });

  it.each(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])(
    '%s passes, with its body, and is not cached',
    async (method) => {
      const { origin, get } = await stage();
      origin.answer = page({ 'cache-control': 'max-age=60' }, 'done', 201);
      const headers = { 'content-type': 'text/plain', authorization: 'Bearer a', cookie: 'a=1' };
      for (const body of ['one', 'two']) {
        const seen = await get('/', { method, body, headers });
        expect(seen).toMatchObject({ status: 201, body: 'done', cache: 'Miss' });
      }
      expect(origin.asked.map((asked) => [asked.method, asked.body])).toEqual([
        [method, 'one'],
        [method, 'two'],
      ]);
      // CFDG, controlling-origin-requests: beside the key only what the origin request policy names
      expect(origin.asked[0]?.headers).toMatchObject({ 'content-type': 'text/plain' });
      expect(origin.asked[0]?.headers).not.toHaveProperty('authorization');
      expect(origin.asked[0]?.headers).not.toHaveProperty('cookie');
    },
  );

  it('a POST streams both ways', async () => {
    const { origin, edge } = await stage();
    const parts: string[] = [];
    const viewer = request({ port: edge.port, method: 'POST', agent: false });
    const answered = new Promise<void>((resolve) => {
      viewer.on('response', (reply) => {
        reply.on('data', (part) => parts.push(String(part)));
        reply.on('end', resolve);
      });
    });
    origin.answer = (_, reply) => reply.write('first ', () => reply.end('last'));
    viewer.write('one ');
    viewer.end('two');
    await answered;
    expect([origin.asked[0]?.body, parts.join('')]).toEqual(['one two', 'first last']);
  });

  it('a POST does not disturb what GET has cached', async () => {
    const { origin, get } = await stage();
    origin.answer = page({ 'cache-control': 'max-age=60' });
    await get('/');
    await get('/', { method: 'POST', body: 'x' });
    expect((await get('/')).cache).toBe('Hit');
  });

  it('a GET with a body is refused with 403 (CFDG/RequestAndResponseBehaviorCustomOrigin)', async () => {
    const { origin, get } = await stage();
    const seen = await get('/', { body: 'x' });
    expect([seen.status, seen.cache, origin.asked.length]).toEqual([403, 'Error', 0]);
  });

  it('a method that CloudFront does not know is refused with 403', async () => {
    const { get } = await stage();
    expect((await get('/', { method: 'PROPFIND' })).status).toBe(403);
  });
});

describe('CFDG/cloudfront-limits: a request', () => {
  it('with a url of more than 8,192 bytes gets 414', async () => {
    const { get, origin } = await stage();
    expect((await get(`/${'a'.repeat(8_191)}`)).status).toBe(200);
    expect((await get(`/${'a'.repeat(8_192)}`)).status).toBe(414);
    expect(origin.asked).toHaveLength(1);
  });

  it('with a head of more than 32,768 bytes gets 494', async () => {
    const { get } = await stage();
    expect((await get('/', { headers: { 'x-long': 'a'.repeat(33_000) } })).status).toBe(494);
  });

  it('in the form that a proxy is sent asks for the path in it', async () => {
    const { get, origin } = await stage();
    await get('http://elsewhere.example/a?b=1');
    expect(origin.asked.map(({ url }) => url)).toEqual(['/a?b=1']);
  });

  it('that names no path gets 400', async () => {
    const { get } = await stage();
    expect((await get('*', { method: 'OPTIONS' })).status).toBe(400);
  });
});
