/** The whole thread over real HTTP: the example blog, the local edge, the built bundles. */
import { ReceiveMessageCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Site, startSite } from '../support/site';
import { until } from '../support/until';

let site: Site;
let sqs: SQSClient;

beforeAll(async () => {
  site = await startSite({ visibilitySeconds: 2, warmDeadlineMs: 20_000 });
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  sqs = new SQSClient({ endpoint: site.edge.sqsEndpoint, region: 'us-east-1', credentials });
});
afterAll(async () => {
  sqs?.destroy();
  await site?.close();
});

async function get(path: string) {
  const headers = { 'accept-encoding': 'gzip, deflate, br' };
  const response = await fetch(site.edge.url + path, { headers });
  const body = await response.text();
  const cache = response.headers.get('x-cache')?.split(' ')[0];
  return { status: response.status, body, cache, headers: response.headers };
}

/** A page is in the cache when it has an age (a cached 404 calls itself Error); a miss renders it. */
async function cached(path: string) {
  return until(async () => {
    const it = await get(path);
    return it.headers.has('age') ? it : undefined;
  }, `${path} is cached`);
}

function save(id: number, title: string, category = 7) {
  const form = new URLSearchParams({ title, body: 'A text.', category: String(category) });
  return fetch(`${site.blog.url}/posts/${id}/edit`, {
    method: 'POST',
    body: form,
    redirect: 'manual',
  });
}

describe('a page', () => {
  it('is rendered once, and then served from the cache', async () => {
    const first = await get('/posts/41');
    expect([first.status, first.cache]).toEqual([200, 'Miss']);
    const renders = site.blog.renders();
    const again = await get('/posts/41');
    expect(again.cache).toBe('Hit');
    expect(again.body).toBe(first.body);
    expect(site.blog.renders()).toBe(renders);
  });

  it("tells a browser to ask each time, and shows none of the edge's own headers", async () => {
    const { headers } = await cached('/posts/41');
    expect(headers.get('cache-control')).toBe('public, max-age=0, must-revalidate');
    const own = [...headers.keys()].filter(
      (name) => name.startsWith('x-isr-') || name.includes('tag'),
    );
    expect(own).toEqual(['etag', 'x-isr-rendered-at']);
  });
});

describe('a change', () => {
  it('makes exactly the pages that depend on it fresh, from the cache, for the next viewer', async () => {
    for (const path of ['/posts/42', '/', '/categories/7', '/posts/40']) await cached(path);
    const untouched = (await get('/posts/40')).body;
    await save(42, 'A new title');
    expect((await get('/posts/42')).body).not.toContain('A new title');

    const job = await site.revalidated({ tags: ['post:42'] });
    expect(job).toMatchObject({
      state: 'fresh',
      items: 1,
      covered: 3,
      warmed: 3,
      stale: 0,
      failed: 0,
    });
    expect(job.invalidations).toHaveLength(1);

    const renders = site.blog.renders();
    for (const path of ['/posts/42', '/', '/categories/7']) {
      const { cache, body } = await get(path);
      expect([path, cache, body.includes('A new title')]).toEqual([path, 'Hit', true]);
    }
    expect((await get('/posts/40')).body).toBe(untouched);
    expect(site.blog.renders()).toBe(renders);
  });

  it('that brings a page into being purges the 404 that was cached for it', async () => {
    const missing = await get('/posts/45');
    expect(missing.status).toBe(404);
    expect((await cached('/posts/45')).status).toBe(404);
    const form = new URLSearchParams({ title: 'Now there', body: 'A text.', category: '9' });
    await fetch(`${site.blog.url}/new`, { method: 'POST', body: form, redirect: 'manual' });
    expect((await site.revalidated({ tags: ['post:45', 'posts', 'category:9'] })).state).toBe(
      'fresh',
    );
    expect(await get('/posts/45')).toMatchObject({ status: 200, cache: 'Hit' });
  });

  it('of a url alone purges that url', async () => {
    const before = (await cached('/posts/39')).body;
    await save(39, 'By url', 9);
    const job = await site.revalidated({ urls: ['/posts/39'] });
    expect(job).toMatchObject({ state: 'fresh', items: 1 });
    const after = await get('/posts/39');
    expect(after.cache).toBe('Hit');
    expect(after.body).not.toBe(before);
    expect(after.body).toContain('By url');
  });

  it('of what nobody has asked for costs nothing', async () => {
    const job = await site.revalidated({ tags: ['post:4711'], urls: ['/never'] });
    expect(job).toMatchObject({ state: 'fresh', items: 0, skipped: 2, covered: 0 });
    expect(job.invalidations).toEqual([]);
  });
});

describe('a form', () => {
  it('is never cached', async () => {
    await get('/posts/42/edit');
    expect((await get('/posts/42/edit')).cache).toBe('Miss');
  });
});

describe('a poisoned message', () => {
  it('ends in the dead-letter queue with its reason on the job, and the others of its batch proceed', async () => {
    const send = (MessageBody: string, job: string) =>
      sqs.send(
        new SendMessageCommand({
          QueueUrl: site.edge.revalidateQueueUrl,
          MessageBody,
          MessageAttributes: { job: { DataType: 'String', StringValue: job } },
        }),
      );
    await send('{"tags":["a,b"]}', 'poison');
    await send('{"tags":["post:41"]}', 'good');
    expect((await site.client.wait('good', { timeoutMs: 30_000 })).state).toBe('fresh');

    const dead = await until(
      async () => {
        const QueueUrl = site.edge.revalidateDeadLetterUrl;
        const { Messages } = await sqs.send(
          new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 1 }),
        );
        return Messages?.[0];
      },
      'the poison is in the dead-letter queue',
      40_000,
    );
    expect(dead.Body).toBe('{"tags":["a,b"]}');
    const job = await site.client.job('poison');
    expect(job.state).toBe('failed');
    expect(job.error).toContain('tags[0] is "a,b": a tag has no comma');
  }, 90_000);
});
