import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { DynamoCall } from '../../aws/dynamo';
import { dynamoOverSdk } from '../../aws/dynamo-sdk';
import { dynamoOverHttp } from '../../aws/dynamo-signed';
import { createTable, startDynamoDb } from '../../local/dynamodb';

export const REGION = 'us-east-1';
export const TABLE = 'graph';
const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };

/** A real DynamoDB API with the one table. */
export async function startTable() {
  const { endpoint, close } = await startDynamoDb({});
  await createTable(endpoint, TABLE);
  return { endpoint, close };
}

export function sdkCall(endpoint: string): DynamoCall {
  return dynamoOverSdk(new DynamoDBClient({ endpoint, region: REGION, credentials }));
}

export function signedCall(endpoint: string): DynamoCall {
  return dynamoOverHttp({
    endpoint,
    region: REGION,
    credentials: () => credentials,
    timeoutMs: 5_000,
    now: Date.now,
  });
}

/** Counts what goes over the wire. */
export function counted(call: DynamoCall): { call: DynamoCall; operations: string[] } {
  const operations: string[] = [];
  return {
    operations,
    call: (operation, input) => {
      operations.push(operation);
      return call(operation, input);
    },
  };
}
