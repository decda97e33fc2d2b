import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import {
  DescribeTableCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CREDENTIALS, REGION } from '../../local/account';
import { createTable, type LocalDynamoDb, startDynamoDb } from '../../local/dynamodb';
import { LOOPBACK, listen } from '../../local/listen';

let dynamoDb: LocalDynamoDb;
let client: DynamoDBClient;

beforeAll(async () => {
  dynamoDb = await startDynamoDb();
  client = new DynamoDBClient({
    endpoint: dynamoDb.endpoint,
    region: REGION,
    credentials: CREDENTIALS,
  });
});

afterAll(async () => {
  client.destroy();
  await dynamoDb.close();
});

describe('the local table', () => {
  it('has the keys and the billing of the construct, and is active once it is made', async () => {
    await createTable(dynamoDb.endpoint, 'made');
    const { Table } = await client.send(new DescribeTableCommand({ TableName: 'made' }));
    expect(Table).toMatchObject({
      TableStatus: 'ACTIVE',
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
      AttributeDefinitions: [
        { AttributeName: 'pk', AttributeType: 'S' },
        { AttributeName: 'sk', AttributeType: 'S' },
      ],
      BillingModeSummary: { BillingMode: 'PAY_PER_REQUEST' },
    });
  });

  it('is not made twice', async () => {
    await createTable(dynamoDb.endpoint, 'once');
    await expect(createTable(dynamoDb.endpoint, 'once')).rejects.toThrow(
      expect.objectContaining({ name: 'ResourceInUseException' }),
    );
  });

  it('keeps its items when a client leaves amid its request', async () => {
    await createTable(dynamoDb.endpoint, 'kept');
    const Key = { pk: { S: 'tag#post:42' }, sk: { S: '#' } };
    await client.send(
      new PutItemCommand({ TableName: 'kept', Item: { ...Key, epoch: { N: '1' } } }),
    );

    await leaveAmidRequest(dynamoDb.endpoint);

    const { Item } = await client.send(
      new GetItemCommand({ TableName: 'kept', Key, ConsistentRead: true }),
    );
    expect(Item?.epoch).toEqual({ N: '1' });
  });
});

describe('starting DynamoDB', () => {
  it('says that its port is taken', async () => {
    const other = createServer();
    const port = await listen(other, {});
    try {
      await expect(startDynamoDb({ port })).rejects.toMatchObject({
        code: 'port-taken',
        message: `port ${port} of 127.0.0.1 is taken: stop what listens there, or choose another port`,
      });
    } finally {
      other.close();
    }
  });

  it('takes the port that it was given, on the loopback, and frees it on close', async () => {
    const free = createServer();
    const port = await listen(free, {});
    await new Promise((resolve) => free.close(resolve));
    const started = await startDynamoDb({ port });
    expect(started.endpoint).toBe(`http://127.0.0.1:${port}`);
    await started.close();

    const next = createServer();
    expect(await listen(next, { port })).toBe(port);
    expect((next.address() as AddressInfo).address).toBe(LOOPBACK);
    next.close();
  });
});

/** Announces a body, sends the half of it, and is gone. */
async function leaveAmidRequest(endpoint: string): Promise<void> {
  const { port } = new URL(endpoint);
  const socket = connect(Number(port), LOOPBACK);
  await new Promise((resolve) => socket.once('connect', resolve));
  socket.write(
    'POST / HTTP/1.1\r\nHost: dynamodb\r\nExpect: 100-continue\r\nContent-Type: application/x-amz-json-1.0\r\n' +
      'X-Amz-Target: DynamoDB_20120810.ListTables\r\nContent-Length: 100\r\n\r\n',
  );
  await new Promise((resolve) => socket.once('data', resolve)); // it waits for the body now
  socket.write('{"Limit"');
  await new Promise((resolve) => socket.end().destroy().once('close', resolve));
}
