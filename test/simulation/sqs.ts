/**
 * SQS and its event source mapping in the simulated world: at least once, in any order, late, twice.
 *
 * A batch whose function dies is never answered: its messages come back when their visibility timeout has passed, and
 * after too many receives they are in the dead-letter queue (SQS, sqs-visibility-timeout, sqs-dead-letter-queues).
 * @module
 */
import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { RECEIVES_MAX } from '../../core/config';
import type { World } from './world';

export interface SimulatedQueue {
  /** Resolves when the queue has it. @returns its id */
  send(body: string, attributes?: Readonly<Record<string, string>>): string;
  /** Bodies of the messages that were given up, by their ids. */
  readonly dead: ReadonlyMap<string, string>;
}

export interface QueueTraits {
  readonly name: string;
  readonly batchSize: number;
  readonly visibilityMs: number;
  /** Of a delivery, that the message is handed out again at once. */
  readonly duplicated: number;
  readonly handler: (event: SQSEvent) => Promise<SQSBatchResponse>;
}

interface Message {
  readonly id: string;
  readonly body: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly sentAtMs: number;
  visibleAtMs: number;
  receives: number;
}

const DELAY_MS_MAX = 400;
const POLL_MS = { from: 5, to: 300 };

export function simulateQueue(world: World, traits: QueueTraits): SimulatedQueue {
  const { random } = world;
  const messages = new Map<string, Message>();
  const dead = new Map<string, string>();
  let sent = 0;

  const wakeAt = (atMs: number) => world.at(atMs, poll);

  function poll(): void {
    const nowMs = world.now();
    const visible = [...messages.values()].filter(({ visibleAtMs }) => visibleAtMs <= nowMs);
    const batch: Message[] = [];
    while (batch.length < traits.batchSize && visible.length > 0) {
      const [message] = visible.splice(random.below(visible.length), 1); // in any order
      if (message && !isGivenUp(message)) batch.push(message);
    }
    if (batch.length > 0) void deliver(batch);
    if (visible.length > 0) wakeAt(nowMs + random.between(POLL_MS.from, POLL_MS.to));
  }

  function isGivenUp(message: Message): boolean {
    if (message.receives < RECEIVES_MAX) return false;
    messages.delete(message.id);
    dead.set(message.id, message.body);
    world.say(() => `${traits.name}: ${message.id} is in the dead-letter queue`);
    return true;
  }

  async function deliver(batch: readonly Message[]): Promise<void> {
    const backAtMs = world.now() + traits.visibilityMs;
    for (const message of batch) {
      message.receives += 1;
      message.visibleAtMs = random.chance(traits.duplicated) ? world.now() : backAtMs;
      wakeAt(message.visibleAtMs + random.between(POLL_MS.from, POLL_MS.to));
    }
    world.say(
      () =>
        `${traits.name}: delivers ${batch.map(({ id, receives }) => `${id}×${receives}`).join(' ')}`,
    );
    const response = await traits.handler({ Records: batch.map((message) => recordOf(message)) });
    const failed = new Set(response.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
    for (const { id } of batch) if (!failed.has(id)) messages.delete(id);
  }

  function recordOf({ id, body, attributes, sentAtMs, receives }: Message): SQSRecord {
    return {
      messageId: id,
      body,
      receiptHandle: id,
      attributes: {
        ApproximateReceiveCount: String(receives),
        SentTimestamp: String(sentAtMs),
        SenderId: 'simulation',
        ApproximateFirstReceiveTimestamp: String(sentAtMs),
      },
      messageAttributes: Object.fromEntries(
        Object.entries(attributes).map(([name, stringValue]) => [
          name,
          { stringValue, dataType: 'String' },
        ]),
      ),
      md5OfBody: '',
      eventSource: 'aws:sqs',
      eventSourceARN: `arn:aws:sqs:us-east-1:000000000000:${traits.name}`,
      awsRegion: 'us-east-1',
    };
  }

  return {
    dead,
    send(body, attributes = {}) {
      sent += 1;
      const id = `${traits.name}-${sent}`;
      const visibleAtMs = world.now() + random.below(DELAY_MS_MAX);
      messages.set(id, { id, body, attributes, sentAtMs: world.now(), visibleAtMs, receives: 0 });
      wakeAt(visibleAtMs + random.between(POLL_MS.from, POLL_MS.to));
      return id;
    },
  };
}
