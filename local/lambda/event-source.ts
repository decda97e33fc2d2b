/**
 * An SQS event source mapping: polls a queue, invokes a function with batches, deletes what succeeded.
 *
 *     poll ─► gather ≤ batchSize, ≤ batchWindow, ≤ 6 MB ─► invoke ─► delete what did not fail
 *
 * What failed is left alone: it comes back after the queue's visibility timeout, and the queue's redrive policy
 * decides when it goes to the dead-letter queue. One loop polls, so that a burst lands in one batch; up to
 * `concurrency` batches are with the function at the same time (Lambda starts with five).
 * @module
 */

import { setTimeout as sleep } from 'node:timers/promises';
import {
  DeleteMessageBatchCommand,
  type Message,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { CREDENTIALS, REGION } from '../account';
import { queueArn } from '../sqs';
import { CONCURRENCY, type LocalFunction } from './host';
import { createSlots } from './slots';
import { failuresIn, recordOf, type SqsRecord } from './sqs-event';

export interface QueueMapping {
  readonly sqsEndpoint: string;
  readonly queueUrl: string;
  readonly fn: LocalFunction;
  /** Messages of one invocation at most. */
  readonly batchSize: number;
  /** How long to gather, from the first message on. */
  readonly batchWindowMs: number;
  /** Does the function answer with the messages that it failed at? If not, only a throw is a failure. @default true */
  readonly reportBatchItemFailures?: boolean;
  /** Invocations at the same time. @default 4 */
  readonly concurrency?: number;
  /** Told of every batch that failed as a whole, and of a queue that does not answer. */
  readonly onError?: (error: unknown) => void;
}

export interface EventSource {
  /**
   * Ends when the batches in hand are done. A message that the queue hands out at this very moment stays
   * invisible until its visibility timeout ends.
   */
  close(): Promise<void>;
}

/** An invocation's payload, metadata included (AWS Lambda Developer Guide, services-sqs-configure). */
const PAYLOAD_BYTES_MAX = 6 * 1024 * 1024;
/** SQS: messages a receive or a delete takes, seconds a long poll takes (SQS Developer Guide, quotas-messages). */
const SQS_BATCH_MAX = 10;
const LONG_POLL_SECONDS = 20;
/** A long poll counts in whole seconds; the rest of a window is asked for so often. */
const SHORT_POLL_MS = 50;
const RETRY_MS = 500;

export function mapQueue(mapping: QueueMapping): EventSource {
  const { sqsEndpoint, onError = () => {}, concurrency = CONCURRENCY } = mapping;
  const client = new SQSClient({
    endpoint: sqsEndpoint,
    region: REGION,
    credentials: CREDENTIALS,
  });
  const closing = new AbortController();
  const gather = gatherer(mapping, client, closing.signal);
  const slots = createSlots(concurrency);
  const inHand = new Set<Promise<void>>();

  const work = async (batch: readonly SqsRecord[]) => {
    try {
      await deliver(batch, mapping, client);
    } catch (thrown) {
      onError(thrown);
    } finally {
      slots.release();
    }
  };
  const loop = async () => {
    while (true) {
      await slots.take();
      const batch = await gather().catch((thrown: unknown) => {
        if (!closing.signal.aborted) onError(thrown);
        return undefined;
      });
      if (batch && batch.length > 0) {
        const working = work(batch).finally(() => inHand.delete(working));
        inHand.add(working);
        continue;
      }
      slots.release();
      if (closing.signal.aborted) break;
      if (!batch) await pause(RETRY_MS, closing.signal);
    }
    await Promise.all(inHand);
  };
  const ended = loop();

  return {
    close: async () => {
      closing.abort();
      await ended;
      client.destroy();
    },
  };
}

/**
 * @returns a function that gives the next batch; an empty one when nothing came, or when closing
 * @throws when the queue does not answer
 */
function gatherer(mapping: QueueMapping, client: SQSClient, closing: AbortSignal) {
  const { queueUrl, batchSize, batchWindowMs } = mapping;
  /** Handed out by the queue, but beyond the payload of the batch before. */
  const held: SqsRecord[] = [];
  let arn: string | undefined;

  const receive = async (
    count: number,
    waitSeconds: number,
    abortSignal?: AbortSignal,
  ): Promise<void> => {
    arn ??= await queueArn(client, queueUrl);
    const { Messages = [] } = await client.send(
      new ReceiveMessageCommand({
        QueueUrl: queueUrl,
        MaxNumberOfMessages: Math.min(count, SQS_BATCH_MAX),
        WaitTimeSeconds: waitSeconds,
        MessageSystemAttributeNames: ['All'],
        MessageAttributeNames: ['All'],
      }),
      { abortSignal },
    );
    for (const message of Messages as Message[]) held.push(recordOf(message, arn));
  };

  return async (): Promise<readonly SqsRecord[]> => {
    if (held.length === 0 && !closing.aborted) await receive(batchSize, LONG_POLL_SECONDS, closing);
    const endMs = Date.now() + batchWindowMs;
    while (held.length > 0 && !isFull(held, batchSize) && !closing.aborted) {
      const leftMs = endMs - Date.now();
      if (leftMs <= 0) break;
      const before = held.length;
      const waitSeconds = Math.min(Math.floor(leftMs / 1_000), LONG_POLL_SECONDS);
      await receive(batchSize - held.length, waitSeconds);
      if (held.length === before) await pause(Math.min(SHORT_POLL_MS, leftMs), closing);
    }
    return held.splice(0, fitting(held, batchSize));
  };
}

function isFull(records: readonly SqsRecord[], batchSize: number): boolean {
  return records.length >= batchSize || fitting(records, batchSize) < records.length;
}

/** How many of the records one payload takes; at least one. */
function fitting(records: readonly SqsRecord[], batchSize: number): number {
  let bytes = 0;
  const over = records.findIndex((record, position) => {
    bytes += Buffer.byteLength(JSON.stringify(record));
    return position > 0 && bytes > PAYLOAD_BYTES_MAX;
  });
  return Math.min(over === -1 ? records.length : over, batchSize);
}

/** @throws when the whole batch failed: nothing of it is deleted */
async function deliver(
  batch: readonly SqsRecord[],
  { fn, queueUrl, reportBatchItemFailures = true }: QueueMapping,
  client: SQSClient,
): Promise<void> {
  const answer = await fn.invoke({ Records: batch });
  const failures = reportBatchItemFailures ? failuresIn(answer, batch) : new Set<string>();
  const done = batch.filter(({ messageId }) => !failures.has(messageId));
  for (let at = 0; at < done.length; at += SQS_BATCH_MAX) {
    const { Failed = [] } = await client.send(
      new DeleteMessageBatchCommand({
        QueueUrl: queueUrl,
        Entries: done
          .slice(at, at + SQS_BATCH_MAX)
          .map(({ messageId, receiptHandle }) => ({ Id: messageId, ReceiptHandle: receiptHandle })),
      }),
    );
    if (Failed[0]) throw new Error(`SQS did not delete a message: ${Failed[0].Message}`);
  }
}

async function pause(ms: number, closing: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal: closing }).catch(() => {}); // closing ends it early
}
