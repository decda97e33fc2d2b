/**
 * What a worker failed at comes back when core/retries.ts says, and not after the queue's visibility timeout, which is long for
 * the sake of what Lambda does by itself (lib/queues.ts).
 *
 * Nothing depends on it: where SQS does not take it, that timeout stands.
 * @module
 */
import { ChangeMessageVisibilityBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { SQSRecord } from 'aws-lambda';
import { chunks } from '../core/chunks';
import { reasonOf } from '../core/errors';
import { inParallel } from '../core/parallel';
import { retrySeconds } from '../core/retries';

/** SQS, quotas-messages. */
const BATCH_MAX = 10;
const CALLS_AT_ONCE = 10;

/** @param secondsOf by the number of receives */
export function sqsRetries(
  client: SQSClient,
  queueUrl: string,
  secondsOf = (receives: number) => retrySeconds(receives, Math.random()),
): (failed: readonly SQSRecord[]) => Promise<void> {
  async function hide(some: readonly SQSRecord[]): Promise<void> {
    const Entries = some.map(({ receiptHandle, attributes }, at) => ({
      Id: String(at),
      ReceiptHandle: receiptHandle,
      VisibilityTimeout: secondsOf(Number(attributes.ApproximateReceiveCount)),
    }));
    const command = new ChangeMessageVisibilityBatchCommand({ QueueUrl: queueUrl, Entries });
    const { Failed = [] } = await client.send(command);
    if (Failed[0])
      throw new Error(`of ${some.length} messages ${Failed.length}: ${Failed[0].Code}`);
  }

  return async (failed) => {
    await inParallel(chunks(failed, BATCH_MAX), CALLS_AT_ONCE, (some) =>
      hide(some).catch((thrown: unknown) => {
        const error = `SQS did not change when they come back: ${reasonOf(thrown)}`;
        console.error(JSON.stringify({ error, messageIds: some.map((it) => it.messageId) }));
      }),
    );
  };
}
