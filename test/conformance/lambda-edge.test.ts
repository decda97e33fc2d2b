import type { CloudFrontResponseEvent } from 'aws-lambda';
import { describe, expect, it } from 'vitest';
import type { CloudFrontOptions } from '../../local/cloudfront';
import { page, rawOrigin, stage, until, versions } from './stage';

type OriginResponse = NonNullable<CloudFrontOptions['originResponse']>;
type Cf = CloudFrontResponseEvent['Records'][0]['cf'];

const cfOf = (event: CloudFrontResponseEvent) => event.Records[0]?.cf as Cf;

/** Remembers its events, and answers with what it is given for the response. */
function watching(change: (cf: Cf) => unknown = ({ response }) => response) {
  const seen: Cf[] = [];
  const originResponse: OriginResponse = async (event) => {
    seen.push(structuredClone(cfOf(event)));
    return change(cfOf(event));
  };
  return { seen, originResponse };
}

describe('CFDG/lambda-event-structure: the event of origin-response', () => {
  it('has the documented shape', async () => {
    const { seen, originResponse } = watching();
    const customHeaders = { 'X-Isr-Config': '{"table":"Isr"}' };
    const { origin, get } = await stage({
      originResponse,
      customHeaders,
      keyHeaders: ['accept-language'],
    });
    origin.answer = (_, reply) => {
      reply.writeHead(200, [
        'Content-Type',
        'text/html',
        'X-Two',
        '1',
        'X-Two',
        '2',
        'Set-Cookie',
        'a',
      ]);
      reply.end('page');
    };
    await get('/posts/%C3%A9?b=2&a=1', { headers: { 'accept-language': 'de', cookie: 'a=1' } });

    const { port } = new URL(origin.url);
    expect(seen[0]).toEqual({
      config: {
        distributionDomainName: 'e1local.cloudfront.net',
        distributionId: 'E1LOCAL',
        eventType: 'origin-response',
        requestId: expect.stringMatching(/^[\w-]{54}==$/),
      },
      request: {
        clientIp: '127.0.0.1',
        method: 'GET',
        uri: '/posts/%C3%A9',
        querystring: 'b=2&a=1',
        headers: {
          host: [{ key: 'Host', value: `127.0.0.1:${port}` }],
          'user-agent': [{ key: 'User-Agent', value: 'Amazon CloudFront' }],
          via: [{ key: 'Via', value: expect.stringContaining('(CloudFront)') }],
          'x-forwarded-for': [{ key: 'X-Forwarded-For', value: '127.0.0.1' }],
          'accept-language': [{ key: 'Accept-Language', value: 'de' }],
        },
        origin: {
          custom: {
            customHeaders: { 'x-isr-config': [{ key: 'X-Isr-Config', value: '{"table":"Isr"}' }] },
            domainName: '127.0.0.1',
            keepaliveTimeout: 5,
            path: '',
            port: Number(port),
            protocol: 'http',
            readTimeout: 30,
            responseCompletionTimeout: 30,
            sslProtocols: ['TLSv1.2'],
          },
        },
      },
      response: {
        status: '200',
        statusDescription: 'OK',
        headers: {
          'content-type': [{ key: 'Content-Type', value: 'text/html' }],
          'x-two': [
            { key: 'X-Two', value: '1' },
            { key: 'X-Two', value: '2' },
          ],
          'set-cookie': [{ key: 'Set-Cookie', value: 'a' }],
          date: [{ key: 'Date', value: expect.any(String) }],
          'transfer-encoding': [{ key: 'Transfer-Encoding', value: 'chunked' }],
        },
      },
    });
  });

  it('has an empty querystring where there is no query', async () => {
    const { seen, originResponse } = watching();
    const { get } = await stage({ originResponse });
    await get('/a');
    await get('/b?');
    expect(seen.map(({ request }) => [request.uri, request.querystring])).toEqual([
      ['/a', ''],
      ['/b', ''],
    ]);
  });

  it('hides disallowed headers, which stay on the response (CFDG/edge-function-restrictions-all)', async () => {
    const { seen, originResponse } = watching();
    const { origin, get } = await stage({ originResponse });
    origin.answer = page({ 'x-amzn-requestid': 'abc', 'x-accel-expires': '1', 'x-cache': 'MISS' });
    const { headers } = await get('/');
    expect(Object.keys(seen[0]?.response.headers ?? {})).toEqual(['content-length', 'date']);
    expect(headers).toMatchObject({
      'x-amzn-requestid': 'abc',
      'x-accel-expires': '1',
      'x-cache': 'Miss from cloudfront',
    });
  });
});

