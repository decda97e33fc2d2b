import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dynamoOverSdk } from '../../aws/dynamo-sdk';
import { REGION, sdkCall, startTable } from '../support/graph';

let table: Awaited<ReturnType<typeof startTable>>;
beforeAll(async () => {
  table = await startTable();
});
afterAll(() => table.close());

const input = { TableName: 'elsewhere', Key: { pk: { S: 'a' }, sk: { S: '#' } } };

describe("what DynamoDB refuses, through the workers' transport", () => {
  it("keeps DynamoDB's own name, and says who refused what", async () => {
    await expect(sdkCall(table.endpoint)('GetItem', input)).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      message: expect.stringMatching(/^DynamoDB, GetItem: \w+/),
      cause: { name: 'ResourceNotFoundException' },
    });
  });

  it('says so of a connection, too', async () => {
    const endpoint = 'http://127.0.0.1:1';
    const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
    const call = dynamoOverSdk(
      new DynamoDBClient({ endpoint, region: REGION, credentials, maxAttempts: 1 }),
    );
    await expect(call('GetItem', input)).rejects.toThrow(/^DynamoDB, GetItem: .*ECONNREFUSED/);
  });
});
