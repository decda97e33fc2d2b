/**
 * A queue whose redelivery the run decides: any message at any moment, in any company, twice at once; as SQS may.
 *
 * After RECEIVES_MAX receives the next one moves it to the dead-letter queue (SQS, sqs-dead-letter-queues).
 * @module
 */
import { RECEIVES_MAX } from '../../core/config';
import { recordOf, type SqsRecord } from '../../local/lambda/sqs-event';

export interface Sent {
  readonly id: string;
  readonly body: string;
  readonly sentAtMs: number;
  readonly attributes?: Readonly<Record<string, string>>;
}

export interface RunQueue {
  send(message: Sent): void;
  /** Ids of what is neither acknowledged nor given up. */
  ids(): readonly string[];
  /** Hands messages out, without those that go to the dead-letter queue instead. */
  receive(ids: readonly string[]): readonly SqsRecord[];
  acknowledge(id: string): void;
  readonly dead: ReadonlyMap<string, Sent>;
}

export function createQueue(name: string): RunQueue {
  const messages = new Map<string, Sent>();
  const receives = new Map<string, number>();
  const dead = new Map<string, Sent>();

  function receiveOne(id: string): SqsRecord[] {
    const message = messages.get(id);
    if (!message) return [];
    const count = (receives.get(id) ?? 0) + 1;
    if (count > RECEIVES_MAX) {
      messages.delete(id);
      dead.set(id, message);
      return [];
    }
    receives.set(id, count);
    return [recordOf(messageOf(message, count), `arn:aws:sqs:us-east-1:000000000000:${name}`)];
  }

  return {
    send: (message) => void messages.set(message.id, message),
    ids: () => [...messages.keys()],
    receive: (ids) => ids.flatMap(receiveOne),
    acknowledge: (id) => void messages.delete(id),
    dead,
  };
}

function messageOf({ id, body, sentAtMs, attributes = {} }: Sent, receives: number) {
  return {
    MessageId: id,
    ReceiptHandle: `${id} ${receives}`,
    Body: body,
    Attributes: {
      ApproximateReceiveCount: String(receives),
      SentTimestamp: String(sentAtMs),
    },
    MessageAttributes: Object.fromEntries(
      Object.entries(attributes).map(([key, StringValue]) => [
        key,
        { DataType: 'String', StringValue },
      ]),
    ),
  };
}
