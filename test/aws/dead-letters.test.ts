/** Over fauxqs, which speaks SQS's protocol; what it lacks (ListDeadLetterSourceQueues) over an answer as AWS documents it. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ReceiveMessageCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type DeadLetter,
  readDeadLetters,
  release,
  sendBack,
  sourceOf,
} from '../../aws/dead-letters';
import { CREDENTIALS, REGION } from '../../local/account';
import type { LocalQueue, LocalSqs } from '../../local/sqs';
import { openSqs } from '../support/sqs';

let sqs: LocalSqs;
let client: SQSClient;
let close: () => Promise<void>;
let run = 0;
beforeAll(async () => {
  ({ sqs, client, close } = await openSqs());
});
afterAll(() => close());

async function queues(): Promise<Required<LocalQueue>> {
  run += 1;
  const { url, deadLetterUrl = '' } = await sqs.createQueue({
    name: `queue-${run}`,
    visibilitySeconds: 30,
    deadLetter: { name: `queue-${run}-dead-letter`, maxReceives: 5 },
  });
  return { url, deadLetterUrl };
}

const job = { DataType: 'String', StringValue: 'job-1' };
const send = (QueueUrl: string, MessageBody: string, MessageAttributes = { job }) =>
  client.send(new SendMessageCommand({ QueueUrl, MessageBody, MessageAttributes }));

async function all(queueUrl: string): Promise<DeadLetter[]> {
  const letters: DeadLetter[] = [];
  for await (const letter of readDeadLetters(client, queueUrl)) letters.push(letter);
  return letters;
}

async function received(QueueUrl: string) {
  const { Messages = [] } = await client.send(
    new ReceiveMessageCommand({
      QueueUrl,
      MaxNumberOfMessages: 10,
      MessageAttributeNames: ['All'],
    }),
  );
  return Messages;
}

describe('what lies in a dead-letter queue', () => {
  it('is read, all of it, and lies there as before once it is released', async () => {
    const { deadLetterUrl } = await queues();
    const beganMs = Date.now();
    for (let i = 0; i < 25; i += 1) await send(deadLetterUrl, `{"tags":["t${i}"]}`);
    const letters = await all(deadLetterUrl);
    expect(letters.map(({ body }) => body).sort()).toEqual(
      Array.from({ length: 25 }, (_, i) => `{"tags":["t${i}"]}`).sort(),
    );
    expect(letters[0]).toMatchObject({ receives: 1, attributes: { job } });
    expect(letters[0]?.sentAtMs).toBeGreaterThanOrEqual(beganMs);
    expect(await all(deadLetterUrl)).toEqual([]); // hidden meanwhile
    await release(client, deadLetterUrl, letters);
    expect(await all(deadLetterUrl)).toHaveLength(25);
  });
});

describe('a message that is sent back', () => {
  it('is in its source with its attributes, and no longer in the dead-letter queue', async () => {
    const pair = await queues();
    await send(pair.deadLetterUrl, '{"tags":["a"]}');
    const [letter] = await all(pair.deadLetterUrl);
    await sendBack(client, letter as DeadLetter, pair);
    const [message] = await received(pair.url);
    expect(message).toMatchObject({
      Body: '{"tags":["a"]}',
      MessageAttributes: { job, requestedAtMs: { StringValue: String(letter?.sentAtMs) } },
    });
    await release(client, pair.deadLetterUrl, []);
    expect(await all(pair.deadLetterUrl)).toEqual([]);
  });

  it('goes on as the job that it was, though it gets another message id', async () => {
    const pair = await queues();
    await client.send(
      new SendMessageCommand({ QueueUrl: pair.deadLetterUrl, MessageBody: '{"tags":["a"]}' }),
    );
    const [letter] = await all(pair.deadLetterUrl);
    await sendBack(client, letter as DeadLetter, pair);
    const [message] = await received(pair.url);
    expect(message?.MessageAttributes?.job?.StringValue).toBe(letter?.messageId);
    expect(message?.MessageId).not.toBe(letter?.messageId);
  });

  it('of the warm queue gets no attributes', async () => {
    const pair = await queues();
    const body = JSON.stringify({ part: 'p', jobs: ['job-1'], epochMs: 1, urls: ['/a'] });
    await client.send(new SendMessageCommand({ QueueUrl: pair.deadLetterUrl, MessageBody: body }));
    const [letter] = await all(pair.deadLetterUrl);
    await sendBack(client, letter as DeadLetter, pair);
    const [message] = await received(pair.url);
    expect(message?.Body).toBe(body);
    expect(message?.MessageAttributes).toBeUndefined();
  });

  it('stays in the dead-letter queue when its source does not take it', async () => {
    const { deadLetterUrl } = await queues();
    await send(deadLetterUrl, '{"tags":["a"]}');
    const [letter] = await all(deadLetterUrl);
    const gone = { deadLetterUrl, url: `${sqs.endpoint}/000000000000/gone` };
    await expect(sendBack(client, letter as DeadLetter, gone)).rejects.toThrow();
    await release(client, deadLetterUrl, letter ? [letter] : []);
    expect(await all(deadLetterUrl)).toHaveLength(1);
  });
});

describe('the queue that a dead-letter queue belongs to', () => {
  it.each<[string, string[], string | RegExp]>([
    ['the one', ['https://sqs/1/a'], 'https://sqs/1/a'],
    ['none', [], /of 0 queues, not one/],
    ['two', ['https://sqs/1/a', 'https://sqs/1/b'], /of 2 queues, not one/],
  ])('is %s that SQS names', async (_, queueUrls, expected) => {
    const server = createServer((request, response) => {
      expect(request.headers['x-amz-target']).toBe('AmazonSQS.ListDeadLetterSourceQueues');
      response.setHeader('content-type', 'application/x-amz-json-1.0');
      response.end(JSON.stringify({ queueUrls }));
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const own = new SQSClient({ endpoint, region: REGION, credentials: CREDENTIALS });
    const found = sourceOf(own, `${endpoint}/1/dead`);
    if (typeof expected === 'string') expect(await found).toBe(expected);
    else await expect(found).rejects.toThrow(expected);
    own.destroy();
    server.close();
  });
});
