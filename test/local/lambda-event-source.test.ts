import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import {
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CREDENTIALS, REGION } from '../../local/account';
import { type EventSource, mapQueue, type QueueMapping } from '../../local/lambda/event-source';
import { type LocalFunction, loadFunction } from '../../local/lambda/host';
import { listen } from '../../local/listen';
import { type LocalQueue, type LocalSqs, type QueueOptions, startSqs } from '../../local/sqs';
import { until } from '../support/until';
import { bundleFolder } from './lambda-support';

/**
 * Logs each event, then answers what its first message says: `{"answer":…}`; fails what says `{"fail":true}`;
 * throws, or waits, when told so.
 */
const HANDLER = `
  export const handler = async (event) => {
    console.log(JSON.stringify(event));
    const bodies = event.Records.map((record) => JSON.parse(record.body));
    if (bodies.some((body) => body.throw)) throw new Error('told to throw');
    const waitMs = Math.max(0, ...bodies.map((body) => body.waitMs ?? 0));
    if (waitMs) await new Promise((resolve) => setTimeout(resolve, waitMs));
    const told = bodies.find((body) => 'answer' in body);
    if (told) return told.answer;
    return {
      batchItemFailures: event.Records
        .filter((record) => JSON.parse(record.body).fail)
        .map(({ messageId }) => ({ itemIdentifier: messageId })),
    };
  };
`;

interface Event {
  readonly Records: readonly (Record<string, unknown> & { body: string; messageId: string })[];
}

let sqs: LocalSqs;
let client: SQSClient;
let bundles: Awaited<ReturnType<typeof bundleFolder>>;
let fn: LocalFunction;
let logged: string[] = [];
let mappings: EventSource[] = [];
let queues = 0;

beforeAll(async () => {
  [sqs, bundles] = await Promise.all([startSqs(), bundleFolder()]);
  client = new SQSClient({ endpoint: sqs.endpoint, region: REGION, credentials: CREDENTIALS });
  const bundle = await bundles.bundle('handler', HANDLER);
  fn = loadFunction({
    name: 'handler',
    bundle,
    timeoutMs: 10_000,
    onLog: (line) => logged.push(line),
  });
});

afterEach(async () => {
  await Promise.all(mappings.map((mapping) => mapping.close()));
  mappings = [];
  logged = [];
});

afterAll(async () => {
  client.destroy();
  await Promise.all([fn.close(), sqs.close(), bundles.close()]);
});

describe('the event', () => {
  it('has the shape that Lambda documents', async () => {
    const { url } = await queue();
    const { MessageId } = await client.send(
      new SendMessageCommand({
        QueueUrl: url,
        MessageBody: '{"n":1}',
        MessageAttributes: {
          job: { DataType: 'String', StringValue: 'c6af9ac6' },
          requestedAtMs: { DataType: 'Number', StringValue: '1767225600000' },
          raw: { DataType: 'Binary', BinaryValue: Buffer.from([1, 2, 255]) },
        },
      }),
    );
    map(url);
    const [event] = await until(() => some(events()), 'the function was invoked');
    const millis = expect.stringMatching(/^\d{13}$/);
    const lists = { stringListValues: [], binaryListValues: [] };
    expect(event).toEqual({
      Records: [
        {
          messageId: MessageId,
          receiptHandle: expect.stringMatching(/./),
          body: '{"n":1}',
          attributes: {
            ApproximateReceiveCount: '1',
            SentTimestamp: millis,
            SenderId: expect.stringMatching(/./),
            ApproximateFirstReceiveTimestamp: millis,
          },
          messageAttributes: {
            job: { stringValue: 'c6af9ac6', dataType: 'String', ...lists },
            requestedAtMs: { stringValue: '1767225600000', dataType: 'Number', ...lists },
            raw: { binaryValue: 'AQL/', dataType: 'Binary', ...lists },
          },
          md5OfBody: createHash('md5').update('{"n":1}').digest('hex'),
          md5OfMessageAttributes: expect.stringMatching(/^[\da-f]{32}$/),
          eventSource: 'aws:sqs',
          eventSourceARN: expect.stringMatching(/^arn:aws:sqs:us-east-1:000000000000:queue-\d+$/),
          awsRegion: 'us-east-1',
        },
      ],
    });
  });

  it('gathers what came before it polled, and no more than the batch size', async () => {
    const { url } = await queue();
    await send(
      url,
      Array.from({ length: 25 }, (_, n) => ({ n })),
    );
    map(url, { batchSize: 10 });
    await until(() => isEmpty(url), 'the queue is empty');
    expect(sizes()).toEqual([10, 10, 5]);
    expect(
      bodies()
        .map(({ n }) => n)
        .sort((a, b) => Number(a) - Number(b)),
    ).toEqual([...Array(25).keys()]);
  });

  it('gathers beyond SQS’s ten within its window, which begins with the first message', async () => {
    const { url } = await queue();
    map(url, { batchSize: 25, batchWindowMs: 1_500 });
    await send(
      url,
      Array.from({ length: 12 }, (_, n) => ({ n })),
    );
    await send(
      url,
      Array.from({ length: 13 }, (_, n) => ({ n: n + 12 })),
    );
    await until(() => isEmpty(url), 'the queue is empty');
    expect(sizes()).toEqual([25]);
  });

  it('does not wait for a full batch beyond its window', async () => {
    const { url } = await queue();
    map(url, { batchSize: 10, batchWindowMs: 200 });
    await send(url, [{ n: 1 }]);
    await until(() => isEmpty(url), 'the queue is empty');
    expect(sizes()).toEqual([1]);
  });

  it('stays within six megabytes; what is beyond comes in the next one', async () => {
    const { url } = await queue();
    const pad = 'x'.repeat(1_000_000);
    for (let n = 0; n < 8; n += 1) await send(url, [{ n, pad }]);
    map(url, { batchSize: 10, batchWindowMs: 300 });
    await until(() => isEmpty(url), 'the queue is empty');
    expect(sizes()).toEqual([6, 2]);
  });
});

