/**
 * DynamoDB on one machine: dynalite, in memory, in a thread of its own (a query of 500 items holds its loop for
 * 50 ms, which no page should wait for).
 *
 * It has no transactions, streams or TTL (UnknownOperationException). The graph uses none of them: expiry is
 * compared at each read.
 * @module
 */
import type { Server } from 'node:http';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { CreateTableCommand, DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CREDENTIALS, REGION } from './account';
import { type Address, LOOPBACK, listenError, urlAt } from './listen';
import { startThread } from './thread';

export interface LocalDynamoDb {
  /** `http://127.0.0.1:41523` */
  readonly endpoint: string;
  /** Its tables are gone afterwards. */
  close(): Promise<void>;
}

/** @throws IsrError `port-taken` */
export async function startDynamoDb({
  port = 0,
  host = LOOPBACK,
}: Address = {}): Promise<LocalDynamoDb> {
  const dynalite = createRequire(__filename).resolve('dynalite');
  const thread = startThread(serve, { workerData: { dynalite, port, host } });
  try {
    const bound = await portOf(thread);
    return {
      endpoint: urlAt(bound, host),
      close: async () => {
        await thread.terminate();
      },
    };
  } catch (thrown) {
    await thread.terminate();
    throw listenError(thrown, { port, host });
  }
}

/** What the thread tells once. */
type Told = { readonly port: number } | { readonly code: string | undefined; message: string };

/** dynalite has no types; this is all that is used of it. */
type Dynalite = (options: {
  createTableMs: number;
  updateTableMs: number;
  deleteTableMs: number;
}) => Server;

/** Runs in the thread. */
function serve(): void {
  const threads: typeof import('node:worker_threads') = require('node:worker_threads');
  const { dynalite, port, host } = threads.workerData;
  const tell = (told: Told) => threads.parentPort?.postMessage(told);
  const database: Dynalite = require(dynalite);

  // dynalite throws into the void when a client leaves amid its request, and at bugs of its own:
  // that costs the request, not the table
  process.on('uncaughtException', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ECONNRESET') console.error('dynalite:', error);
  });
  const server = database({ createTableMs: 0, updateTableMs: 0, deleteTableMs: 0 });
  server.on('error', ({ code, message }: NodeJS.ErrnoException) => tell({ code, message }));
  server.listen(port, host, () => tell({ port: (server.address() as { port: number }).port }));
}

function portOf(thread: Worker): Promise<number> {
  return new Promise((resolve, reject) => {
    thread.once('error', reject);
    thread.once('message', (told: Told) => {
      if ('port' in told) resolve(told.port);
      else reject(Object.assign(new Error(told.message), { code: told.code }));
    });
  });
}

/** A table without data is there in milliseconds. */
const CREATE_DEADLINE_MS = 5_000;
const CREATE_POLL_MS = 5;

/**
 * Makes the one table as the construct does: keys `pk` and `sk`, on demand. When it resolves, the table is active.
 * @throws when the table exists, or does not become active in time
 */
export async function createTable(endpoint: string, tableName: string): Promise<void> {
  const client = new DynamoDBClient({ endpoint, region: REGION, credentials: CREDENTIALS });
  try {
    await client.send(
      new CreateTableCommand({
        TableName: tableName,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [
          { AttributeName: 'pk', AttributeType: 'S' },
          { AttributeName: 'sk', AttributeType: 'S' },
        ],
        KeySchema: [
          { AttributeName: 'pk', KeyType: 'HASH' },
          { AttributeName: 'sk', KeyType: 'RANGE' },
        ],
      }),
    );
    const lateAtMs = Date.now() + CREATE_DEADLINE_MS;
    while (!(await isActive(client, tableName))) {
      if (Date.now() > lateAtMs) throw new Error(`the table ${tableName} does not become active`);
      await sleep(CREATE_POLL_MS);
    }
  } finally {
    client.destroy();
  }
}

async function isActive(client: DynamoDBClient, tableName: string): Promise<boolean> {
  const { Table } = await client.send(new DescribeTableCommand({ TableName: tableName }));
  return Table?.TableStatus === 'ACTIVE';
}
