import { afterAll, beforeAll, describe } from 'vitest';
import { dynamoPaces } from '../../aws/paces';
import { inSite } from '../../aws/site-keys';
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

describe('paces of a site that shares the table', () => {
  pacesContract(() =>
    dynamoPaces(inSite(sdkCall(table.endpoint), 'shop'), TABLE, { now: Date.now }),
  );
});