describe('a batch', () => {
  it('that succeeds is deleted', async () => {
    const { url } = await queue({ visibilitySeconds: 1 });
    await send(url, [{ n: 1 }, { n: 2 }]);
    map(url);
    await until(() => isEmpty(url), 'the queue is empty');
    expect(bodies()).toHaveLength(2);
  });

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['an empty object', {}],
    ['no list of failures', { batchItemFailures: null }],
    ['an empty list of failures', { batchItemFailures: [] }],
  ])('succeeds when the function answers %s', async (_, answer) => {
    const { url } = await queue({ visibilitySeconds: 1 });
    const errors: unknown[] = [];
    await send(url, [answer === undefined ? { answer: null } : { answer }]);
    map(url, { onError: (error) => errors.push(error) });
    await until(() => isEmpty(url), 'the queue is empty');
    expect({ errors, invocations: events().length }).toEqual({ errors: [], invocations: 1 });
  });

  it('keeps what the function failed at, until its visibility timeout brings it back', async () => {
    const { url } = await queue({ visibilitySeconds: 1 });
    await send(url, [{ n: 1 }, { n: 2, fail: true }, { n: 3 }]);
    map(url);
    await until(() => bodies().length >= 4, 'the failed one came back');
    const receives = events().map(({ Records }) =>
      Records.map(({ body, attributes }) => [
        JSON.parse(body).n,
        (attributes as Record<string, string>).ApproximateReceiveCount,
      ]),
    );
    expect(receives.slice(0, 2)).toEqual([
      [
        [1, '1'],
        [2, '1'],
        [3, '1'],
      ],
      [[2, '2']],
    ]);
  });

  it('fails as a whole when the function throws', async () => {
    const { url } = await queue({ visibilitySeconds: 1 });
    const errors: unknown[] = [];
    await send(url, [{ n: 1 }, { n: 2, throw: true }]);
    map(url, { onError: (error) => errors.push(error) });
    await until(() => bodies().length >= 4, 'both came back');
    expect(errors[0]).toMatchObject({ message: 'told to throw' });
    expect(
      bodies()
        .slice(2, 4)
        .map(({ n }) => n)
        .sort(),
    ).toEqual([1, 2]);
  });

  it.each([
    ['an id that is in no message', { batchItemFailures: [{ itemIdentifier: 'unknown' }] }],
    ['an empty id', { batchItemFailures: [{ itemIdentifier: '' }] }],
    ['a null id', { batchItemFailures: [{ itemIdentifier: null }] }],
    ['another name for the id', { batchItemFailures: [{ messageId: 'x' }] }],
    ['a bare id', { batchItemFailures: ['x'] }],
    ['null for a failure', { batchItemFailures: [null] }],
    ['no list', { batchItemFailures: 'x' }],
    ['text', 'done'],
    ['a list', []],
  ])('fails as a whole when the function answers %s', async (_, answer) => {
    const { url } = await queue({ visibilitySeconds: 0 });
    const errors: unknown[] = [];
    await send(url, [{ answer }]);
    map(url, { onError: (error) => errors.push(error) });
    await until(() => events().length >= 2, 'it came back');
    expect(errors[0]).toMatchObject({ message: expect.stringContaining(JSON.stringify(answer)) });
  });

  it('succeeds whatever the function answers when it does not report failures', async () => {
    const { url } = await queue({ visibilitySeconds: 1 });
    await send(url, [{ n: 1, fail: true }]);
    map(url, { reportBatchItemFailures: false });
    await until(() => isEmpty(url), 'the queue is empty');
    expect(events()).toHaveLength(1);
  });
});

