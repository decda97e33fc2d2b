/**
 * A batch of SQS messages, as Lambda's event source mapping hands it over, with partial failures.
 *
 * A message that cannot be parsed fails alone, the others of its batch proceed. When the work fails, all its messages
 * fail. Failed messages come back, soon at first (retries.ts), and end in the dead-letter queue.
 *
 * Their jobs are told why: of a message that cannot be parsed at its first try, since no other will do better; of the
 * others at the last. A worker that dies in a last try tells nobody, so that try is announced to them beforehand.
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
  /** Told before a message is tried for the last time. */
  readonly doubted: (taken: Read<T>) => Promise<void>;
  /** Told of a message that is poisoned, or now goes to the dead-letter queue, so that its job can say so. */
  readonly lost: (taken: Taken<T>, loss: Loss) => Promise<void>;
  /** Told last of all that failed, so that it comes back sooner than by the queue's visibility timeout. */
  readonly later: (failed: readonly SQSRecord[]) => Promise<void>;
}

export interface Read<T> {
  readonly record: SQSRecord;
  readonly message: T;
}

/** Its message is undefined when it is poisoned. */
export type Taken<T> = Read<T | undefined>;

export interface Loss {
  readonly error: string;
  /** It goes to the dead-letter queue now. */
  readonly isLast: boolean;
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
      await report({ record, message: undefined }, reasonOf(thrown), lost);
    }
  }
  for (const [record, message] of parsed) {
    if (isLastReceive(record)) await tell(record, doubted({ record, message }));
  }
  try {
    if (parsed.size > 0) await work([...parsed.values()]);
  } catch (thrown) {
    for (const [record, message] of parsed) {
      failures.add(record);
      const told = isLastReceive(record) ? lost : undefined;
      await report({ record, message }, reasonOf(thrown), told);
    }
  }
  if (failures.size > 0) await later([...failures]).catch(say);
  return {
    batchItemFailures: [...failures].map(({ messageId }) => ({ itemIdentifier: messageId })),
  };
}

async function report<T>(
  taken: Taken<T>,
  error: string,
  lost: Consumer<T>['lost'] | undefined,
): Promise<void> {
  const { record } = taken;
  const isLast = isLastReceive(record);
  console.error(JSON.stringify({ messageId: record.messageId, error, isLost: isLast }));
  if (lost) await tell(record, lost(taken, { error, isLast }));
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
