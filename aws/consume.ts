/**
 * A batch of SQS messages, as Lambda's event source mapping hands it over, with partial failures.
 *
 * A message that cannot be parsed fails alone, the others of its batch proceed. When the work fails, all its messages
 * fail. Failed messages come back after the queue's visibility timeout and end in the dead-letter queue; at the last
 * try their jobs are told why.
 * @module
 */
import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { RECEIVES_MAX } from '../core/config';
import { reasonOf } from '../core/errors';

/** SQS hands a message out so often before it goes to the dead-letter queue: lib/ and local/ set it. */
function isLastReceive({ attributes }: SQSRecord): boolean {
  return Number(attributes.ApproximateReceiveCount) >= RECEIVES_MAX;
}

export interface Consumer<T> {
  /** @throws when the message is poisoned */
  readonly parse: (record: SQSRecord) => T;
  readonly work: (messages: readonly T[]) => Promise<void>;
  /** Told of a message that now goes to the dead-letter queue, so that its job can say so. */
  readonly lost: (record: SQSRecord, error: string) => Promise<void>;
}

export async function consume<T>(
  event: SQSEvent,
  { parse, work, lost }: Consumer<T>,
): Promise<SQSBatchResponse> {
  const failures = new Map<SQSRecord, string>();
  const parsed = new Map<SQSRecord, T>();
  for (const record of event.Records) {
    try {
      parsed.set(record, parse(record));
    } catch (thrown) {
      failures.set(record, reasonOf(thrown));
    }
  }
  try {
    if (parsed.size > 0) await work([...parsed.values()]);
  } catch (thrown) {
    for (const record of parsed.keys()) failures.set(record, reasonOf(thrown));
  }
  for (const [record, error] of failures) await report(record, error, lost);
  return {
    batchItemFailures: [...failures.keys()].map(({ messageId }) => ({ itemIdentifier: messageId })),
  };
}

async function report(
  record: SQSRecord,
  error: string,
  lost: Consumer<unknown>['lost'],
): Promise<void> {
  const isLost = isLastReceive(record);
  console.error(JSON.stringify({ messageId: record.messageId, error, isLost }));
  if (!isLost) return;
  await lost(record, error).catch((thrown: unknown) => {
    console.error(JSON.stringify({ messageId: record.messageId, error: reasonOf(thrown) })); // the queue still has it
  });
}
