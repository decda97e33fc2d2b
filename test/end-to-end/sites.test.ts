/** Two sites on one table, whose urls and tags have the same names: over real HTTP, with the built bundles. */
import { DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CREDENTIALS, REGION } from '../../local/account';
import { type Site, startSite } from '../support/site';
import { until } from '../support/until';

/** Whose table it is, and who shares it. */
let owner: Site;
let guest: Site;

beforeAll(async () => {
  owner = await startSite();
  const { dynamoDbEndpoint } = owner.edge;
  guest = await startSite({ shared: { dynamoDbEndpoint, site: 'guest' } });
});
afterAll(async () => {
  await guest?.close();
  await owner?.close();
});

async function cached(site: Site, path: string): Promise<string> {
  return until(async () => {
    const response = await fetch(site.edge.url + path);
    const body = await response.text();
    return response.headers.has('age') ? body : undefined;
  }, `${path} is cached`);
}

async function save(site: Site, title: string): Promise<void> {
  const body = new URLSearchParams({ title, body: 'A text.', category: '7' });
  await fetch(`${site.blog.url}/posts/42/edit`, { method: 'POST', body, redirect: 'manual' });
}

describe('a tag that two sites have', () => {
  it('is revalidated at the site that was asked, and at no other', async () => {
    for (const site of [owner, guest]) await cached(site, '/posts/42');
    for (const site of [owner, guest]) await save(site, 'Changed');
    const renders = owner.blog.renders();

    const job = await guest.revalidated({ tags: ['post:42'], urls: ['/posts/42'] });
    expect(job).toMatchObject({ state: 'fresh', items: 1, warmed: 1 });
    expect(await cached(guest, '/posts/42')).toContain('Changed');
    expect(await cached(owner, '/posts/42')).not.toContain('Changed');
    expect(owner.blog.renders()).toBe(renders);

    expect(await owner.revalidated({ tags: ['post:42'] })).toMatchObject({
      state: 'fresh',
      warmed: 1,
    });
    expect(await cached(owner, '/posts/42')).toContain('Changed');
  });

  it('is asked of each by one key, which is a job of each', async () => {
    const key = 'post-42-version-7';
    await owner.client.revalidate({ tags: ['post:42'] }, { key });
    await owner.client.wait(key, { timeoutMs: 60_000 });
    expect((await guest.client.jobs({ limit: 10 })).jobs.map(({ id }) => id)).not.toContain(key);
    await guest.client.revalidate({ tags: ['category:7'] }, { key });
    expect(await guest.client.wait(key, { timeoutMs: 60_000 })).not.toHaveProperty('conflict');
  });

  it('leaves nothing of one site under the keys of the other', async () => {
    const { dynamoDbEndpoint: endpoint, table } = owner.edge;
    const dynamo = new DynamoDBClient({ endpoint, region: REGION, credentials: CREDENTIALS });
    const { Items = [] } = await dynamo.send(new ScanCommand({ TableName: table }));
    dynamo.destroy();
    const kinds = (isGuest: boolean) => {
      const keys = Items.map(({ pk }) => pk?.S ?? '').filter(
        (pk) => pk.startsWith('site#') === isGuest,
      );
      return new Set(keys.map((pk) => pk.replace(/^site#guest#/, '').replace(/#.*/, '')));
    };
    const all = ['tag', 'urls', 'job', 'jobs', 'purge', 'pace', 'ledger'].sort();
    expect([...kinds(true)].sort()).toEqual(all);
    expect([...kinds(false)].sort()).toEqual(all);
  });
});
