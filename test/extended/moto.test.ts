/**
 * The adapters against a third party's AWS: moto's server.
 * dynalite and our own CloudFront might share our misunderstandings; moto's authors read the documentation for themselves.
 */
import { CloudFrontClient, GetInvalidationCommand } from '@aws-sdk/client-cloudfront';
import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dynamoGraph } from '../../aws/graph';
import { dynamoJobs } from '../../aws/jobs';
import { dynamoLedger } from '../../aws/ledger';
import { dynamoPaces } from '../../aws/paces';
import { cloudFrontPurger } from '../../aws/purger';
import { dynamoPurges } from '../../aws/purges';
import { parseWarmMessage, sqsWarmQueue } from '../../aws/queue';
import { dynamoRecords } from '../../aws/records';
import { readSecretVersions } from '../../aws/secrets';
import { encodeUrl } from '../../core/urls';
import { createTable } from '../../local/dynamodb';
import { graphContract } from '../contract/graph';
import { jobsContract } from '../contract/jobs';
import { ledgerContract } from '../contract/ledger';
import { pacesContract } from '../contract/paces';
import { purgesContract } from '../contract/purges';
import { recordsContract } from '../contract/records';
import { REGION, sdkCall, signedCall, TABLE } from '../support/graph';
import { until } from '../support/until';
import { createDistribution, type Moto, startMoto } from './moto-server';

let moto: Moto;
let endpoint: string;
const account = { region: REGION, credentials: { accessKeyId: 'local', secretAccessKey: 'local' } };

beforeAll(async () => {
  moto = await startMoto();
  endpoint = moto.endpoint;
  await createTable(endpoint, TABLE);
});
afterAll(() => moto?.stop());

describe("the graph in moto's DynamoDB over the AWS SDK", () => {
  graphContract(() => dynamoGraph(sdkCall(endpoint), TABLE));
});

describe("the graph in moto's DynamoDB over signed requests", () => {
  graphContract(() => dynamoGraph(signedCall(endpoint), TABLE));
});

describe("jobs in moto's DynamoDB", () => {
  jobsContract(() => dynamoJobs(sdkCall(endpoint), TABLE, { now: Date.now }));
});

describe("purges in moto's DynamoDB", () => {
  purgesContract(() => dynamoPurges(sdkCall(endpoint), TABLE, { now: Date.now }));
});

describe("the ledger in moto's DynamoDB", () => {
  ledgerContract((clock) => dynamoLedger(sdkCall(endpoint), TABLE, clock));
});

describe("paces in moto's DynamoDB", () => {
  pacesContract(() => dynamoPaces(sdkCall(endpoint), TABLE, { now: Date.now }));
});

describe("records in moto's DynamoDB", () => {
  recordsContract(() => ({
    graph: dynamoGraph(sdkCall(endpoint), TABLE),
    records: dynamoRecords(sdkCall(endpoint), TABLE),
  }));
});

describe("a bearer token in moto's Secrets Manager", () => {
  async function ask(operation: string, input: object): Promise<{ ARN: string }> {
    const authorization = `AWS4-HMAC-SHA256 Credential=local/20260101/${REGION}/secretsmanager/aws4_request`;
    const answer = await fetch(endpoint, {
      method: 'POST',
      headers: { authorization, 'x-amz-target': `secretsmanager.${operation}` },
      body: JSON.stringify(input),
    });
    return JSON.parse(await answer.text());
  }
  const read = (secretArn: string) =>
    readSecretVersions({
      secretArn,
      endpoint,
      credentials: () => account.credentials,
      timeoutMs: 3_000,
      now: Date.now,
    });

  it('has one version at first, two after a rotation, and is not found under another name', async () => {
    const Name = 'isr-token';
    const { ARN } = await ask('CreateSecret', { Name, SecretString: 'old-token-0123456789' });
    expect(await read(ARN)).toMatchObject({ current: 'old-token-0123456789', previous: undefined });
    await ask('PutSecretValue', { SecretId: ARN, SecretString: 'new-token-0123456789' });
    const { current, previous, createdAtMs } = await read(ARN);
    expect([current, previous]).toEqual(['new-token-0123456789', 'old-token-0123456789']);
    expect(Math.abs(createdAtMs - Date.now())).toBeLessThan(60_000);
    await expect(read(`${ARN}x`)).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });
});

describe("the warm queue in moto's SQS", () => {
  it('carries every message as it was', async () => {
    const client = new SQSClient({ endpoint, ...account });
    const { QueueUrl = '' } = await client.send(new CreateQueueCommand({ QueueName: 'warm' }));
    const messages = Array.from({ length: 12 }, (_, i) => ({
      part: `p${i}`,
      jobs: ['j'],
      epochMs: i,
      urls: [encodeUrl(`/${i}`)],
    }));
    await sqsWarmQueue(client, QueueUrl).send(messages);
    const seen = new Map<string, unknown>();
    await until(async () => {
      const receive = new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 });
      for (const { Body = '' } of (await client.send(receive)).Messages ?? []) {
        const message = parseWarmMessage(Body);
        seen.set(message.part, message);
      }
      return seen.size === messages.length;
    }, 'all messages are received');
    expect([...seen.values()]).toEqual(expect.arrayContaining(messages));
    client.destroy();
  });
});

describe("a purge in moto's CloudFront", () => {
  it('is an invalidation of those items', async () => {
    const client = new CloudFrontClient({ endpoint, ...account });
    const DistributionId = await createDistribution(client);
    const purged = await cloudFrontPurger(client, DistributionId).purge(
      ['#post:42', '/a?b=1'],
      'ref-1',
    );
    if (purged.kind !== 'accepted') throw new Error(purged.why);
    const { Invalidation } = await client.send(
      new GetInvalidationCommand({ DistributionId, Id: purged.invalidation }),
    );
    expect(Invalidation?.InvalidationBatch).toEqual({
      CallerReference: 'ref-1',
      Paths: { Quantity: 2, Items: ['#post:42', '/a?b=1'] },
    });
    client.destroy();
  });

  it('of a distribution that is not there is an error that names it', async () => {
    const client = new CloudFrontClient({ endpoint, ...account, maxAttempts: 1 });
    await expect(cloudFrontPurger(client, 'ENOTTHERE').purge(['/a'], 'r')).rejects.toMatchObject({
      code: 'purge-failed',
      message: expect.stringContaining('ENOTTHERE'),
    });
    client.destroy();
  });
});
