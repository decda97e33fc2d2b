/**
 * All that runs happen on: dynalite, fauxqs, CloudFront's control API, and the built bundles in containers that can be
 * killed. Opened once; between runs everything is as it was.
 * @module
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type AttributeValue,
  BatchWriteItemCommand,
  DynamoDBClient,
  ScanCommand,
} from '@aws-sdk/client-dynamodb';
import { DeleteMessageBatchCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { dynamoOverSdk } from '../../aws/dynamo-sdk';
import { dynamoGraph } from '../../aws/graph';
import { dynamoLedger } from '../../aws/ledger';
import { ENV } from '../../core/config';
import type { Job } from '../../core/jobs';
import { parseTag } from '../../core/tags';
import { parseUrl } from '../../core/urls';
import { CREDENTIALS, REGION } from '../../local/account';
import { createTable, startDynamoDb } from '../../local/dynamodb';
import { type Container, startContainer } from '../../local/lambda/container';
import { startSqs } from '../../local/sqs';
import { built } from '../support/bundles';
import { createClock, type SkippingClock, skippingBundle } from './clock';
import { DISTRIBUTION_ID, openCloudFront, PAGES, type RunCloudFront } from './cloudfront';
import { type Door, openDoor, type Trouble } from './door';
import type { Sent } from './queue';

const TABLE = 'faults';
/** Really: a worker that takes longer hangs. */
const TIMEOUT_MS = 60_000;
/** BatchWriteItem (DDB, Constraints). */
const WRITES_MAX = 25;
const YEAR_SECONDS = 31_536_000;

export type Role = 'invalidator' | 'warmer';

/** One container of a function, and its door. */
export interface Worker {
  /** Hands it a batch. @throws what it died of */
  run(event: unknown, trouble: Omit<Trouble, 'kill'>): Promise<unknown>;
  /** Resolves when all that it has asked for is done. */
  settled(): Promise<void>;
}

