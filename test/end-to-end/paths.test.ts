/** A site without cache tags, and one with a small budget: over real HTTP, with the built bundles. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { IsrClient } from '../../client';
import { type Blog, startBlog } from '../../examples/blog/app';
import { type LocalEdge, startLocalEdge } from '../../local/edge';
import { until } from '../support/until';

let blog: Blog;
let edge: LocalEdge;
let client: IsrClient;
/** What CloudFront was asked to cache by, as the log of the edge has it. */
const tagged: string[] = [];

beforeAll(async () => {
  blog = await startBlog({ port: 0 });
  edge = await startLocalEdge({
    origin: blog.url,
    port: 0,
    apiPort: 0,
    graceMs: 600,
    purge: 'paths',
    budget: { items: 2, whenExceeded: 'refuse' },
    onRequest: ({ tags }) => void tagged.push(...(tags ?? [])),
  });
  client = new IsrClient({ endpoint: edge.apiUrl });
});
afterAll(async () => {
  await edge?.close();
  await blog?.close();
});

async function cached(path: string) {
  return until(async () => {
    const response = await fetch(edge.url + path);
    const body = await response.text();
    return response.headers.has('age') ? body : undefined;
  }, `${path} is cached`);
}

async function revalidated(work: { tags?: string[]; urls?: string[] }) {
  const { job } = await client.revalidate(work);
  return client.wait(job, { timeoutMs: 60_000 });
}

describe('a site that is purged by paths', () => {
  it('has its pages purged by their paths, though a tag was named, and gives CloudFront none', async () => {
    await cached('/posts/41');
    const form = new URLSearchParams({ title: 'New', body: 'A text.', category: '7' });
    await fetch(`${blog.url}/posts/41/edit`, { method: 'POST', body: form, redirect: 'manual' });
    const job = await revalidated({ tags: ['post:41'] });
    expect(job).toMatchObject({ state: 'fresh', items: 1, warmed: 1 });
    expect(await cached('/posts/41')).toContain('New');
    expect(tagged).toEqual([]);
  });
});

describe('a purge past the budget', () => {
  it('is refused, and says so; what costs nothing is not', async () => {
    for (const path of ['/posts/42', '/posts/43']) await cached(path);
    const job = await revalidated({ urls: ['/posts/42', '/posts/43'] });
    expect(job.state).toBe('refused');
    expect(job.refused?.reason).toBe(
      '1 of 2 items of this month are used, this needs 2: nothing is purged; raise the budget, or ask again next month',
    );
    expect((await revalidated({ tags: ['never-seen'] })).state).toBe('fresh');
    expect((await revalidated({ urls: ['/posts/42'] })).state).toBe('fresh');
  });
});
