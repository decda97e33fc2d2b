import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dynamoPurges } from '../../aws/purges';
import { inSite } from '../../aws/site-keys';
import { purgesContract } from '../contract/purges';
import { counted, sdkCall, startTable, TABLE } from '../support/graph';

let table: Awaited<ReturnType<typeof startTable>>;
beforeAll(async () => {
  table = await startTable();
});
afterAll(() => table.close());

describe('purges in DynamoDB', () => {
  purgesContract(() => dynamoPurges(sdkCall(table.endpoint), TABLE, { now: Date.now }));

  it('write nothing of who comes too late', async () => {
    const { call, operations } = counted(sdkCall(table.endpoint));
    const purges = dynamoPurges(call, TABLE, { now: Date.now });
    await purges.open('late', { id: 'a', atMs: 1, asked: [] });
    await purges.close('late', 2, 1);
    operations.length = 0;
    for (const purge of ['late', 'forgotten']) {
      expect(await purges.join(purge, { id: 'b', atMs: 3, asked: [] })).toBe(false);
    }
    expect(operations).toEqual(['GetItem', 'GetItem']);
  });
});

describe('purges of a site that shares the table', () => {
  purgesContract(() =>
    dynamoPurges(inSite(sdkCall(table.endpoint), 'shop'), TABLE, { now: Date.now }),
  );
});
