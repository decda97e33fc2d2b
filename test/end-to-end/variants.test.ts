/** Every variant of a page that was seen is fresh after a revalidation: real HTTP, the local edge, the built bundles. */
import { createServer, type IncomingHttpHeaders, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { IsrClient } from '../../client';
import { type LocalEdge, startLocalEdge } from '../../local/edge';
import { until } from '../support/until';

const VIEWERS: readonly Record<string, string>[] = [
  { 'accept-encoding': 'gzip, deflate, br, zstd', 'accept-language': 'de' },
  { 'accept-encoding': 'gzip', 'accept-language': 'en' },
  { 'accept-language': 'en' },
  {},
];

let origin: Server;
let renders = 0;
let edge: LocalEdge;

beforeAll(async () => {
  origin = createServer((_, response) => {
    renders += 1;
    const headers = { 'cache-control': 's-maxage=600', 'cache-tag': 'page', 'x-isr-elapsed': '1' };
    response.writeHead(200, headers).end(`render ${renders}`);
  });
  await new Promise<void>((resolve) => origin.listen(0, '127.0.0.1', resolve));
  edge = await startLocalEdge({
    origin: `http://127.0.0.1:${(origin.address() as AddressInfo).port}`,
    port: 0,
    apiPort: 0,
    graceMs: 600,
    recorder: { keyHeaders: ['accept-language'] },
  });
});
afterAll(async () => {
  await edge?.close();
  origin.closeAllConnections();
  await new Promise((resolve) => origin.close(resolve));
});

describe('a page that was seen in four variants', () => {
  it('is warm in all of them, and the viewers of each find it in the cache', async () => {
    for (const viewer of VIEWERS) {
      await until(
        async () => (await get(viewer))['x-cache'] === 'Hit from cloudfront',
        'it is cached',
      );
    }
    const before = renders;
    const client = new IsrClient({ endpoint: edge.apiUrl });
    const { job } = await client.revalidate({ tags: ['page'] });
    const ended = await client.wait(job, { timeoutMs: 60_000 });
    expect(ended).toMatchObject({ state: 'fresh', warmed: 1, items: 1 });
    expect(renders - before).toBe(VIEWERS.length);
    for (const viewer of VIEWERS) {
      const headers = await get(viewer);
      expect(headers['x-cache']).toBe('Hit from cloudfront');
      expect(Number(headers['x-isr-rendered-at'])).toBeGreaterThan(ended.epochMs ?? Infinity);
    }
    expect(renders - before).toBe(VIEWERS.length);
  });
});

/** `fetch` would send an Accept-Encoding of its own. */
function get(headers: Record<string, string>): Promise<IncomingHttpHeaders> {
  return new Promise((resolve, reject) => {
    request(`${edge.url}/page`, { headers }, (response) => {
      response.on('end', () => resolve(response.headers)).resume();
    })
      .on('error', reject)
      .end();
  });
}
