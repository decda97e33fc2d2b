import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DynamoCall } from '../../aws/dynamo';
import { dynamoGraph } from '../../aws/graph';
import { dynamoJobs } from '../../aws/jobs';
import { dynamoLedger } from '../../aws/ledger';
import { dynamoPaces } from '../../aws/paces';
import { inSite } from '../../aws/site-keys';
import { SITE_NAME, siteKeys } from '../../core/config';
import { parseTag } from '../../core/tags';
import { encodeUrl } from '../../core/urls';
import { recorded } from '../contract/graph';
import { sdkCall, startTable, TABLE } from '../support/graph';

let table: Awaited<ReturnType<typeof startTable>>;
beforeAll(async () => {
  table = await startTable();
});
afterAll(() => table.close());

const NOW = 1_800_000_000; // seconds
const AT = { now: () => NOW * 1_000 };

async function all<T>(pages: AsyncIterable<readonly T[]>): Promise<T[]> {
  const found: T[] = [];
  for await (const page of pages) found.push(...page);
  return found;
}

describe('sites that share a table', () => {
  /** The site whose table it is, and two that share it; one's name begins as the other's. */
  const sites = [undefined, 'shop', 'shop-2'];
  const calls = () => sites.map((site) => inSite(sdkCall(table.endpoint), site));

  it('have tags, epochs, urls and edges of their own, of the same names', async () => {
    const [own, shop, other] = calls().map((call) => dynamoGraph(call, TABLE));
    if (!own || !shop || !other) throw new Error('three sites');
    const [tag, url] = [parseTag('post:42'), encodeUrl('/posts/42')];
    await shop.putEdges(url, [{ tag, shards: 1, byPath: false }], NOW + 10);
    await shop.putUrl(url, recorded({ untilSeconds: NOW + 10 }));
    await shop.putEpochs({ tags: [tag], urls: [url], epochMs: NOW * 1_000, job: 'j' });

    expect(await all(shop.edges(tag, NOW))).toMatchObject([{ url, byPath: false }]);
    expect(await all(shop.urls('/', NOW))).toEqual([url]);
    expect(await shop.epochOf([tag])).toBe(NOW * 1_000);
    for (const neighbour of [own, other]) {
      expect(await all(neighbour.edges(tag, NOW))).toEqual([]);
      expect(await all(neighbour.urls('/', NOW))).toEqual([]);
      expect(await neighbour.epochOf([tag])).toBe(0);
      expect((await neighbour.look(url, [tag])).record).toBeUndefined();
    }
  });

  it('spend their own budgets, at their own pace', async () => {
    const ledgers = calls().map((call) => dynamoLedger(call, TABLE, AT));
    await Promise.all(ledgers.map((ledger, at) => ledger.charge('p', at + 1, AT.now())));
    expect(await Promise.all(ledgers.map((ledger) => ledger.used(AT.now())))).toEqual([1, 2, 3]);
    const paces = calls().map((call) => dynamoPaces(call, TABLE, AT));
    const pace = { freeAtMs: 1, perSecond: 2, slowedAtMs: 3, raisedAtMs: 4 };
    expect(await paces[1]?.set('warm', undefined, pace)).toBe(true);
    expect(await Promise.all(paces.map((each) => each.get('warm')))).toEqual([
      undefined,
      pace,
      undefined,
    ]);
  });

  it('take the same idempotency key for a job of each', async () => {
    const jobs = calls().map((call) => dynamoJobs(call, TABLE, AT));
    const begun = await Promise.all(jobs.map((each) => each.get('order-4711-changed')));
    expect(begun).toEqual([undefined, undefined, undefined]);
    expect(sites.map((site) => site && siteKeys(site))).toEqual([
      undefined,
      'site#shop#',
      'site#shop-2#',
    ]);
  });
});

describe('a key of a site', () => {
  const names = fc.stringMatching(SITE_NAME);
  const keys = fc.record({ pk: fc.string(), sk: fc.string() });

  it('begins with its name wherever it stands, comes back without, and never begins as another site’s', async () => {
    await fc.assert(
      fc.asyncProperty(names, names, keys, async (site, other, { pk, sk }) => {
        const item = { pk: { S: pk }, sk: { S: sk } };
        const sent: string[] = [];
        const echo = (async (operation, input) => {
          sent.push(JSON.stringify(input));
          const asked = input as unknown as Record<string, unknown>;
          if (operation === 'BatchGetItem') {
            const tables = asked.RequestItems as Record<string, { Keys: (typeof item)[] }>;
            return { Responses: { t: tables.t?.Keys }, UnprocessedKeys: tables };
          }
          return {
            Attributes: asked.Key,
            Item: asked.Key,
            LastEvaluatedKey: asked.ExclusiveStartKey,
          };
        }) as DynamoCall;
        const call = inSite(echo, site);
        const batch = await call('BatchGetItem', { RequestItems: { t: { Keys: [item] } } });
        expect(batch).toEqual({
          Responses: { t: [item] },
          UnprocessedKeys: { t: { Keys: [item] } },
        });
        const got = await call('GetItem', { TableName: 't', Key: item });
        expect(got).toMatchObject({ Item: item });
        const page = await call('Query', {
          TableName: 't',
          ExclusiveStartKey: item,
          ExpressionAttributeValues: { ':pk': { S: pk }, ':now': { N: '1' } },
        });
        expect(page).toMatchObject({ LastEvaluatedKey: item });
        const updated = await call('UpdateItem', { TableName: 't', Key: item });
        expect(updated).toMatchObject({ Attributes: item });
        const shown = JSON.stringify(siteKeys(site) + pk);
        expect(sent.map((input) => input.split(shown).length - 1)).toEqual([1, 1, 2, 1]);
        if (site !== other) expect((siteKeys(site) + pk).startsWith(siteKeys(other))).toBe(false);
      }),
      { numRuns: 200 },
    );
  });
});
