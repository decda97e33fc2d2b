import type { SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import { describe, expect, it } from 'vitest';
import { parseWarmMessage, sqsWarmQueue } from '../../aws/queue';
import type { Url } from '../../core/urls';

/** SQS, quotas-messages. */
const BATCH_BYTES_MAX = 1_048_576;
const ACCEPTED = /^[\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]*$/u;

/** What SQS is sent of a warm of such urls, 25 to a message, as the invalidator makes them. */
async function batchesOf(url: string, count: number) {
  const urls = Array<Url>(25).fill(url as Url);
  const messages = Array.from({ length: count }, (_, i) => {
    return { part: `p${i}`, jobs: ['j'], epochMs: 1, urls };
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
      for (const batch of await batchesOf(url, 9)) {
        expect(Buffer.byteLength(batch.join(''))).toBeLessThan(BATCH_BYTES_MAX);
      }
    },
  );
});
