/** The built bundle, as Lambda@Edge loads it, with real event shapes (CFDG, lambda-event-structure). */
import { createRequire } from 'node:module';
import type { CloudFrontResponseEvent, CloudFrontResponseResult } from 'aws-lambda';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { dynamoGraph } from '../../aws/graph';
import { formatRecorderConfig } from '../../core/config';
import { parseTag } from '../../core/tags';
import { built } from '../support/bundles';
import { sdkCall, startTable, TABLE } from '../support/graph';

type Handler = (event: CloudFrontResponseEvent) => Promise<CloudFrontResponseResult>;
type Headers = Record<string, string>;

let table: Awaited<ReturnType<typeof startTable>>;
let handler: Handler;
beforeAll(async () => {
  table = await startTable();
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'local');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'local');
  ({ handler } = createRequire(__filename)(built('lambda/recorder/index.js')));
});
afterAll(() => {
  vi.unstubAllEnvs();
  return table.close();
});

const pageHeaders = {
  'cache-control': 's-maxage=300',
  'cache-tag': 'post:42',
  'x-isr-elapsed': '5',
};

function eventOf(
  response: Headers,
  more: { config?: string; uri?: string; querystring?: string; status?: string } = {},
) {
  const shape = (headers: Headers) =>
    Object.fromEntries(Object.entries(headers).map(([key, value]) => [key, [{ key, value }]]));
  const config =
    more.config ??
    formatRecorderConfig({ table: TABLE, region: 'us-east-1', endpoint: table.endpoint });
  return {
    Records: [
      {
        cf: {
          config: {
            distributionDomainName: 'd111111abcdef8.cloudfront.net',
            distributionId: 'EDFDVBD6EXAMPLE',
            eventType: 'origin-response',
            requestId: '4TyzHTaYWb1GX1qTfsHhEqV6HUDd_BzoBZnwfnvQc_1oF26ClkoUSEQ==',
          },
          request: {
            clientIp: '203.0.113.178',
            method: 'GET',
            uri: more.uri ?? '/posts/42',
            querystring: more.querystring ?? 'page=2',
            headers: shape({ host: 'example.org' }),
            origin: {
              custom: {
                customHeaders: shape({ 'x-isr-config': config }),
                domainName: 'example.org',
                keepaliveTimeout: 5,
                path: '',
                port: 443,
                protocol: 'https',
                readTimeout: 30,
                sslProtocols: ['TLSv1.2'],
              },
            },
          },
          response: {
            status: more.status ?? '200',
            statusDescription: 'OK',
            headers: shape(response),
          },
        },
      },
    ],
  } satisfies CloudFrontResponseEvent;
}

const numbered = (count: number) => Array.from({ length: count }, (_, i) => `t${i}`).join(',');

async function rule(...args: Parameters<typeof eventOf>) {
  const result = await handler(eventOf(...args));
  if (!result) throw new Error('the response was left as it is');
  const { status, headers = {} } = result;
  return {
    status,
    headers: Object.fromEntries(Object.entries(headers).map(([name, [it]]) => [name, it?.value])),
  };
}