describe('a poisoned message', () => {
  it('ends in the dead-letter queue, and the others of its batch proceed', async () => {
    const { url, deadLetterUrl = '' } = await queue({
      visibilitySeconds: 1,
      deadLetter: { name: 'poison', maxReceives: 2 },
    });
    await send(url, [{ n: 1 }, { n: 2, fail: true }, { n: 3 }]);
    map(url);

    const dead = await until(async () => {
      const { Messages } = await client.send(
        new ReceiveMessageCommand({ QueueUrl: deadLetterUrl }),
      );
      return Messages;
    }, 'it is in the dead-letter queue');
    expect(dead.map(({ Body }) => JSON.parse(Body ?? '').n)).toEqual([2]);
    const seen = (wanted: number) => bodies().filter(({ n }) => n === wanted).length;
    expect([seen(1), seen(2), seen(3)]).toEqual([1, 2, 1]);
    expect(await isEmpty(url)).toBe(true);
  });
});

describe('a mapping', () => {
  it('has several batches with the function at once, up to its concurrency', async () => {
    const { url } = await queue();
    map(url, { batchSize: 1, concurrency: 2 });
    await send(url, [{ n: 1, waitMs: 700 }, { n: 2, waitMs: 700 }, { n: 3 }]);
    await until(() => events().length === 2, 'two are under way');
    const { ready, handedOut } = await counts(url);
    expect({ ready, handedOut }).toEqual({ ready: 1, handedOut: 2 });
    await until(() => isEmpty(url), 'the queue is empty');
    expect(events()).toHaveLength(3);
  });

  it('finishes the batch in hand when it closes, and takes no other', async () => {
    const { url } = await queue();
    const mapping = map(url, { batchSize: 1, concurrency: 1 });
    await send(url, [{ n: 1, waitMs: 300 }, { n: 2 }]);
    await until(() => events().length === 1, 'the first is under way');
    await mapping.close();
    expect(await counts(url)).toEqual({ ready: 1, handedOut: 0 });
    expect(events()).toHaveLength(1);
  });

  it('closes at once while it waits for messages', async () => {
    const { url } = await queue();
    const mapping = map(url);
    await send(url, [{ n: 1 }]);
    await until(() => isEmpty(url), 'it polls again');
    await mapping.close();
  }, 5_000);

  it('tells that its queue does not answer, and goes on once it does', async () => {
    const gone = createServer();
    const port = await listen(gone, {});
    await new Promise((resolve) => gone.close(resolve));
    const errors: unknown[] = [];
    const queueUrl = `http://127.0.0.1:${port}/000000000000/later`;
    map(queueUrl, {
      sqsEndpoint: `http://127.0.0.1:${port}`,
      onError: (error) => errors.push(error),
    });
    await until(() => some(errors), 'it was told');
    expect(errors[0]).toMatchObject({ code: 'ECONNREFUSED' });

    const late = await startSqs({ port });
    const { url } = await late.createQueue({ name: 'later', visibilitySeconds: 30 });
    const sender = new SQSClient({
      endpoint: late.endpoint,
      region: REGION,
      credentials: CREDENTIALS,
    });
    await sender.send(new SendMessageCommand({ QueueUrl: url, MessageBody: '{"n":1}' }));
    sender.destroy();
    await until(() => bodies().length === 1, 'the message arrived');
    await Promise.all(mappings.splice(0).map((mapping) => mapping.close()));
    await late.close();
  });
});

function queue(options: Partial<QueueOptions> = {}): Promise<LocalQueue> {
  queues += 1;
  return sqs.createQueue({ name: `queue-${queues}`, visibilitySeconds: 30, ...options });
}

function map(queueUrl: string, options: Partial<QueueMapping> = {}): EventSource {
  const mapping = mapQueue({
    sqsEndpoint: sqs.endpoint,
    queueUrl,
    fn,
    batchSize: 10,
    batchWindowMs: 0,
    ...options,
  });
  mappings.push(mapping);
  return mapping;
}

async function send(url: string, messages: readonly unknown[]): Promise<void> {
  for (let at = 0; at < messages.length; at += 10) {
    const entries = messages.slice(at, at + 10);
    await client.send(
      new SendMessageBatchCommand({
        QueueUrl: url,
        Entries: entries.map((message, n) => ({
          Id: String(n),
          MessageBody: JSON.stringify(message),
        })),
      }),
    );
  }
}

/** What the function was invoked with, in order. */
function events(): Event[] {
  return logged
    .filter((line) => line.startsWith('[handler] {"Records"'))
    .map((line) => JSON.parse(line.slice('[handler] '.length)));
}

function bodies(): Record<string, unknown>[] {
  return events().flatMap(({ Records }) => Records.map(({ body }) => JSON.parse(body)));
}

/** Of the batches, the largest first: two containers may log in any order. */
function sizes(): number[] {
  return events()
    .map(({ Records }) => Records.length)
    .sort((a, b) => b - a);
}

function some<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length > 0 ? list : undefined;
}

async function counts(url: string): Promise<{ ready: number; handedOut: number }> {
  const { Attributes = {} } = await client.send(
    new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['All'] }),
  );
  return {
    ready: Number(Attributes.ApproximateNumberOfMessages),
    handedOut: Number(Attributes.ApproximateNumberOfMessagesNotVisible),
  };
}

async function isEmpty(url: string): Promise<boolean> {
  const { ready, handedOut } = await counts(url);
  return ready + handedOut === 0;
}
