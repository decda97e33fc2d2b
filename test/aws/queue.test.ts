import type { SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import { describe, expect, it } from 'vitest';
import { parseWarmMessage, sqsWarmQueue } from '../../aws/queue';
import { WARM_BYTES_MAX } from '../../core/config';
import type { Url } from '../../core/urls';
import { warmParts } from '../../core/warm-parts';

/** SQS, quotas-messages. */
const BATCH_BYTES_MAX = 1_048_576;
const ACCEPTED = /^[\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]*$/u;

/** What SQS is sent of a warm of such urls for so many jobs, as the invalidator makes it. */
async function batchesOf(url: string, jobCount: number) {
  const jobs = Array.from({ length: jobCount }, (_, i) => String(i).padStart(64, 'j'));
  const urls = Array<Url>(25).fill(url as Url);
  const messages = warmParts(new Map(jobs.map((job) => [job, urls])), {
    epochMs: 1_767_225_600_000,
    partUrls: 25,
  });
  const batches: string[][] = [];
  const client = {
    send: async ({ input }: SendMessageBatchCommand) => {
      batches.push((input.Entries ?? []).map(({ MessageBody = '' }) => MessageBody));
      return {};
    },
  } as unknown as SQSClient;
  await sqsWarmQueue(client, 'queue').send(messages);
  expect(batches.flat().map(parseWarmMessage)).toEqual(messages);
  return batches;
}

describe('urls that a viewer made up', () => {
  it.each([
    ['a plain one', '/a'],
    ['non-ASCII, asked unencoded', '/é€😀'],
    ['the two characters that SQS refuses', '/\uffff\ufffe'],
    ['control characters and half a pair', '/\u0000\u001f\u007f\ud800'],
  ])('are told to the warmer whole: %s', async (_, url) => {
    for (const body of (await batchesOf(url, 1)).flat()) expect(body).toMatch(ACCEPTED);
  });

  it.each(['x', '"', '\\', '\uffff', 'é'])(
    'of 8,192 bytes fit into a batch of SQS: %j',
    async (character) => {
      const bytes = Buffer.byteLength(character);
      const url = `/${character.repeat(8_191 / bytes)}`;
      for (const batch of await batchesOf(url, 1_500)) {
        expect(Buffer.byteLength(batch.join(''))).toBeLessThan(BATCH_BYTES_MAX);
        for (const body of batch) expect(Buffer.byteLength(body)).toBeLessThan(WARM_BYTES_MAX);
      }
    },
  );
});
