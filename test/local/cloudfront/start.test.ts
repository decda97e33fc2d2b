import { Agent, fetch as agentFetch } from 'undici';
import { describe, expect, it } from 'vitest';
import { startCloudFront } from '../../../local/cloudfront';
import { ask, page, scriptedOrigin, stage, until } from '../../conformance/stage';

describe('a local CloudFront starts', () => {
  it('on any free port, and says where', async () => {
    const { edge, get } = await stage();
    expect(edge.url).toBe(`http://127.0.0.1:${edge.port}`);
    expect((await get('/')).status).toBe(200);
  });

  it('not on a port that is taken', async () => {
    const { edge, origin } = await stage();
    const second = startCloudFront({
      origin: origin.url,
      port: edge.port,
      distributionId: 'E1LOCAL',
    });
    await expect(second).rejects.toMatchObject({
      code: 'port-taken',
      message: `port ${edge.port} of 127.0.0.1 is taken: stop what listens there, or choose another port`,
    });
  });

  it.each([
    'localhost:8000',
    'ftp://localhost',
    'http://localhost/path',
    'http://localhost?a=1',
    'http://localhost/?',
    'http://user:secret@localhost',
    '',
  ])('not for the origin %j', async (origin) => {
    const started = startCloudFront({ origin, port: 0, distributionId: 'E1LOCAL' });
    await expect(started).rejects.toMatchObject({
      code: 'origin-invalid',
      message: `origin is ${JSON.stringify(origin)}: it takes http://host[:port] or https://host[:port], without a path`,
    });
  });

  it.each(['http://localhost:1/', 'HTTP://LOCALHOST:1'])('for the origin %j', async (origin) => {
    const edge = await startCloudFront({ origin, port: 0, distributionId: 'E1LOCAL' });
    await edge.close();
  });
});

describe('a local CloudFront closes', () => {
  it('once the answers that have begun are through, idle connections or not', async () => {
    const origin = await scriptedOrigin();
    const edge = await startCloudFront({ origin: origin.url, port: 0, distributionId: 'E1LOCAL' });
    const patient = new Agent({ keepAliveTimeout: 60_000 }); // never closes a connection by itself
    await (await agentFetch(edge.url, { dispatcher: patient })).text();
    let finish = () => {};
    origin.answer = (_, reply) => {
      finish = () => reply.end('last');
      reply.write('first ');
    };
    const slow = await agentFetch(`${edge.url}/slow`, { dispatcher: patient });
    const closed = edge.close();
    await expect(ask(edge.port, '/')).rejects.toThrow('ECONNREFUSED');
    const finishedMs = performance.now();
    finish();
    expect(await slow.text()).toBe('first last');
    await closed;
    expect(performance.now() - finishedMs).toBeLessThan(2_000); // the connection itself would wait for 5 s
    await patient.close();
  });

  it('with a refresh still under way, which it breaks off', async () => {
    const { edge, origin, get, pass } = await stage();
    origin.answer = page({ 'cache-control': 'max-age=10, stale-while-revalidate=60' });
    await get('/');
    pass(11);
    let isCut = false;
    origin.answer = (_, reply) => reply.on('close', () => (isCut = true));
    await get('/');
    await until(() => origin.asked.length === 2);
    await edge.close();
    await until(() => isCut);
  });
});

describe('onRequest', () => {
  it('is told of every request, once it is answered', async () => {
    const { origin, get, lines } = await stage({ tagHeader: 'cache-tag' });
    origin.answer = page({ 'cache-control': 'max-age=60', 'cache-tag': 'a,b' });
    await get('/a?b=1');
    await get('/a?b=1', { method: 'HEAD' });
    origin.answer = page({}, 'gone', 404);
    await get('/gone');
    await until(() => lines.length === 3);
    const ms = expect.any(Number);
    const note = { tags: ['a', 'b'], ttl: 'max-age=60' };
    expect(lines).toEqual([
      { method: 'GET', url: '/a?b=1', status: 200, result: 'Miss', ms, ...note },
      { method: 'HEAD', url: '/a?b=1', status: 200, result: 'Hit', ms, ...note },
      { method: 'GET', url: '/gone', status: 404, result: 'Error', ms },
    ]);
  });
});
