import type { CloudFrontResponseEvent } from 'aws-lambda';
import { describe, expect, it } from 'vitest';
import { scriptedOrigin, stage } from './stage';

/** An edge in front of a group whose first origin is the stage's own. */
async function group(statuses?: readonly number[]) {
  const second = await scriptedOrigin();
  const seen: string[] = [];
  const staged = await stage({
    failover: { origin: second.url, ...(statuses ? { statuses } : {}) },
    originResponse: async ({ Records: [record] }: CloudFrontResponseEvent) => {
      const { request, response } = record?.cf ?? {};
      seen.push(
        `${request?.origin?.custom?.port === staged.port ? 'first' : 'second'} ${response?.status}`,
      );
      return response;
    },
  }).then((it) => ({ ...it, port: Number(new URL(it.origin.url).port) }));
  second.answer = (_, reply) => {
    reply.setHeader('Cache-Control', 's-maxage=60');
    reply.end('second');
  };
  return { ...staged, first: staged.origin, second, seen };
}

describe('CFDG/high_availability_origin_failover: an origin group', () => {
  it('asks the second when the first answers a status of the group, and runs the function for both', async () => {
    const { first, second, get, seen } = await group();
    first.answer = (_, reply) => reply.writeHead(503).end('down');
    expect(await get('/')).toMatchObject({ status: 200, body: 'second', cache: 'Miss' });
    expect(seen).toEqual(['first 503', 'second 200']);
    expect(second.asked[0]?.headers.host).toBe(new URL(second.url).host);
    expect(await get('/')).toMatchObject({ body: 'second', cache: 'Hit' }); // it is cached as any answer
    expect(first.asked).toHaveLength(1);
  });

  it('does not ask it for another status', async () => {
    const { first, second, get, seen } = await group();
    first.answer = (_, reply) => reply.writeHead(404).end('none');
    expect(await get('/')).toMatchObject({ status: 404, body: 'none' });
    expect(seen).toEqual(['first 404']);
    expect(second.asked).toEqual([]);
  });

  it('asks it for a 404 where that is in the group', async () => {
    const { first, get, seen } = await group([404]);
    first.answer = (_, reply) => reply.writeHead(404).end('none');
    expect(await get('/')).toMatchObject({ status: 200, body: 'second' });
    expect(seen).toEqual(['first 404', 'second 200']);
  });

  it('asks it when the first cannot be reached: the function runs once', async () => {
    const { first, get, seen } = await group();
    first.stop();
    expect(await get('/')).toMatchObject({ status: 200, body: 'second' });
    expect(seen).toEqual(['second 200']);
  });

  it('tries the first anew for every miss', async () => {
    const { first, get, pass } = await group();
    first.answer = (_, reply) => reply.writeHead(503).end('down');
    await get('/');
    first.answer = (_, reply) => reply.end('first');
    pass(61);
    expect(await get('/')).toMatchObject({ body: 'first' });
  });

  it('answers with the second’s error when both fail', async () => {
    const { first, second, get } = await group();
    first.answer = (_, reply) => reply.writeHead(503).end('down');
    second.answer = (_, reply) => reply.writeHead(502).end('down too');
    expect(await get('/')).toMatchObject({ status: 502, body: 'down too' });
  });

  it('never sends a POST twice', async () => {
    const { first, second, get } = await group();
    first.answer = (_, reply) => reply.writeHead(503).end('down');
    expect(await get('/', { method: 'POST', body: 'a=1' })).toMatchObject({ status: 503 });
    expect(second.asked).toEqual([]);
  });
});
