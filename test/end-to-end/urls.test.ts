/**
 * Urls as nobody should write them, over raw HTTP, so that nothing normalises them: the local edge, the built bundles.
 * What each class is and why: docs/urls.md.
 */
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dynamoGraph } from '../../aws/graph';
import { IsrClient } from '../../client';
import { ELAPSED } from '../../core/headers';
import type { RequestLine } from '../../local/cloudfront';
import { type LocalEdge, startLocalEdge } from '../../local/edge';
import { sdkCall } from '../support/graph';
import { until } from '../support/until';

let site: Server;
let edge: LocalEdge;
let client: IsrClient;
/** Request targets as the origin got them, a character for each byte. */
const asked: string[] = [];
const lines: RequestLine[] = [];

beforeAll(async () => {
  let version = 0;
  site = createServer((request, reply) => {
    const url = request.url ?? '';
    asked.push(url);
    version += 1;
    const tag = /^\/+tagged\/(\w+)/.exec(url)?.[1];
    reply.writeHead(200, {
      'cache-control': 's-maxage=3600',
      'content-type': 'text/plain',
      [ELAPSED]: '0', // or all the time that CloudFront might have waited counts as render time
      ...(tag ? { 'cache-tag': tag } : {}),
    });
    reply.end(`v${version}`);
  });
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
  edge = await startLocalEdge({
    origin: `http://127.0.0.1:${(site.address() as AddressInfo).port}`,
    port: 0,
    apiPort: 0,
    graceMs: 600,
    warmDeadlineMs: 10_000,
    onRequest: (line) => lines.push(line),
  });
  client = new IsrClient({ endpoint: edge.apiUrl });
});
afterAll(async () => {
  await edge?.close();
  site?.close();
  site?.closeAllConnections();
});

/** @param target a character for each byte, as it stands in the request line */
function get(target: string): Promise<{ status: number; cache: string; body: string }> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    const socket = connect(Number(new URL(edge.url).port), '127.0.0.1');
    socket.on('error', reject);
    socket.on('data', (part) => parts.push(part));
    socket.on('end', () => {
      const [head = '', body = ''] = Buffer.concat(parts).toString('latin1').split('\r\n\r\n');
      const status = Number(head.split(' ')[1]);
      const cache = /^x-cache: (\w+)/im.exec(head)?.[1] ?? '';
      resolve({ status, cache, body: /v\d+/.exec(body)?.[0] ?? '' });
    });
    const fields = 'Host: site\r\nAccept-Encoding: gzip, br\r\nConnection: close';
    socket.write(`GET ${target} HTTP/1.1\r\n${fields}\r\n\r\n`, 'latin1');
  });
}

const isRecorded = (url: string) =>
  dynamoGraph(sdkCall(edge.dynamoDbEndpoint), edge.table).isLive(url as never, Date.now() / 1_000);
const timesAsked = (target: string) => asked.filter((it) => it === target).length;

async function cached(target: string): Promise<string> {
  await get(target);
  const { cache, body } = await get(target);
  expect([target, cache]).toEqual([target, 'Hit']);
  return body;
}

async function revalidated(work: { tags?: string[]; urls?: string[] }) {
  const { job } = await client.revalidate(work);
  return client.wait(job, { timeoutMs: 30_000 });
}

/** The warmer verifies that it was rendered anew, so a job that is fresh has asked for the very bytes. */
async function expectRenderedOnce(target: string, before: string) {
  const after = await get(target);
  expect([after.cache, after.body === before, timesAsked(target)]).toEqual(['Hit', false, 2]);
}

describe('a url that a path can name, without a tag', () => {
  it.each([
    '/p/trailing/',
    '/p/order?b=2&a=1',
    '/p/twice?a=1&a=1&a',
    '/p/query?u=https://example.org//a/../b',
    '/p/a+b%20c',
    '/p/caf%C3%A9',
    '/p/caf%c3%a9',
    '/p/cafe%CC%81',
    '/p/%FF',
    '/p/%5B%22%5E%7C%5D',
    '/p/a*b;c=d,e@f',
    `/p/${'x'.repeat(3_900)}`,
  ])('is recorded, purged and warmed as it was asked: %.40s', async (url) => {
    const before = await cached(url);
    expect(await isRecorded(url)).toBe(true);
    expect(await revalidated({ urls: [url] })).toMatchObject({ state: 'fresh', items: 1 });
    await expectRenderedOnce(url, before);
  });
});

describe('a url that no path is sure to name', () => {
  const urls = [
    '/a[1]?b[]=2',
    '/"^`{|}<>\\',
    '/100%',
    '/%61%2F%2f%2B',
    '/%00',
    '/~ann/%7Eann',
    '/search?q=*',
    '/a#b',
    '//a',
    '/a//b',
    '/./a/../b/%2e%2e',
    `/${'x'.repeat(8_100)}`,
  ].map((rest, i) => [`t${i}`, rest] as const);

  it.each(urls)('is kept, purged and warmed by its tag %s: %.40s', async (tag, rest) => {
    const url = `/tagged/${tag}${rest}`;
    const before = await cached(url);
    expect(await isRecorded(url)).toBe(true);
    expect(await revalidated({ tags: [tag] })).toMatchObject({ state: 'fresh', items: 1 });
    await expectRenderedOnce(url, before);
  });

  it.each(urls)('lives ten seconds without a tag, unrecorded (%s): %.40s', async (_, url) => {
    await get(url);
    const line = await until(() => lines.find((it) => it.url === url), 'the edge has told of it');
    expect(line).toMatchObject({ ruling: 'capped; reason=url-unpurgeable' });
    expect(line.ttl).toContain('max-age=10,');
    expect(await isRecorded(url)).toBe(false);
  });

  it('may begin with two slashes, and is asked of no other host', async () => {
    const target = '//tagged/host.example';
    const before = await cached(target);
    expect(await revalidated({ tags: ['host'] })).toMatchObject({ state: 'fresh', items: 1 });
    await expectRenderedOnce(target, before);
  });
});

describe('what is asked unencoded', () => {
  it('is another object than its encoding, and another record: a tag drops both', async () => {
    const targets = ['/tagged/two/%5B1%5D', '/tagged/two/[1]'];
    const before = [await cached('/tagged/two/%5B1%5D'), await cached('/tagged/two/[1]')];
    expect(new Set(before).size).toBe(2);
    const job = await revalidated({ tags: ['two'] });
    expect(job).toMatchObject({ state: 'fresh', items: 1, covered: 2 });
    for (const [i, target] of targets.entries()) {
      await expectRenderedOnce(target, before[i] ?? '');
    }
  });

  it('is what its encoded form may mean: a revalidation of that is sent, not skipped', async () => {
    await cached('/tagged/either/[1]');
    const job = await revalidated({ urls: ['/tagged/either/%5B1%5D'] });
    expect(job).toMatchObject({ state: 'fresh', items: 1, skipped: 0 });
  });
});

describe('no page at all', () => {
  it('is a url past 8,192 bytes', async () => {
    expect((await get(`/${'x'.repeat(8_192)}`)).status).toBe(414);
  });

  it.each(['/tagged/no/\xc3\xa9', '/tagged/no/\xe9', '/tagged/no/\x7f'])(
    'is, to Node, what has other bytes than visible ASCII: %j (docs/fidelity.md)',
    async (target) => {
      expect((await get(target)).status).toBe(400);
      expect(asked).not.toContain(target);
    },
  );
});
