import { createServer } from 'node:http';
import type { UpdateItemCommandInput } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DynamoCall, keyItem } from '../../aws/dynamo';
import { dynamoOverHttp } from '../../aws/dynamo-signed';
import { dynamoGraph } from '../../aws/graph';
import { inSite } from '../../aws/site-keys';
import { tagKey, urlKey } from '../../core/keys';
import { parseTag } from '../../core/tags';
import { encodeUrl, type Url } from '../../core/urls';
import { graphContract, names, recorded } from '../contract/graph';
import { REGION, sdkCall, signedCall, startTable, TABLE } from '../support/graph';

let table: Awaited<ReturnType<typeof startTable>>;
beforeAll(async () => {
  table = await startTable();
});
afterAll(() => table.close());

describe('the graph over the AWS SDK', () => {
  graphContract(() => dynamoGraph(sdkCall(table.endpoint), TABLE));
});

describe('the graph over signed requests', () => {
  graphContract(() => dynamoGraph(signedCall(table.endpoint), TABLE));
});

describe('the graph of a site that shares the table', () => {
  graphContract(() => dynamoGraph(inSite(sdkCall(table.endpoint), 'shop'), TABLE));
});

describe('what DynamoDB did not process', () => {
  it('is unknown, never "no epoch"', async () => {
    const call = sdkCall(table.endpoint);
    const partial: DynamoCall = async (operation, input) => {
      const output = await call(operation, input);
      return {
        ...output,
        UnprocessedKeys: { [TABLE]: { Keys: [{ pk: { S: 'x' }, sk: { S: '#' } }] } },
      };
    };
    const graph = dynamoGraph(partial, TABLE);
    expect((await graph.look(encodeUrl('/a'), [])).epochMs).toBeUndefined();
    expect(await graph.epochOf([parseTag('a')])).toBeUndefined();
  });
});

describe('a tag whose edges come too fast for one partition', () => {
  it('is spread, and the edge is written to its new place', async () => {
    const call = sdkCall(table.endpoint);
    const tag = parseTag('hot');
    const written: string[] = [];
    const throttled: DynamoCall = async (operation, input) => {
      const { Key } = input as UpdateItemCommandInput;
      if (Key?.pk?.S === 'tag#hot#0') {
        throw Object.assign(new Error('Throughput exceeds the current capacity of your table'), {
          name: 'ThrottlingException',
        });
      }
      if (operation === 'UpdateItem') written.push(`${Key?.pk?.S}`);
      return call(operation, input);
    };
    const url = encodeUrl('/a');
    const edge = { tag, shards: 1, byPath: true };
    await dynamoGraph(throttled, TABLE).putEdges(url, [edge], 2_000_000_000);
    expect(written).toEqual(['tag#hot', expect.stringMatching(/^tag#hot#(?!0$)\d+$/)]);

    const graph = dynamoGraph(call, TABLE);
    const found = [];
    for await (const page of graph.edges(tag, 0)) found.push(...page);
    expect(found).toMatchObject([{ url, byPath: true }]);
  });

  it('fails when it is spread already: the page is capped, and tries again', async () => {
    const throttled: DynamoCall = () =>
      Promise.reject(Object.assign(new Error('slow down'), { name: 'ThrottlingException' }));
    const edges = [{ tag: parseTag('hot'), shards: 16, byPath: false }];
    await expect(dynamoGraph(throttled, TABLE).putEdges(encodeUrl('/a'), edges, 1)).rejects.toThrow(
      'slow down',
    );
  });

  it('never loses the number of its shards to the expiry of its epoch', async () => {
    const call = sdkCall(table.endpoint);
    const graph = dynamoGraph(call, TABLE);
    const tag = parseTag('lasting');
    await graph.putEpochs({ tags: [tag], urls: [], epochMs: 1_000, job: 'j' });
    await graph.spread(tag);
    await graph.putEpochs({ tags: [tag], urls: [], epochMs: 2_000, job: 'j' });
    const { Item } = await call('GetItem', { TableName: TABLE, Key: keyItem(tagKey(tag)) });
    expect(Number(Item?.expires?.N)).toBeGreaterThan(9e9);
  });
});

describe('the epoch of a url', () => {
  const DAY = 86_400;
  const epochMs = 1_800_000_000_000;
  const untilSeconds = epochMs / 1_000;

  it.each([
    ['was never seen', undefined],
    ['was forgotten long ago', untilSeconds - 2 * DAY],
    ['may be cached', untilSeconds + 2 * DAY],
  ])(
    'outlives every render that it stands against, whatever answer is lost: a url that %s',
    async (_, until) => {
      const call = sdkCall(table.endpoint);
      const expiry = async (url: Url) => {
        const { Item } = await call('GetItem', { TableName: TABLE, Key: keyItem(urlKey(url)) });
        return Item?.epoch ? Number(Item.expires?.N) : undefined;
      };
      for (const lostAt of [1, 2, 3]) {
        const { url } = names('lost');
        if (until) {
          await dynamoGraph(call, TABLE).putUrl(url, recorded({ untilSeconds: until }));
        }
        const expiries: (number | undefined)[] = [];
        let writes = 0;
        const lossy: DynamoCall = async (operation, input) => {
          const answer = await call(operation, input);
          expiries.push(await expiry(url));
          writes += 1;
          if (writes === lostAt) throw new Error('socket hang up');
          return answer;
        };
        const put = () =>
          dynamoGraph(lossy, TABLE).putEpochs({ tags: [], urls: [url], epochMs, job: 'j' });
        await put().catch(put);
        const shortest = Math.min(...expiries.filter((it) => it !== undefined));
        expect(shortest).toBeGreaterThanOrEqual(untilSeconds + DAY);
        expect((await dynamoGraph(call, TABLE).look(url, [])).epochMs).toBe(epochMs);
      }
    },
  );
});

describe('a signed request', () => {
  it("fails with DynamoDB's own error name", async () => {
    const graph = dynamoGraph(signedCall(table.endpoint), 'no-such-table');
    await expect(graph.epochOf([parseTag('a')])).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
  });

  it('fails as graph-unavailable when nobody listens, and when nobody answers in time', async () => {
    const silent = createServer(() => {}).listen(0, '127.0.0.1');
    await new Promise((resolve) => silent.once('listening', resolve));
    const { port } = silent.address() as { port: number };
    await expect(callAt(`http://127.0.0.1:${port}`, 50)).rejects.toMatchObject({
      code: 'graph-unavailable',
    });
    silent.closeAllConnections();
    await new Promise((resolve) => silent.close(resolve));
    await expect(callAt(`http://127.0.0.1:${port}`, 50)).rejects.toMatchObject({
      code: 'graph-unavailable',
    });
  });

  it('is sent again when its kept connection had been closed meanwhile', async () => {
    let requests = 0;
    const flaky = createServer((request, response) => {
      requests += 1;
      if (requests === 2)
        request.socket.resetAndDestroy(); // the reused one
      else response.end('{"Responses":{}}');
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => flaky.once('listening', resolve));
    const endpoint = `http://127.0.0.1:${(flaky.address() as { port: number }).port}`;
    await callAt(endpoint, 1_000);
    await callAt(endpoint, 1_000);
    expect(requests).toBe(3);
    flaky.closeAllConnections();
    flaky.close();
  });
});

function callAt(endpoint: string, timeoutMs: number) {
  const credentials = () => ({ accessKeyId: 'a', secretAccessKey: 'b' });
  const call = dynamoOverHttp({ endpoint, region: REGION, credentials, timeoutMs, now: Date.now });
  return call('BatchGetItem', { RequestItems: {} });
}
