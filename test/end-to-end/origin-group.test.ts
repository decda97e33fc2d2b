/** A site whose first origin is down: over real HTTP, with the built bundles. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { IsrClient } from '../../client';
import { type Blog, startBlog } from '../../examples/blog/app';
import { type LocalEdge, startLocalEdge } from '../../local/edge';
import { until } from '../support/until';

const first = createServer((_, reply) => {
  const headers = { 'Cache-Control': 's-maxage=300', 'Cache-Tag': 'first', 'X-Isr-Elapsed': '1' };
  if (isDown) reply.writeHead(503, headers).end('down');
  else reply.writeHead(200, headers).end('first');
});
let isDown = true;
let blog: Blog;
let edge: LocalEdge;
const rulings: (string | undefined)[] = [];

beforeAll(async () => {
  await new Promise<void>((listening) => first.listen(0, '127.0.0.1', listening));
  blog = await startBlog({ port: 0 });
  edge = await startLocalEdge({
    origin: `http://127.0.0.1:${(first.address() as AddressInfo).port}`,
    failover: blog.url,
    port: 0,
    apiPort: 0,
    graceMs: 600,
    onRequest: ({ ruling }) => void rulings.push(ruling),
  });
});
afterAll(async () => {
  await edge?.close();
  await blog?.close();
  first.closeAllConnections();
  first.close();
});

async function cached(): Promise<string> {
  return until(async () => {
    const response = await fetch(`${edge.url}/posts/42`);
    const body = await response.text();
    return response.headers.has('age') ? body : undefined;
  }, '/posts/42 is cached');
}

describe('a page that the second origin has answered', () => {
  it('is kept, found by its tag, and purged: the next render is the first’s, once that is back', async () => {
    expect(await cached()).toContain('<html');
    expect(rulings[0]).toBe('kept');
    const client = new IsrClient({ endpoint: edge.apiUrl });
    const plan = await client.plan({ tags: ['first'] }); // its 503 was tagged, and is in no cache
    expect(plan).toMatchObject({ items: [], covered: 0 });

    isDown = false;
    const { job } = await client.revalidate({ tags: ['post:42'] });
    const told = await client.wait(job, { timeoutMs: 60_000 });
    expect(told).toMatchObject({ state: 'fresh', items: 1, warmed: 1 });
    expect(await cached()).toBe('first');
  });
});
