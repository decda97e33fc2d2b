import { afterAll, beforeAll, describe } from 'vitest';
import { dynamoPaces } from '../../aws/paces';
import { pacesContract } from '../contract/paces';
import { sdkCall, startTable, TABLE } from '../support/graph';

let table: Awaited<ReturnType<typeof startTable>>;
beforeAll(async () => {
  table = await startTable();
});
afterAll(() => table.close());

describe('paces in DynamoDB', () => {
  pacesContract(() => dynamoPaces(sdkCall(table.endpoint), TABLE, { now: Date.now }));
});
