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
  origin = createServer(({ url }, response) => {
    renders += 1;
    const headers = {
      'cache-control': 's-maxage=600',
      'cache-tag': 'page',
      ...(url === '/page' ? {} : { vary: 'Accept-Language, User-Agent' }),
      'x-isr-elapsed': '1',
    };
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

describe('a site with languages and devices', () => {
  let site: LocalEdge;
  beforeAll(async () => {
    site = await startLocalEdge({
      origin: `http://127.0.0.1:${(origin.address() as AddressInfo).port}`,
      port: 0,
      apiPort: 0,
      graceMs: 600,
      viewerRules: { locales: ['en', 'de'], devices: ['desktop', 'mobile'] },
    });
  });
  afterAll(() => site?.close());

  const phone = { 'accept-language': 'de-AT', 'user-agent': 'Mozilla/5.0 (iPhone) Mobile' };
  const isHit = async (viewer: Record<string, string>, path: string) =>
    (await get(viewer, path, site))['x-cache'] === 'Hit from cloudfront';

  it('answers requests that differ in nothing a page depends on with the same page', async () => {
    await until(() => isHit(phone, '/p?b=1&a=2'), 'it is cached');
    expect(await isHit(phone, '/p?utm_source=x&b=1&gclid=y&a=2')).toBe(true);
    expect(await isHit({ ...phone, 'accept-language': 'fr, de;q=0.1' }, '/p?b=1&a=2')).toBe(true);
    expect(await isHit(phone, '/p?a=2&b=1')).toBe(false);
    expect(await isHit({ ...phone, 'user-agent': 'curl/8' }, '/p?b=1&a=2')).toBe(false);
    expect(await isHit({ ...phone, 'accept-language': 'en' }, '/p?b=1&a=2')).toBe(false);
  });

  it('has every form that was seen warm after a revalidation', async () => {
    const viewers = [phone, { ...phone, 'accept-language': 'en' }, {}];
    for (const viewer of viewers) await until(() => isHit(viewer, '/q'), 'it is cached');
    const client = new IsrClient({ endpoint: site.apiUrl });
    const { job } = await client.revalidate({ urls: ['/q'] });
    const ended = await client.wait(job, { timeoutMs: 60_000 });
    expect(ended).toMatchObject({ state: 'fresh', warmed: 1 });
    for (const viewer of viewers) {
      const headers = await get(viewer, '/q', site);
      expect(headers['x-cache']).toBe('Hit from cloudfront');
      expect(Number(headers['x-isr-rendered-at'])).toBeGreaterThan(ended.epochMs ?? Infinity);
    }
  });
});

/** `fetch` would send an Accept-Encoding of its own. */
function get(
  headers: Record<string, string>,
  path = '/page',
  site = edge,
): Promise<IncomingHttpHeaders> {
  return new Promise((resolve, reject) => {
    request(site.url + path, { headers }, (response) => {
      response.on('end', () => resolve(response.headers)).resume();
    })
      .on('error', reject)
      .end();
  });
}
