import { ReceiveMessageCommand, SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { SQSEvent } from 'aws-lambda';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { consume } from '../../aws/consume';
import { sqsRetries } from '../../aws/retries';
import { RECEIVES_MAX } from '../../core/config';
import { mapQueue } from '../../local/lambda/event-source';
import type { LocalSqs } from '../../local/sqs';
import { openSqs } from '../support/sqs';
import { until } from '../support/until';

/** Longer than any test: what comes back came by a retry. */
const VISIBILITY_SECONDS = 600;

let sqs: LocalSqs;
let client: SQSClient;
let close: () => Promise<void>;
let queues = 0;
beforeAll(async () => {
  ({ sqs, client, close } = await openSqs());
});
afterAll(() => close());

interface Given {
  readonly retries: (queueUrl: string) => ReturnType<typeof sqsRetries>;
  /** Fails at these messages, told how often each was tried before. */
  readonly fails: (body: string, triesBefore: number) => boolean;
}

/** A queue whose function consumes as the workers do. */
async function worker({ retries, fails }: Given) {
  queues += 1;
  const deadLetter = { name: `dead-${queues}`, maxReceives: RECEIVES_MAX };
  const options = { name: `queue-${queues}`, visibilitySeconds: VISIBILITY_SECONDS, deadLetter };
  const { url, deadLetterUrl = '' } = await sqs.createQueue(options);
  const tried: string[] = [];
  const error = vi.spyOn(console, 'error').mockImplementation(() => {});
  const later = retries(url);
  const invoke = (event: unknown) =>
    consume(event as SQSEvent, {
      parse: ({ body }) => body,
      work: async (bodies) => {
        const failing = bodies.filter((it) => fails(it, tried.filter((was) => was === it).length));
        tried.push(...bodies);
        if (failing.length > 0) throw new Error(`at ${failing}`);
      },
      doubted: async () => {},
      lost: async () => {},
      later,
    });
  const fn = { name: 'worker', invoke, close: async () => {} };
  const source = mapQueue({
    sqsEndpoint: sqs.endpoint,
    queueUrl: url,
    fn,
    batchSize: 1_000,
    batchWindowMs: 50,
  });
  onTestFinished(async () => {
    await source.close();
    error.mockRestore();
  });
  const send = (body: string) =>
    client.send(new SendMessageCommand({ QueueUrl: url, MessageBody: body }));
  return { tried, send, deadLetterUrl, said: () => error.mock.calls.flat().join('\n') };
}

const timesOf = (tried: readonly string[], body: string) =>
  tried.filter((it) => it === body).length;

describe('messages that a worker failed at', () => {
  it('come back long before their visibility timeout, however many they are', async () => {
    const { tried, send } = await worker({
      retries: (url) => sqsRetries(client, url, () => 1),
      fails: (_, before) => before === 0,
    });
    const bodies = Array.from({ length: 25 }, (_, i) => `m${i}`);
    await Promise.all(bodies.map(send));
    await until(() => bodies.every((it) => timesOf(tried, it) >= 2), 'all are tried again');
  });

  it('go to the dead-letter queue after so many tries, and are not lost', async () => {
    const { tried, send, deadLetterUrl } = await worker({
      retries: (url) => sqsRetries(client, url, () => 0),
      fails: () => true,
    });
    await send('doomed');
    const dead = new ReceiveMessageCommand({ QueueUrl: deadLetterUrl });
    await until(async () => {
      const { Messages = [] } = await client.send(dead);
      return Messages.some(({ Body }) => Body === 'doomed');
    }, 'it is a dead letter');
    expect(timesOf(tried, 'doomed')).toBe(RECEIVES_MAX);
  });

  it('stay in their queue when SQS does not hear of it, and the log says so', async () => {
    const { tried, send, said } = await worker({
      retries: () => sqsRetries(client, `${sqs.endpoint}/000000000000/no-such-queue`, () => 0),
      fails: (body) => body === 'bad',
    });
    await send('bad');
    await until(() => said().includes('SQS did not change when they come back'), 'it is said');
    await send('good');
    await until(() => tried.includes('good'), 'the next one is worked at');
    expect(timesOf(tried, 'bad')).toBe(1);
  });

  it('are told as failed, though the telling of SQS threw', async () => {
    const error = vi.spyOn(console, 'error').mockImplementation(() => {});
    const record = { messageId: 'm', body: 'b', attributes: { ApproximateReceiveCount: '1' } };
    const answer = await consume({ Records: [record] } as unknown as SQSEvent, {
      parse: ({ body }) => body,
      work: () => Promise.reject(new Error('no')),
      doubted: async () => {},
      lost: async () => {},
      later: () => Promise.reject(new Error('no SQS')),
    });
    error.mockRestore();
    expect(answer.batchItemFailures).toEqual([{ itemIdentifier: 'm' }]);
  });
});
