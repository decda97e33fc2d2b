import { afterAll, beforeAll, describe } from 'vitest';
import { dynamoLedger } from '../../aws/ledger';
import { ledgerContract } from '../contract/ledger';
import { sdkCall, startTable, TABLE } from '../support/graph';

let table: Awaited<ReturnType<typeof startTable>>;
beforeAll(async () => {
  table = await startTable();
});
afterAll(() => table.close());

describe('the ledger in DynamoDB', () => {
  ledgerContract(() => dynamoLedger(sdkCall(table.endpoint), TABLE));
});
