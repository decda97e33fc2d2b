import { createServer } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DynamoCall } from '../../aws/dynamo';
import { dynamoOverHttp } from '../../aws/dynamo-signed';
import { dynamoGraph } from '../../aws/graph';
import { parseTag } from '../../core/tags';
import { encodeUrl } from '../../core/urls';
import { graphContract } from '../contract/graph';
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
