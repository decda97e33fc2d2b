import { type ClientRequest, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import type { CloudFrontOptions } from '../../local/cloudfront';
import { rawOrigin, sent, stage, until } from './stage';

const KEPT = { 'cache-control': 'max-age=60' };

/** An origin that answers when it is told to. */
async function held(options = {}) {
  const scene = await stage(options);
  const replies: ServerResponse[] = [];
  scene.origin.answer = (_, reply) => replies.push(reply);
  return { ...scene, replies };
}

/** A viewer that has the head of its answer, and can leave. */
function opened(
  port: number,
  path = '/',
): Promise<{ viewer: ClientRequest; reply: IncomingMessage }> {
  return new Promise((resolve, reject) => {
    const viewer = request({ port, path, agent: false }, (reply) => resolve({ viewer, reply }));
    viewer.on('error', reject);
    viewer.end();
  });
}

describe('CFDG/RequestAndResponseBehaviorCustomOrigin#request-custom-traffic-spikes: concurrent misses', () => {
  it('for one key make one fetch: the first is a Miss, the others hit', async () => {
    const { get, origin, replies, edge } = await held();
    const first = get('/');
    await until(() => replies.length === 1);
    const others = [get('/'), get('/'), get('/', { method: 'HEAD' })];
    await (await sent(edge.port)).destroy();
    replies[0]?.writeHead(200, KEPT).end('page');
    const seen = await Promise.all([first, ...others]);
    expect(seen.map(({ cache, body }) => [cache, body])).toEqual([
      ['Miss', 'page'],
      ['Hit', 'page'],
      ['Hit', 'page'],
      ['Hit', ''],
    ]);
    expect(origin.asked).toHaveLength(1);
  });

  it('for an expired object make one fetch too', async () => {
    const { get, origin, replies, pass, edge } = await held();
    const first = get('/');
    await until(() => replies.length === 1);
    replies[0]?.writeHead(200, KEPT).end('old');
    await first;
    pass(61);
    const seconds = [get('/'), get('/')];
    await (await sent(edge.port)).destroy();
    await until(() => replies.length === 2);
    replies[1]?.writeHead(200, KEPT).end('new');
    expect((await Promise.all(seconds)).map(({ body }) => body)).toEqual(['new', 'new']);
    expect(origin.asked).toHaveLength(2);
  });

  it.each(['private', 'no-store', 'no-cache', 'max-age=0', 's-maxage=0'])(
    'are released when the answer says %s',
    async (directive) => {
      const { get, origin, replies, edge } = await held();
      const first = get('/');
      await until(() => replies.length === 1);
      const others = [get('/'), get('/')];
      await (await sent(edge.port)).destroy();
      expect(origin.asked).toHaveLength(1);
      replies[0]?.writeHead(200, { 'cache-control': directive }).end('mine');
      await first;
      await until(() => replies.length === 3);
      replies[1]?.writeHead(200, { 'cache-control': directive }).end('yours');
      replies[2]?.writeHead(200, { 'cache-control': directive }).end('theirs');
      const seen = (await Promise.all(others)).map(({ body, cache }) => [body, cache]);
      expect(seen).toHaveLength(2);
      expect(new Set(seen.map(String))).toEqual(new Set(['yours,Miss', 'theirs,Miss']));
    },
  );

  it('for different keys are not collapsed', async () => {
    const { get, replies } = await held({ keyHeaders: ['accept-language'] });
    const seen = [
      get('/', { headers: { 'accept-language': 'de' } }),
      get('/', { headers: { 'accept-language': 'en' } }),
      get('/?a=1'),
    ];
    await until(() => replies.length === 3);
    for (const reply of replies) reply.writeHead(200, KEPT).end('page');
    await Promise.all(seen);
  });

  it('share the failure of an origin that is down', async () => {
    const { get, origin, replies, edge } = await held({ originAttempts: 1 });
    const first = get('/');
    await until(() => replies.length === 1);
    const other = get('/');
    await (await sent(edge.port)).destroy();
    replies[0]?.destroy();
    expect((await Promise.all([first, other])).map(({ status }) => status)).toEqual([502, 502]);
    expect(origin.asked).toHaveLength(1);
  });
});

describe('CFDG/RequestAndResponseBehaviorCustomOrigin: while the body is still coming', () => {
  it('who comes later gets it from the beginning', async () => {
    const { get, origin, replies, edge } = await held();
    const opening = opened(edge.port);
    await until(() => replies.length === 1);
    replies[0]?.writeHead(200, KEPT).write('one ');
    const { reply } = await opening;
    const later = opened(edge.port);
    const { reply: second } = await later;
    expect(second.headers).toMatchObject({ 'x-cache': 'Hit from cloudfront', age: '0' });
    replies[0]?.end('two');
    expect(await bodyOf(reply)).toBe('one two');
    expect(await bodyOf(second)).toBe('one two');
    expect((await get('/')).body).toBe('one two');
    expect(origin.asked).toHaveLength(1);
  });

  it('a viewer that leaves takes nothing from the others, and the object is cached', async () => {
    const { get, origin, replies, edge } = await held();
    const opening = opened(edge.port);
    await until(() => replies.length === 1);
    replies[0]?.writeHead(200, KEPT).write('one ');
    const { viewer, reply } = await opening;
    const { reply: second } = await opened(edge.port);
    reply.on('error', () => {});
    viewer.destroy();
    await until(() => reply.destroyed);
    replies[0]?.end('two');
    expect(await bodyOf(second)).toBe('one two');
    expect(await get('/')).toMatchObject({ cache: 'Hit', body: 'one two' });
    expect(origin.asked).toHaveLength(1);
  });

  it('the last viewer that leaves ends the fetch, and nothing is cached (canceled requests)', async () => {
    const { get, origin, replies, edge } = await held();
    const opening = opened(edge.port);
    await until(() => replies.length === 1);
    replies[0]?.writeHead(200, KEPT).write('one ');
    const { viewer, reply } = await opening;
    reply.on('error', () => {});
    viewer.destroy();
    await until(() => replies[0]?.destroyed === true);
    origin.answer = (_, again) => again.writeHead(200, KEPT).end('whole');
    expect(await get('/')).toMatchObject({ cache: 'Miss', body: 'whole' });
  });

  it('a viewer that leaves before the answer ends the fetch as well', async () => {
    const { replies, edge } = await held();
    const viewer = request({ port: edge.port, agent: false }).on('error', () => {});
    viewer.end();
    await until(() => replies.length === 1);
    viewer.destroy();
    await until(() => replies[0]?.destroyed === true);
  });
});

describe('a fetch that nobody waits for any more', () => {
  it('is joined by nobody, even while its function still runs', async () => {
    const runs: (() => void)[] = [];
    const originResponse: CloudFrontOptions['originResponse'] = ({ Records }) =>
      new Promise((resolve) => runs.push(() => resolve(Records[0]?.cf.response)));
    const { origin, edge, get, lines } = await stage({ originResponse });
    origin.answer = (_, reply) => reply.writeHead(200, KEPT).end('page');
    const viewer = await sent(edge.port);
    await until(() => runs.length === 1);
    viewer.destroy();
    await until(() => viewer.closed);
    await (await sent(edge.port, '/other')).destroy(); // the edge has seen it leave
    const seen = get('/');
    await until(() => origin.asked.filter(({ url }) => url === '/').length === 2);
    await until(() => runs.length === 3);
    for (const run of runs) run();
    expect(await seen).toMatchObject({ status: 200, body: 'page', cache: 'Miss' });
    expect(lines.some(({ status }) => status >= 500)).toBe(false);
  });
});

describe('CFDG/RequestAndResponseBehaviorCustomOrigin: dropped TCP connections', () => {
  it.each([
    ['less than its Content-Length', 'Content-Length: 100\r\n\r\nhalf'],
    ['an unfinished chunked body', 'Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n'],
  ])('%s reaches the viewer as a broken answer, and is not cached', async (_, rest) => {
    let times = 0;
    const url = await rawOrigin((socket) => {
      times += 1;
      if (times === 1) socket.end(`HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\n${rest}`);
      else socket.end('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwhole');
    });
    const { get } = await stage({ origin: url });
    await expect(get('/')).rejects.toThrow(/aborted|hang up/);
    expect(await get('/')).toMatchObject({ cache: 'Miss', body: 'whole' });
  });

  it('a body without length ends where the connection ends, and is cached', async () => {
    const url = await rawOrigin((socket) =>
      socket.end(
        'HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nConnection: close\r\n\r\nperhaps half',
      ),
    );
    const { get } = await stage({ origin: url });
    await get('/');
    expect(await get('/')).toMatchObject({ cache: 'Hit', body: 'perhaps half' });
  });

  it('an expired copy survives a refresh that breaks off', async () => {
    const { origin, get, pass, replies } = await held();
    origin.answer = (_, reply) =>
      reply.writeHead(200, { 'cache-control': 'max-age=10, stale-while-revalidate=60' }).end('old');
    await get('/');
    pass(11);
    origin.answer = (_, reply) => {
      replies.push(reply);
      reply
        .writeHead(200, { ...KEPT, 'content-length': '100' })
        .write('half', () => reply.destroy());
    };
    await get('/');
    await until(() => replies[0]?.destroyed === true);
    expect(await get('/')).toMatchObject({ status: 200, body: 'old', cache: 'RefreshHit' });
  });
});

describe('a body past the limit of the cache', () => {
  it.each([
    ['with', { 'content-length': '3000' }],
    ['without', {}],
  ])('streams through whole, %s Content-Length, and is not cached', async (_, headers) => {
    const { origin, get } = await stage({ maxObjectBytes: 1_000 });
    origin.answer = (_, reply) => {
      reply.writeHead(200, { ...KEPT, ...headers });
      reply.write('a'.repeat(1_500));
      reply.end('b'.repeat(1_500));
    };
    const seen = [await get('/'), await get('/')];
    expect(seen.map(({ body, cache }) => [body.length, cache])).toEqual([
      [3_000, 'Miss'],
      [3_000, 'Miss'],
    ]);
    expect(origin.asked).toHaveLength(2);
  });
});

async function bodyOf(reply: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of reply) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}
