/**
 * A batch of SQS messages, as Lambda's event source mapping hands it over, with partial failures.
 *
 * A message that cannot be parsed fails alone, the others of its batch proceed. When the work fails, all its messages
 * fail. Failed messages come back, soon at first (retries.ts), and end in the dead-letter queue.
 *
 * Their jobs are told why: of a message that cannot be parsed at its first try, since no other will do better; of the
 * others at the last. A worker that dies in a last try tells nobody, so what it would have to say is said beforehand.
 * @module
 */
import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { RECEIVES_MAX } from '../core/config';
import { reasonOf } from '../core/errors';

/** What a job is told before the last try of its message. What it is told later outranks it. */
const LAST_TRY =
  'the last try has begun and has not ended: its worker is still at it, or has died (its log says of what)';

/** SQS hands a message out so often before it goes to the dead-letter queue: lib/ and local/ set it. */
function isLastReceive({ attributes }: SQSRecord): boolean {
  return Number(attributes.ApproximateReceiveCount) >= RECEIVES_MAX;
}

export interface Consumer<T> {
  /** @throws when the message is poisoned */
  readonly parse: (record: SQSRecord) => T;
  readonly work: (messages: readonly T[]) => Promise<void>;
  /** Told before a message is tried for the last time. */
  readonly doubted: (message: T, error: string) => Promise<void>;
  /** Told of a message that is poisoned, or now goes to the dead-letter queue (`isLast`), so that its job can say so. */
  readonly lost: (record: SQSRecord, error: string, isLast: boolean) => Promise<void>;
  /** Told last of all that failed, so that it comes back sooner than by the queue's visibility timeout. */
  readonly later: (failed: readonly SQSRecord[]) => Promise<void>;
}

export async function consume<T>(
  event: SQSEvent,
  { parse, work, doubted, lost, later }: Consumer<T>,
): Promise<SQSBatchResponse> {
  const failures = new Set<SQSRecord>();
  const parsed = new Map<SQSRecord, T>();
  for (const record of event.Records) {
    try {
      parsed.set(record, parse(record));
    } catch (thrown) {
      failures.add(record);
      await report(record, reasonOf(thrown), lost);
    }
  }
  for (const [record, message] of parsed) {
    if (isLastReceive(record)) await tell(record, doubted(message, LAST_TRY));
  }
  try {
    if (parsed.size > 0) await work([...parsed.values()]);
  } catch (thrown) {
    for (const record of parsed.keys()) {
      failures.add(record);
      await report(record, reasonOf(thrown), isLastReceive(record) ? lost : undefined);
    }
  }
  if (failures.size > 0) await later([...failures]).catch(say);
  return {
    batchItemFailures: [...failures].map(({ messageId }) => ({ itemIdentifier: messageId })),
  };
}

async function report(
  record: SQSRecord,
  error: string,
  lost: Consumer<unknown>['lost'] | undefined,
): Promise<void> {
  const isLost = isLastReceive(record);
  console.error(JSON.stringify({ messageId: record.messageId, error, isLost }));
  if (lost) await tell(record, lost(record, error, isLost));
}

function say(thrown: unknown): void {
  console.error(JSON.stringify({ error: reasonOf(thrown) }));
}

/** A job that could not be told keeps nobody from the work: the queue still has its message. */
async function tell({ messageId }: SQSRecord, telling: Promise<void>): Promise<void> {
  await telling.catch((thrown: unknown) => {
    console.error(JSON.stringify({ messageId, error: reasonOf(thrown) }));
  });
}