describe('CFDG/lambda-cloudfront-trigger-events: origin-response runs', () => {
  it.each([200, 301, 404, 500, 503])('on a %d', async (status) => {
    const { seen, originResponse } = watching();
    const { origin, get } = await stage({ originResponse });
    origin.answer = page({}, '', status);
    await get('/');
    expect(seen.map(({ response }) => response.status)).toEqual([String(status)]);
  });

  it('on a 304, with the condition that was sent', async () => {
    const { seen, originResponse } = watching();
    const { origin, get, pass } = await stage({ originResponse });
    const life = { 'cache-control': 'max-age=10', etag: '"1"' };
    origin.answer = page(life);
    await get('/');
    pass(11);
    origin.answer = (_, reply) => reply.writeHead(304, life).end();
    await get('/');
    expect(seen[1]?.response.status).toBe('304');
    expect(seen[1]?.request.headers['if-none-match']).toEqual([
      { key: 'If-None-Match', value: '"1"' },
    ]);
  });

  it('on a background refresh', async () => {
    const { seen, originResponse } = watching();
    const { origin, get, pass } = await stage({ originResponse });
    origin.answer = page({ 'cache-control': 'max-age=10, stale-while-revalidate=60' });
    await get('/');
    pass(11);
    await get('/');
    await until(() => seen.length === 2);
  });

  it('on a POST', async () => {
    const { seen, originResponse } = watching();
    const { get } = await stage({ originResponse });
    await get('/', { method: 'POST', body: 'x' });
    expect(seen[0]?.request.method).toBe('POST');
  });

  it('never on a hit, nor where the origin did not answer', async () => {
    const { seen, originResponse } = watching();
    const { origin, get } = await stage({ originResponse });
    origin.answer = page({ 'cache-control': 'max-age=60' });
    await get('/');
    await get('/');
    origin.stop();
    await get('/other');
    expect(seen).toHaveLength(1);
  });
});

