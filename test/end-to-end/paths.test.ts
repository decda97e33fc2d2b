/** A site without cache tags, and one with a small budget: over real HTTP, with the built bundles. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Site, startSite } from '../support/site';
import { until } from '../support/until';

let site: Site;
/** What CloudFront was asked to cache by, as the log of the edge has it. */
const tagged: string[] = [];

beforeAll(async () => {
  site = await startSite({
    purge: 'paths',
    budget: { items: 2, whenExceeded: 'refuse' },
    onRequest: ({ tags }) => void tagged.push(...(tags ?? [])),
  });
});
afterAll(() => site?.close());

async function cached(path: string) {
  return until(async () => {
    const response = await fetch(site.edge.url + path);
    const body = await response.text();
    return response.headers.has('age') ? body : undefined;
  }, `${path} is cached`);
}

describe('a site that is purged by paths', () => {
  it('has its pages purged by their paths, though a tag was named, and gives CloudFront none', async () => {
    await cached('/posts/41');
    const form = new URLSearchParams({ title: 'New', body: 'A text.', category: '7' });
    await fetch(`${site.blog.url}/posts/41/edit`, {
      method: 'POST',
      body: form,
      redirect: 'manual',
    });
    const job = await site.revalidated({ tags: ['post:41'] });
    expect(job).toMatchObject({ state: 'fresh', items: 1, warmed: 1 });
    expect(await cached('/posts/41')).toContain('New');
    expect(tagged).toEqual([]);
  });
});

describe('a purge past the budget', () => {
  it('is refused, and says so; what costs nothing is not', async () => {
    for (const path of ['/posts/42', '/posts/43']) await cached(path);
    const job = await site.revalidated({ urls: ['/posts/42', '/posts/43'] });
    expect(job.state).toBe('refused');
    expect(job.refused?.reason).toBe(
      '1 of 2 items of this month are used, this needs 2: nothing is purged; raise the budget, or ask again next month',
    );
    expect((await site.revalidated({ tags: ['never-seen'] })).state).toBe('fresh');
    expect((await site.revalidated({ urls: ['/posts/42'] })).state).toBe('fresh');
  });
});
