import { createServer } from 'node:http';
import {
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListQueuesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CREDENTIALS, REGION } from '../../local/account';
import { listen } from '../../local/listen';
import { type LocalSqs, startSqs } from '../../local/sqs';
import { openSqs } from '../support/sqs';
import { until } from '../support/until';

let sqs: LocalSqs;
let client: SQSClient;
let close: () => Promise<void>;

beforeAll(async () => {
  ({ sqs, client, close } = await openSqs());
});

afterAll(() => close());

describe('a local queue', () => {
  it('has a url that can be called as it is, without any endpoint', async () => {
    const { url } = await sqs.createQueue({ name: 'callable', visibilitySeconds: 30 });
    expect(new URL(url).origin).toBe(sqs.endpoint);
    // the SDK takes the queue's url for the endpoint when it was given none
    const plain = new SQSClient({
      region: REGION,
      credentials: CREDENTIALS,
      logger: { debug() {}, info() {}, warn() {}, error() {} },
    });
    await plain.send(new SendMessageCommand({ QueueUrl: url, MessageBody: 'one' }));
    plain.destroy();
    expect(await receive(url)).toEqual(['one']);
  });

  it('is found again by its name, under the same url', async () => {
    const { url } = await sqs.createQueue({ name: 'named', visibilitySeconds: 30 });
    const { QueueUrl } = await client.send(new GetQueueUrlCommand({ QueueName: 'named' }));
    const { QueueUrls } = await client.send(new ListQueuesCommand({ QueueNamePrefix: 'named' }));
    expect({ QueueUrl, QueueUrls }).toEqual({ QueueUrl: url, QueueUrls: [url] });
  });

  it('refuses a message beyond its size, attributes counted, and takes one at it', async () => {
    const { url } = await sqs.createQueue({
      name: 'small',
      visibilitySeconds: 30,
      maximumMessageSize: 1_024,
    });
    const send = (length: number) =>
      client.send(
        new SendMessageCommand({
          QueueUrl: url,
          MessageBody: 'x'.repeat(length),
          MessageAttributes: { job: { DataType: 'String', StringValue: '12345' } }, // 3 + 6 + 5 bytes
        }),
      );
    await expect(send(1_011)).rejects.toThrow(/1024 bytes/);
    await send(1_010);
    expect(await receive(url)).toEqual(['x'.repeat(1_010)]);
  });

  it('hides what it has handed out for its visibility timeout', async () => {
    const { url } = await sqs.createQueue({ name: 'hiding', visibilitySeconds: 1 });
    await client.send(new SendMessageCommand({ QueueUrl: url, MessageBody: 'again' }));
    expect(await receive(url)).toEqual(['again']);
    expect(await receive(url)).toEqual([]);
    expect(await until(async () => (await receive(url))[0], 'it is there again')).toBe('again');
  });

  it('moves what was handed out too often to its dead-letter queue', async () => {
    const { url, deadLetterUrl = '' } = await sqs.createQueue({
      name: 'poisoned',
      visibilitySeconds: 0,
      deadLetter: { name: 'poisoned-dead', maxReceives: 2 },
    });
    await client.send(new SendMessageCommand({ QueueUrl: url, MessageBody: 'poison' }));
    expect(await receive(url)).toEqual(['poison']);
    expect(await receive(url)).toEqual(['poison']);
    expect(await receive(url)).toEqual([]);
    expect(await receive(deadLetterUrl)).toEqual(['poison']);
    const { Attributes } = await client.send(
      new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['RedrivePolicy'] }),
    );
    expect(JSON.parse(Attributes?.RedrivePolicy ?? '')).toEqual({
      deadLetterTargetArn: `arn:aws:sqs:${REGION}:000000000000:poisoned-dead`,
      maxReceiveCount: 2,
    });
  });
});

describe('starting SQS', () => {
  it('says that its port is taken', async () => {
    const other = createServer();
    const port = await listen(other, {});
    try {
      await expect(startSqs({ port })).rejects.toMatchObject({ code: 'port-taken', field: 'port' });
    } finally {
      other.close();
    }
  });

  it('ends a long poll that is open when it closes', async () => {
    const closing = await startSqs();
    const { url } = await closing.createQueue({ name: 'polled', visibilitySeconds: 30 });
    const poller = new SQSClient({
      endpoint: closing.endpoint,
      region: REGION,
      credentials: CREDENTIALS,
      maxAttempts: 1,
    });
    const polled = poller
      .send(new ReceiveMessageCommand({ QueueUrl: url, WaitTimeSeconds: 20 }))
      .catch(() => undefined);
    await poller.send(new ListQueuesCommand({})); // it went out after the poll, so the poll is there too
    await closing.close();
    await polled;
    poller.destroy();
  }, 10_000);
});

async function receive(url: string): Promise<(string | undefined)[]> {
  const { Messages = [] } = await client.send(new ReceiveMessageCommand({ QueueUrl: url }));
  return Messages.map(({ Body }) => Body);
}
