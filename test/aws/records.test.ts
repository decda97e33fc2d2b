import type { BatchGetItemCommandInput } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DynamoCall } from '../../aws/dynamo';
import { dynamoGraph } from '../../aws/graph';
import { dynamoRecords } from '../../aws/records';
import { inSite } from '../../aws/site-keys';
import { encodeUrl } from '../../core/urls';
import { recorded } from '../contract/graph';
import { recordsContract } from '../contract/records';
import { sdkCall, startTable, TABLE } from '../support/graph';

let table: Awaited<ReturnType<typeof startTable>>;
beforeAll(async () => {
  table = await startTable();
});
afterAll(() => table.close());

describe('records in DynamoDB', () => {
  recordsContract(() => {
    const call = sdkCall(table.endpoint);
    return { graph: dynamoGraph(call, TABLE), records: dynamoRecords(call, TABLE) };
  });
});

describe('records of a site that shares the table', () => {
  recordsContract(() => {
    const call = inSite(sdkCall(table.endpoint), 'shop');
    return { graph: dynamoGraph(call, TABLE), records: dynamoRecords(call, TABLE) };
  });
});

describe('records that DynamoDB did not process at first', () => {
  it('are asked for again: unknown is not "none"', async () => {
    const call = sdkCall(table.endpoint);
    const url = encodeUrl('/unprocessed');
    const record = recorded({ untilSeconds: 2_000_000_000 });
    await dynamoGraph(call, TABLE).putUrl(url, record);
    let refusals = 2;
    const partial: DynamoCall = async (operation, input) => {
      if (operation !== 'BatchGetItem' || refusals === 0) return call(operation, input);
      refusals -= 1;
      const { RequestItems } = input as BatchGetItemCommandInput;
      return { Responses: {}, UnprocessedKeys: RequestItems };
    };
    expect((await dynamoRecords(partial, TABLE).of([url])).has(url)).toBe(true);
    refusals = Number.POSITIVE_INFINITY;
    await expect(dynamoRecords(partial, TABLE).of([url])).rejects.toThrow('did not answer');
  });
});
