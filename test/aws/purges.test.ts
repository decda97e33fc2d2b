import { afterAll, beforeAll, describe } from 'vitest';
import { dynamoPurges } from '../../aws/purges';
import { inSite } from '../../aws/site-keys';
import { purgesContract } from '../contract/purges';
import { sdkCall, startTable, TABLE } from '../support/graph';

let table: Awaited<ReturnType<typeof startTable>>;
beforeAll(async () => {
  table = await startTable();
});
afterAll(() => table.close());

describe('purges in DynamoDB', () => {
  purgesContract(() => dynamoPurges(sdkCall(table.endpoint), TABLE, { now: Date.now }));
});

describe('purges of a site that shares the table', () => {
  purgesContract(() =>
    dynamoPurges(inSite(sdkCall(table.endpoint), 'shop'), TABLE, { now: Date.now }),
  );
});