describe("CFDG/lambda-generating-http-responses: the function's result", () => {
  it('is what the cache reads, and what viewers see', async () => {
    const { originResponse } = watching(({ response }) => ({
      ...response,
      headers: {
        ...response.headers,
        'cache-control': [{ key: 'Cache-Control', value: 'max-age=60' }],
        'x-added': [{ value: 'yes' }],
      },
    }));
    const { origin, get } = await stage({ originResponse });
    origin.answer = versions({ 'cache-control': 'no-store', 'x-kept': 'yes' });
    await get('/');
    const hit = await get('/');
    expect(hit).toMatchObject({ cache: 'Hit', body: 'v1' });
    expect(hit.headers).toMatchObject({
      'cache-control': 'max-age=60',
      'x-added': 'yes',
      'x-kept': 'yes',
    });
  });

  it("may be the event's own response, changed in place", async () => {
    const { originResponse } = watching(({ response }) => {
      response.status = '404';
      delete response.headers.etag;
      return response;
    });
    const { origin, get } = await stage({ originResponse });
    origin.answer = page({ etag: '"1"' });
    const { status, headers } = await get('/');
    expect([status, headers.etag]).toEqual([404, undefined]);
  });

  it.each([
    ['text', 'größer'],
    ['base64', Buffer.from('größer').toString('base64')],
  ] as const)('may bring a body of its own, as %s', async (bodyEncoding, body) => {
    const { originResponse } = watching(({ response }) => ({ ...response, body, bodyEncoding }));
    const { get } = await stage({ originResponse });
    const seen = await get('/');
    expect([seen.body, seen.headers['content-length']]).toEqual(['größer', '8']);
  });

  it('cannot make the body longer or shorter than it is', async () => {
    const { originResponse } = watching(({ response }) => ({
      ...response,
      headers: { ...response.headers, 'content-length': [{ value: '400' }] },
    }));
    const { origin, get } = await stage({ originResponse });
    origin.answer = page({});
    expect(await get('/')).toMatchObject({ body: 'page', headers: { 'content-length': '4' } });
  });

  const bad: [string, (cf: Cf) => unknown, string][] = [
    ['is nothing', () => undefined, 'returned undefined'],
    ['is null', () => null, 'returned null'],
    ['has no status', () => ({ headers: {} }), 'status is undefined'],
    ['has status 600', ({ response }) => ({ ...response, status: '600' }), 'status is "600"'],
    ['has status 99', ({ response }) => ({ ...response, status: 99 }), 'status is 99'],
    ['has a list for headers', ({ response }) => ({ ...response, headers: [] }), 'headers is []'],
    [
      'has a value that is no list',
      ({ response }) => ({ ...response, headers: { ...response.headers, 'x-a': 'a' } }),
      'headers.x-a is no list',
    ],
    [
      'has a name in capitals',
      ({ response }) => ({
        ...response,
        headers: { ...response.headers, 'X-A': [{ value: 'a' }] },
      }),
      'headers has "X-A"',
    ],
    [
      'has a key that is another header',
      ({ response }) => ({
        ...response,
        headers: { ...response.headers, 'x-a': [{ key: 'X-B', value: 'a' }] },
      }),
      'headers.x-a has the key "X-B"',
    ],
    [
      'has a line break in a value',
      ({ response }) => ({
        ...response,
        headers: { ...response.headers, 'x-a': [{ value: 'a\r\nb: c' }] },
      }),
      'headers.x-a is "a\\r\\nb: c"',
    ],
    [
      'adds a disallowed header',
      ({ response }) => ({
        ...response,
        headers: { ...response.headers, 'x-edge-a': [{ value: 'a' }] },
      }),
      'headers.x-edge-a is disallowed',
    ],
    [
      'adds Connection',
      ({ response }) => ({
        ...response,
        headers: { ...response.headers, connection: [{ value: 'close' }] },
      }),
      'headers.connection is disallowed',
    ],
    [
      'adds a read-only header',
      ({ response }) => ({
        ...response,
        headers: { ...response.headers, via: [{ value: '1.1 me' }] },
      }),
      'headers.via is read-only',
    ],
    [
      'has a body that is too large',
      ({ response }) => ({ ...response, body: 'a'.repeat(1_048_577) }),
      'body has 1048577 bytes',
    ],
  ];
  it.each(bad)('that %s is a 502', async (_, change, why) => {
    const { originResponse } = watching(change);
    const { get, lines } = await stage({ originResponse });
    const { status, cache } = await get('/');
    expect([status, cache]).toEqual([502, 'LambdaValidationError']);
    await until(() => lines.length > 0);
    expect(lines[0]?.error).toContain(why);
  });

  it.each([
    ['changes', { 'transfer-encoding': [{ value: 'gzip, chunked' }] }],
    ['removes', {}],
  ])('that %s Transfer-Encoding is a 502', async (_, headers) => {
    const { originResponse } = watching(({ response }) => ({ ...response, headers }));
    const { origin, get } = await stage({ originResponse });
    origin.answer = versions({});
    expect((await get('/')).cache).toBe('LambdaValidationError');
  });

  it('that leaves a read-only Via as it is passes', async () => {
    const url = await rawOrigin((socket) =>
      socket.write('HTTP/1.1 200 OK\r\nVia: 1.1 varnish\r\nContent-Length: 0\r\n\r\n'),
    );
    const { get } = await stage({ origin: url, originResponse: watching().originResponse });
    expect((await get('/')).status).toBe(200);
  });
});

describe('CFDG/http-503-service-unavailable: a function that', () => {
  it.each([
    ['rejects', async () => Promise.reject(new Error('out of luck'))],
    [
      'throws',
      () => {
        throw new Error('out of luck');
      },
    ],
  ])('%s is a 503', async (_, originResponse) => {
    const { get, lines } = await stage({ originResponse });
    const { status, cache } = await get('/');
    expect([status, cache]).toEqual([503, 'LambdaExecutionError']);
    await until(() => lines.length > 0);
    expect(lines[0]?.error).toBe('the function threw: out of luck');
  });

  it('takes too long is a 503', async () => {
    const originResponse = () => new Promise(() => {});
    const { get } = await stage({ originResponse, functionTimeoutMs: 20 });
    const { status, cache } = await get('/');
    expect([status, cache]).toEqual([503, 'LambdaLimitExceeded']);
  });

  it('fails does not end the copy, and fails again for the next', async () => {
    let isBroken = false;
    const originResponse: OriginResponse = async (event) => {
      if (isBroken) throw new Error('out of luck');
      return cfOf(event).response;
    };
    const { origin, get, pass } = await stage({ originResponse, errorCachingMinSeconds: 10 });
    origin.answer = page({ 'cache-control': 'max-age=10, stale-while-revalidate=60' });
    await get('/');
    pass(11);
    isBroken = true;
    expect((await get('/')).body).toBe('page');
    await until(() => origin.asked.length === 2);
    expect((await get('/')).body).toBe('page');
    pass(60);
    expect((await get('/')).status).toBe(503);
    expect((await get('/')).status).toBe(503);
  });
});
