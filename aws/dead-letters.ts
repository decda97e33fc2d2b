/**
 * What lies in a dead-letter queue: read without taking it away, and sent back.
 *
 * SQS has no way to look at a message but to receive it: what was read is hidden for HELD_SECONDS and released afterwards.
 * Sent back is first sent, then deleted: who dies in between leaves it in both queues, and a revalidation or a warm that
 * comes twice does no harm.
 * @module
 */
import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageCommand,
  ListDeadLetterSourceQueuesCommand,
  type Message,
  type MessageAttributeValue,
  ReceiveMessageCommand,
  SendMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { JOB_ATTRIBUTE, REQUESTED_AT_ATTRIBUTE } from '../core/api';
import { parseWarmMessage } from './queue';

export interface DeadLetter {
  readonly messageId: string;
  readonly body: string;
  readonly attributes: Readonly<Record<string, MessageAttributeValue>>;
  /** How often it was handed out, over all queues. */
  readonly receives: number;
  /** When it was first sent. */
  readonly sentAtMs: number;
  /** Of this reading of it: what deletes it. */
  readonly receipt: string;
}

/** Long enough for a run over many; a queue is then as it was. */
const HELD_SECONDS = 120;
/** SQS takes and gives ten messages at once (SQS, quotas-messages). */
const BATCH_MAX = 10;
/** A long poll asks every server: the answer "none" is then true (SQS, sqs-short-and-long-polling). */
const WAIT_SECONDS = 1;

/** What one run looks at. */
const LETTERS_MAX = 1_000;

/** Until the queue gives no more, or 1,000 of them. What is read stays hidden: `release` it. @throws what SQS throws */
export async function* readDeadLetters(
  client: SQSClient,
  queueUrl: string,
): AsyncGenerator<DeadLetter> {
  for (let read = 0; read < LETTERS_MAX; ) {
    const { Messages = [] } = await client.send(
      new ReceiveMessageCommand({
        QueueUrl: queueUrl,
        MaxNumberOfMessages: BATCH_MAX,
        VisibilityTimeout: HELD_SECONDS,
        WaitTimeSeconds: WAIT_SECONDS,
        MessageAttributeNames: ['All'],
        MessageSystemAttributeNames: ['ApproximateReceiveCount', 'SentTimestamp'],
      }),
    );
    if (Messages.length === 0) return;
    read += Messages.length;
    yield* Messages.map(letterOf);
  }
}

function letterOf(message: Message): DeadLetter {
  const { MessageId = '', Body = '', ReceiptHandle = '', Attributes = {} } = message;
  return {
    messageId: MessageId,
    body: Body,
    attributes: message.MessageAttributes ?? {},
    receives: Number(Attributes.ApproximateReceiveCount),
    sentAtMs: Number(Attributes.SentTimestamp),
    receipt: ReceiptHandle,
  };
}

/** Shows them to others at once, not only after HELD_SECONDS. @throws what SQS throws */
export async function release(
  client: SQSClient,
  queueUrl: string,
  letters: readonly DeadLetter[],
): Promise<void> {
  for (let at = 0; at < letters.length; at += BATCH_MAX) {
    const Entries = letters.slice(at, at + BATCH_MAX).map(({ receipt }, i) => ({
      Id: String(i),
      ReceiptHandle: receipt,
      VisibilityTimeout: 0,
    }));
    await client.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl: queueUrl, Entries }));
  }
}

/** @throws what SQS throws; then it is still in the dead-letter queue */
export async function sendBack(
  client: SQSClient,
  letter: DeadLetter,
  { deadLetterUrl, url }: { readonly deadLetterUrl: string; readonly url: string },
): Promise<void> {
  await client.send(
    new SendMessageCommand({
      QueueUrl: url,
      MessageBody: letter.body,
      MessageAttributes: { ...identityOf(letter), ...letter.attributes },
    }),
  );
  await client.send(
    new DeleteMessageCommand({ QueueUrl: deadLetterUrl, ReceiptHandle: letter.receipt }),
  );
}

/** A revalidation that names no job is the job of its message id, which sending changes: from now on it names it. */
function identityOf({ messageId, body, sentAtMs }: DeadLetter): DeadLetter['attributes'] {
  if (isWarm(body)) return {};
  return {
    [JOB_ATTRIBUTE]: { DataType: 'String', StringValue: messageId },
    [REQUESTED_AT_ATTRIBUTE]: { DataType: 'Number', StringValue: String(sentAtMs) },
  };
}

function isWarm(body: string): boolean {
  try {
    parseWarmMessage(body);
    return true;
  } catch {
    return false;
  }
}

/** The queue whose messages end there. @throws what SQS throws; Error when there is none, or more than one */
export async function sourceOf(client: SQSClient, deadLetterUrl: string): Promise<string> {
  const { queueUrls = [] } = await client.send(
    new ListDeadLetterSourceQueuesCommand({ QueueUrl: deadLetterUrl }),
  );
  const [url, ...others] = queueUrls;
  if (url !== undefined && others.length === 0) return url;
  throw new Error(
    `${deadLetterUrl} is the dead-letter queue of ${queueUrls.length} queues, not one`,
  );
}