describe('the recorder bundle', () => {
  it('keeps a page, with its tags for CloudFront and its other headers as they were', async () => {
    expect(await rule({ ...pageHeaders, 'content-type': 'text/html', 'x-other': 'kept' })).toEqual({
      status: '200',
      headers: {
        'cache-control': 'max-age=300, stale-while-revalidate=0, stale-if-error=0',
        'content-type': 'text/html',
        'x-other': 'kept',
        'x-isr-tags': 'post:42',
        'x-isr-ruling': 'kept',
        'x-isr-rendered-at': expect.stringMatching(/^\d{13}$/),
      },
    });
  });

  it('serves a page with DynamoDB down, for ten seconds', async () => {
    const config = formatRecorderConfig({
      table: TABLE,
      region: 'us-east-1',
      endpoint: 'http://127.0.0.1:9',
    });
    const { status, headers } = await rule(pageHeaders, { config });
    expect(status).toBe('200');
    expect(headers['cache-control']).toBe('max-age=10, stale-while-revalidate=0, stale-if-error=0');
    expect(headers['x-isr-ruling']).toContain('capped; reason=graph:DynamoDB did not answer');
  });

  it('counts what it caps, in a line that CloudWatch reads by itself, and nothing else', async () => {
    const log = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    await rule(pageHeaders, { uri: '/kept' });
    await rule({ ...pageHeaders, 'cache-tag': numbered(401) }, { uri: '/many' });
    const lines = log.mock.calls.map(([line]) => String(line));
    log.mockRestore();
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      {
        _aws: {
          Timestamp: expect.any(Number),
          CloudWatchMetrics: [
            {
              Namespace: 'EdgeIsr',
              Dimensions: [['Site']],
              Metrics: [
                { Name: 'CappedResponses', Unit: 'Count' },
                { Name: 'TooManyTags', Unit: 'Count' },
              ],
            },
          ],
        },
        Site: TABLE,
        CappedResponses: 1,
        TooManyTags: 1,
        url: '/many?page=2',
        reason: 'tags:401',
      },
    ]);
  });

  it('passes an error of the origin on, and keeps nothing of it', async () => {
    const { status, headers } = await rule(pageHeaders, { status: '503' });
    expect(status).toBe('503');
    expect(headers['cache-control']).toBe('private, no-store, stale-if-error=0');
  });

  it.each(['', '{}', 'nonsense', '{"table":1,"region":2}'])(
    'never throws, and keeps nothing, when its configuration is %j',
    async (config) => {
      const log = vi.spyOn(console, 'error').mockImplementation(() => {});
      const { headers } = await rule(pageHeaders, { config });
      expect(headers).toMatchObject({
        'cache-control': 'private, no-store, stale-if-error=0',
        'x-isr-ruling': 'refused; reason=recorder-failed',
      });
      expect(headers).not.toHaveProperty('cache-tag');
      expect(log).toHaveBeenCalledOnce();
      log.mockRestore();
    },
  );

  it('changes no header that CloudFront forbids it to change (CFDG, edge-function-restrictions-all)', async () => {
    const before = { ...pageHeaders, via: '1.1 origin', 'transfer-encoding': 'chunked' };
    const { headers } = await rule(before);
    expect(headers).toMatchObject({ via: '1.1 origin', 'transfer-encoding': 'chunked' });
    const added = Object.keys(headers).filter((name) => !(name in before));
    expect(added.sort()).toEqual(['x-isr-rendered-at', 'x-isr-ruling', 'x-isr-tags']);
  });

  it('keeps what was asked for in raw non-ASCII by its tags alone, under a record of its own', async () => {
    const raw = { uri: '/caf\u00e9', querystring: 'q=\u65e5\u672c\uffff' };
    const graph = dynamoGraph(sdkCall(table.endpoint), TABLE);
    const isLive = (url: string) => graph.isLive(url as never, Date.now() / 1_000);

    const { 'cache-tag': _, ...untagged } = pageHeaders;
    const capped = await rule(untagged, raw);
    expect(capped.headers['x-isr-ruling']).toBe('capped; reason=url-unpurgeable');
    expect(await isLive('/caf\u00e9?q=\u65e5\u672c\uffff')).toBe(false);

    expect((await rule(pageHeaders, raw)).headers['x-isr-ruling']).toBe('kept');
    expect(await isLive('/caf\u00e9?q=\u65e5\u672c\uffff')).toBe(true);
    expect(await isLive(encodeURI('/caf\u00e9?q=\u65e5\u672c\uffff'))).toBe(false);
    const edges = [];
    for await (const page of graph.edges(parseTag('post:42'), 0)) edges.push(...page);
    expect(edges.map(({ url }) => url)).toContain('/caf\u00e9?q=\u65e5\u672c\uffff');
  });
});

describe('a request that an origin group sends to both of its origins', () => {
  const url = { uri: '/posts/77', querystring: '' };
  const liveEdges = async (tag: string, inSeconds: number) => {
    const graph = dynamoGraph(sdkCall(table.endpoint), TABLE);
    const found = [];
    for await (const page of graph.edges(parseTag(tag), Date.now() / 1_000 + inSeconds)) {
      found.push(...page.map((edge) => edge.url));
    }
    return found;
  };

  it('leaves the edges and the lifetime of the second, and of the first at most edges too many', async () => {
    const failed = { ...pageHeaders, 'cache-control': 's-maxage=3600', 'cache-tag': 'missing:77' };
    const first = await rule(failed, { ...url, status: '404' });
    expect(first.headers['x-isr-ruling']).toBe('kept'); // a 404 is a page, wherever it does not fail over
    const served = { ...pageHeaders, 'cache-tag': 'post:77' };
    const second = await rule(served, url);
    expect(second.headers).toMatchObject({
      'cache-control': 'max-age=300, stale-while-revalidate=0, stale-if-error=0',
      'x-isr-tags': 'post:77',
      'x-isr-ruling': 'kept',
    });
    expect(await liveEdges('post:77', 300)).toEqual(['/posts/77']);
    expect(await liveEdges('missing:77', 300)).toEqual(['/posts/77']);
  });

  it('leaves nothing of a first that answers 503', async () => {
    const failed = { ...pageHeaders, 'cache-tag': 'down:78' };
    const first = await rule(failed, { uri: '/posts/78', status: '503' });
    expect(first.headers['x-isr-ruling']).toMatch(/^refused/);
    expect(await liveEdges('down:78', 0)).toEqual([]);
  });

  it('is fenced as the second’s: a change during its render caps it, however late the first failed', async () => {
    await rule(pageHeaders, { uri: '/posts/79', status: '503' });
    const graph = dynamoGraph(sdkCall(table.endpoint), TABLE);
    await graph.putEpochs({ tags: [parseTag('post:79')], urls: [], epochMs: Date.now(), job: 'j' });
    const slow = { ...pageHeaders, 'cache-tag': 'post:79', 'x-isr-elapsed': '2000' };
    const { headers } = await rule(slow, { uri: '/posts/79' });
    expect(headers['x-isr-ruling']).toBe('capped; reason=fence');
  });
});