export interface Stage {
  readonly clock: SkippingClock;
  readonly cloudFront: RunCloudFront;
  /** What the ledger counts for a run that began then. */
  used(beganMs: number): Promise<number>;
  /** A worker that is not at work. */
  take(role: Role): Promise<Worker>;
  /** As `GET /jobs/{id}` answers, by the real function; undefined for a 404. */
  readJob(id: string): Promise<Job | undefined>;
  /** What has come into the warm queue since. */
  receiveWarms(): Promise<readonly Sent[]>;
  /** Everything as it was before the first run. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

export async function openStage(): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'isr-faults-'));
  const clock = createClock();
  const [dynamoDb, sqs, cloudFront] = await Promise.all([
    startDynamoDb(),
    startSqs(),
    openCloudFront(clock.now),
  ]);
  const local = { region: REGION, credentials: CREDENTIALS };
  const dynamo = new DynamoDBClient({ ...local, endpoint: dynamoDb.endpoint });
  const queue = new SQSClient({ ...local, endpoint: sqs.endpoint });
  await createTable(dynamoDb.endpoint, TABLE);
  const warmQueue = await sqs.createQueue({ name: 'warm', visibilitySeconds: 30 });
  const recorded = await recordPages(dynamo);

  const bundleOf = (name: string) =>
    skippingBundle(built(`lambda/${name}/index.js`), clock, folder);
  const bundles = {
    invalidator: bundleOf('invalidator'),
    warmer: bundleOf('warmer'),
    jobs: bundleOf('jobs'),
  };
  const upstream = {
    dynamodb: dynamoDb.endpoint,
    sqs: sqs.endpoint,
    cloudfront: cloudFront.url,
    site: cloudFront.url,
  };
  const idle: Record<Role, Standing[]> = { invalidator: [], warmer: [] };
  const all = new Set<Standing>();

  async function start(role: Role): Promise<Standing> {
    const door = await openDoor({ upstream, skip: clock.skip });
    const container = startContainer({
      name: role,
      bundle: bundles[role],
      timeoutMs: TIMEOUT_MS,
      onLog: () => {},
      env: {
        AWS_MAX_ATTEMPTS: '1', // a fault shall reach our code
        AWS_ENDPOINT_URL_DYNAMODB: door.url,
        AWS_ENDPOINT_URL_SQS: door.url,
        AWS_ENDPOINT_URL_CLOUDFRONT: door.url,
        [ENV.table]: TABLE,
        [ENV.distributionId]: DISTRIBUTION_ID,
        [ENV.queueUrl]: warmQueue.url.replace(sqs.endpoint, door.url), // it knows none of their receipts: nothing comes of it
        [ENV.warmQueueUrl]: warmQueue.url.replace(sqs.endpoint, door.url),
        [ENV.edgeUrl]: door.url,
        [ENV.edgeIsLocal]: '1',
      },
    });
    const standing = { role, door, container };
    all.add(standing);
    return standing;
  }

  async function receiveWarms(): Promise<Sent[]> {
    const received: Sent[] = [];
    for (;;) {
      const { Messages = [] } = await queue.send(
        new ReceiveMessageCommand({ QueueUrl: warmQueue.url, MaxNumberOfMessages: 10 }),
      );
      if (Messages.length === 0) return received;
      for (const { MessageId: id = '', Body: body = '' } of Messages) {
        received.push({ id, body, sentAtMs: clock.now() });
      }
      const Entries = Messages.map(({ ReceiptHandle }, at) => ({ Id: `${at}`, ReceiptHandle }));
      await queue.send(new DeleteMessageBatchCommand({ QueueUrl: warmQueue.url, Entries }));
    }
  }

  const jobs = startContainer({
    name: 'jobs',
    bundle: bundles.jobs,
    timeoutMs: TIMEOUT_MS,
    onLog: () => {},
    env: {
      AWS_ENDPOINT_URL_DYNAMODB: dynamoDb.endpoint,
      AWS_ENDPOINT_URL_CLOUDFRONT: cloudFront.url,
      [ENV.table]: TABLE,
      [ENV.distributionId]: DISTRIBUTION_ID,
    },
  });

  return {
    clock,
    cloudFront,
    async used(beganMs) {
      const ledger = dynamoLedger(dynamoOverSdk(dynamo), TABLE, Date);
      const monthOf = (atMs: number) => new Date(atMs).getUTCMonth();
      const nowMs = clock.now();
      const used = await ledger.used(nowMs);
      return monthOf(beganMs) === monthOf(nowMs) ? used : used + (await ledger.used(beganMs));
    },

    async take(role) {
      const standing = idle[role].pop() ?? (await start(role));
      const { door, container } = standing;
      return {
        async run(event, trouble) {
          const kill = () => void container.close();
          door.begin({ ...trouble, kill });
          try {
            return await container.run(event);
          } finally {
            if (container.isAlive()) idle[role].push(standing);
            else {
              door.close();
              all.delete(standing);
            }
          }
        },
        settled: door.settled,
      };
    },

    async readJob(id) {
      const answer = await jobs.run({ pathParameters: { id } });
      const { statusCode, body } = answer as { statusCode: number; body: string };
      if (statusCode === 404) return undefined;
      if (statusCode !== 200) throw new Error(`GET /jobs/${id} answered ${statusCode}: ${body}`);
      return JSON.parse(body);
    },

    receiveWarms,

    async reset() {
      const items = await scan(dynamo);
      const names = new Set(recorded.map(nameOf));
      const strays = items.filter((item) => !names.has(nameOf(item)));
      const writes = [
        ...strays.map(({ pk, sk }) => ({ DeleteRequest: { Key: { pk, sk } as Item } })),
        ...recorded.map((Item) => ({ PutRequest: { Item } })),
      ];
      for (let at = 0; at < writes.length; at += WRITES_MAX) {
        const RequestItems = { [TABLE]: writes.slice(at, at + WRITES_MAX) };
        await dynamo.send(new BatchWriteItemCommand({ RequestItems }));
      }
      await receiveWarms();
    },

    async close() {
      for (const { door } of all) door.close();
      await Promise.all([jobs, ...[...all].map((it) => it.container)].map((it) => it.close()));
      dynamo.destroy();
      queue.destroy();
      await Promise.all([dynamoDb.close(), sqs.close(), cloudFront.close()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

interface Standing {
  readonly role: Role;
  readonly door: Door;
  readonly container: Container;
}

type Item = Record<string, AttributeValue>;

const nameOf = ({ pk, sk }: Item) => `${pk?.S} ${sk?.S}`;

async function scan(dynamo: DynamoDBClient): Promise<Item[]> {
  const { Items = [], LastEvaluatedKey } = await dynamo.send(
    new ScanCommand({ TableName: TABLE, ConsistentRead: true }),
  );
  if (LastEvaluatedKey) throw new Error('a run has left more than a page of items');
  return Items;
}

/** Writes what the recorder would know of the pages. @returns its items */
async function recordPages(dynamo: DynamoDBClient): Promise<readonly Item[]> {
  const graph = dynamoGraph(dynamoOverSdk(dynamo), TABLE);
  const recordedAtMs = Date.now();
  const untilSeconds = Math.floor(recordedAtMs / 1_000) + YEAR_SECONDS;
  for (const page of PAGES) {
    const url = parseUrl(page.url);
    const tags = page.tags.map((tag) => parseTag(tag));
    const edges = tags.map((tag) => ({ tag, shards: 1, byPath: false }));
    await graph.putEdges(url, edges, untilSeconds);
    await graph.putUrl(url, {
      tags,
      status: 200,
      recordedAtMs,
      untilSeconds,
      marks: {},
      variants: {},
      heat: 1,
    });
  }
  return scan(dynamo);
}
