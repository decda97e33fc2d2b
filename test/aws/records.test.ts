import { afterAll, beforeAll, describe } from 'vitest';
import { dynamoGraph } from '../../aws/graph';
import { dynamoRecords } from '../../aws/records';
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
