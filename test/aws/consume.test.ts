import type { SQSEvent, SQSRecord } from 'aws-lambda';
import { describe, expect, it, vi } from 'vitest';
import { consume } from '../../aws/consume';
import { jobIdOf, parseRevalidationMessage } from '../../aws/revalidation-message';
import { RECEIVES_MAX } from '../../core/config';

function record(messageId: string, body: string, receives = 1): SQSRecord {
  return {
    messageId,
    body,
    receiptHandle: 'r',
    attributes: {
      ApproximateReceiveCount: String(receives),
      SentTimestamp: '1700000000000',
      SenderId: '',
      ApproximateFirstReceiveTimestamp: '',
    },
    messageAttributes: {},
    md5OfBody: '',
    eventSource: 'aws:sqs',
    eventSourceARN: 'arn:aws:sqs:us-east-1:000000000000:revalidate',
    awsRegion: 'us-east-1',
  };
}

const event = (...Records: SQSRecord[]): SQSEvent => ({ Records });
const good = '{"tags":["post:1"]}';

async function consumed(from: SQSEvent, work: (ids: string[]) => Promise<void> = async () => {}) {
  const error = vi.spyOn(console, 'error').mockImplementation(() => {});
  const lost: [string, string, ...'last'[]][] = [];
  const doubted: [string, number][] = [];
  const worked: string[] = [];
  const later: string[] = [];
  const response = await consume(from, {
    parse: parseRevalidationMessage,
    work: async (messages) => {
      worked.push(...messages.map(({ messageId }) => messageId));
      await work(worked);
    },
    doubted: async ({ message }) => void doubted.push([message.job, worked.length]),
    lost: async ({ record: it }, { error: why, isLast }) =>
      void lost.push([jobIdOf(it), why, ...(isLast ? (['last'] as const) : [])]),
    later: async (failed) => void later.push(...failed.map(({ messageId }) => messageId)),
  });
  error.mockRestore();
  const failed = response.batchItemFailures.map((it) => it.itemIdentifier);
  expect(later.sort()).toEqual([...failed].sort()); // whatever failed comes back soon
  return { failed, doubted, lost, worked };
}

describe('a batch of messages', () => {
  it('is acknowledged when its work is done', async () => {
    expect(await consumed(event(record('a', good), record('b', good)))).toEqual({
      failed: [],
      doubted: [],
      lost: [],
      worked: ['a', 'b'],
    });
  });

  it('with a poisoned message loses only that one, and tells its job at once', async () => {
    const { failed, worked, lost } = await consumed(
      event(record('a', good), record('bad', '{"tag":1}')),
    );
    expect({ failed, worked }).toEqual({ failed: ['bad'], worked: ['a'] });
    expect(lost).toEqual([['bad', expect.stringContaining('tag is no field of a revalidation')]]);
  });

  it('comes back whole when its work fails', async () => {
    const { failed } = await consumed(event(record('a', good), record('b', good)), async () => {
      throw new Error('no room');
    });
    expect(failed).toEqual(['a', 'b']);
  });

  it('of poison alone has no work to do', async () => {
    expect(await consumed(event(record('bad', 'no json')))).toMatchObject({
      failed: ['bad'],
      worked: [],
    });
  });
});

describe('the last try of a message', () => {
  const noRoom = async () => {
    throw new Error('no room');
  };

  it('tells its job why it goes to the dead-letter queue', async () => {
    const { failed, lost } = await consumed(event(record('a', good, RECEIVES_MAX)), noRoom);
    expect({ failed, lost }).toEqual({ failed: ['a'], lost: [['a', 'no room', 'last']] });
    expect(await consumed(event(record('a', good, RECEIVES_MAX - 1)), noRoom)).toMatchObject({
      lost: [],
    });
  });

  it('is told before its work: a worker that dies in it tells nobody', async () => {
    const { doubted } = await consumed(
      event(record('a', good, RECEIVES_MAX - 1), record('b', good, RECEIVES_MAX)),
    );
    expect(doubted).toEqual([['b', 0]]);
  });

  it('is made, though its job could not be told of it', async () => {
    const error = vi.spyOn(console, 'error').mockImplementation(() => {});
    const work = vi.fn(async () => {});
    const doubted = noRoom;
    const lost = async () => {};
    const from = event(record('a', good, RECEIVES_MAX));
    const later = async () => {};
    await consume(from, { parse: parseRevalidationMessage, work, doubted, lost, later });
    expect(work).toHaveBeenCalledOnce();
    error.mockRestore();
  });
});

describe('a revalidation message', () => {
  it('has the id and time that the gateway gave it', () => {
    const told = {
      ...record('m', good),
      messageAttributes: {
        job: { stringValue: 'job-1', dataType: 'String' },
        requestedAtMs: { stringValue: '1700000000123', dataType: 'Number' },
      },
    };
    expect(parseRevalidationMessage(told)).toEqual({
      tags: ['post:1'],
      urls: [],
      job: 'job-1',
      requestedAtMs: 1_700_000_000_123,
      messageId: 'm',
    });
  });

  it.each(['no id', 'j'.repeat(65), 'j'.repeat(3_000), 'é'])(
    'whose job has no id is poisoned, and its failure is told to the job of its own id: %s',
    async (id) => {
      const job = { stringValue: id, dataType: 'String' };
      const poisoned = { ...record('m', good), messageAttributes: { job } };
      const { failed, worked, lost } = await consumed(event(poisoned, record('b', good)));
      expect({ failed, worked }).toEqual({ failed: ['m'], worked: ['b'] });
      expect(lost).toEqual([['m', expect.stringContaining('is no job id')]]);
    },
  );

  it('is its own job when it was sent past the gateway', () => {
    const sent = parseRevalidationMessage(record('m', good));
    expect(sent).toMatchObject({ job: 'm', requestedAtMs: 1_700_000_000_000 });
  });
});
