import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DynamoCall } from '../../aws/dynamo';
import { dynamoLedger } from '../../aws/ledger';
import { inSite } from '../../aws/site-keys';
import { ledgerContract } from '../contract/ledger';
import { sdkCall, startTable, TABLE } from '../support/graph';

let table: Awaited<ReturnType<typeof startTable>>;
beforeAll(async () => {
  table = await startTable();
});
afterAll(() => table.close());

describe('the ledger in DynamoDB', () => {
  ledgerContract((clock) => dynamoLedger(sdkCall(table.endpoint), TABLE, clock));

  it('counts once what a worker has added that died before it wrote the row, however late it is told again', async () => {
    const call = sdkCall(table.endpoint);
    let nowMs = Date.UTC(2031, 5, 15);
    const ledger = dynamoLedger(call, TABLE, { now: () => nowMs });
    const epochMs = nowMs;
    let isDead = false;
    const dying: DynamoCall = async (operation, input) => {
      if (isDead) throw new Error('dead');
      const output = await call(operation, input);
      isDead = operation === 'UpdateItem';
      return output;
    };
    nowMs += 1_200_000; // it comes to the ledger in a later try, long after its epoch
    const doomed = dynamoLedger(dying, TABLE, { now: () => nowMs });
    await expect(doomed.charge('early', 2, epochMs)).rejects.toThrow('dead');
    for (let i = 0; i < 4; i += 1) {
      await ledger.charge(`other${i}`, 1, nowMs);
      nowMs += 1_200_000;
    }
    await ledger.charge('early', 2, epochMs);
    expect(await ledger.used(epochMs)).toBe(6);
  });
});

describe('the ledger of a site that shares the table', () => {
  ledgerContract((clock) => dynamoLedger(inSite(sdkCall(table.endpoint), 'shop'), TABLE, clock));
});
