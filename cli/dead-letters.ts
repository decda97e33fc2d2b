/**
 * The dead-letter queues, for `isr jobs --dlq` and `isr redrive`.
 *
 * `isr dev` tells where its own are (GET /.isr/queues). A deployed stack's are named by --dead-letter-queue, or the
 * variable ISR_DEAD_LETTER_QUEUES, with the stack's outputs RevalidateDeadLetterQueueUrl and WarmDeadLetterQueueUrl: the
 * caller's own rights on SQS open them, not the API's.
 * @module
 */
import { SQSClient } from '@aws-sdk/client-sqs';
import { type DeadLetter, readDeadLetters, release, sourceOf } from '../aws/dead-letters';
import { parseWarmMessage } from '../aws/queue';
import { JOB_ATTRIBUTE } from '../core/api';
import { IsrError, reasonOf } from '../core/errors';
import { parseRevalidationText } from '../core/revalidation';
import { CREDENTIALS, REGION } from '../local/account';
import { collect, type Io } from './io';

export interface QueueOptions {
  readonly deadLetterQueue: readonly string[];
}

export const DEAD_LETTER_QUEUE = {
  flags: '--dead-letter-queue <url>',
  help:
    'a dead-letter queue of a deployed stack (its outputs name two); may be given again ' +
    '(default: ISR_DEAD_LETTER_QUEUES, separated by spaces, else those of isr dev)',
  collect,
} as const;

export interface DeadLetterQueue {
  /** `revalidate-dead-letter` */
  readonly name: string;
  readonly deadLetterUrl: string;
  readonly client: SQSClient;
  /** Where its messages came from. @throws IsrError `queue-unreachable` */
  source(): Promise<string>;
}

/** A message, as a person reads it. */
export interface Letter {
  readonly message: string;
  readonly queue: string;
  /** Those that wait for it. */
  readonly jobs: readonly string[];
  /** Of a revalidation. */
  readonly tags: readonly string[];
  /** Of a revalidation, or to be warmed. */
  readonly urls: readonly string[];
  /** Its text and what is wrong with it, when no worker can read it. */
  readonly poison?: string;
  readonly receives: number;
  readonly sentAtMs: number;
}

/** @throws IsrError `queue-unreachable` when nobody says where they are */
export async function deadLetterQueues(
  { deadLetterQueue }: QueueOptions,
  { endpoint, env }: { readonly endpoint: string; readonly env: Io['env'] },
): Promise<DeadLetterQueue[]> {
  const named = deadLetterQueue.length > 0 ? deadLetterQueue : namesIn(env.ISR_DEAD_LETTER_QUEUES);
  if (named.length > 0) return named.map((deadLetterUrl) => queueAt({ deadLetterUrl }));
  return (await askDev(endpoint)).map(queueAt);
}

function namesIn(text = ''): string[] {
  return text.split(/\s+/).filter(Boolean);
}

interface QueueUrls {
  readonly deadLetterUrl: string;
  readonly url?: string;
}

async function askDev(endpoint: string): Promise<QueueUrls[]> {
  try {
    const answer = await fetch(`${endpoint.replace(/\/+$/, '')}/.isr/queues`);
    const { queues } = (await answer.json()) as { queues?: QueueUrls[] };
    if (queues) return queues;
  } catch {} // said below
  throw new IsrError(
    'queue-unreachable',
    `no isr dev at ${endpoint} tells of its queues: name a stack's with --dead-letter-queue`,
    'dead-letter-queue',
  );
}

function queueAt({ deadLetterUrl, url }: QueueUrls): DeadLetterQueue {
  const client = clientFor(deadLetterUrl);
  return {
    name: deadLetterUrl.split('/').at(-1) ?? deadLetterUrl,
    deadLetterUrl,
    client,
    source: async () => url ?? reached(deadLetterUrl, () => sourceOf(client, deadLetterUrl)),
  };
}

const AWS_HOST = /^sqs\.([a-z\d-]+)\.amazonaws\.com(\.cn)?$/;
const LOCAL_HOST = /^(localhost|127\.0\.0\.1|\[::1\])$/;

/** On AWS with the caller's own credentials; the queues of `isr dev` ask for none. */
function clientFor(queueUrl: string): SQSClient {
  const { hostname, origin } = URL.canParse(queueUrl) ? new URL(queueUrl) : {};
  const region = AWS_HOST.exec(hostname ?? '')?.[1];
  if (region !== undefined) return new SQSClient({ region });
  if (origin !== undefined && LOCAL_HOST.test(hostname ?? '')) {
    return new SQSClient({ endpoint: origin, region: REGION, credentials: CREDENTIALS });
  }
  throw new IsrError(
    'option-invalid',
    `--dead-letter-queue is ${JSON.stringify(queueUrl)}: it takes a queue's url, as https://sqs.eu-west-1.amazonaws.com/123456789012/NAME`,
    'dead-letter-queue',
  );
}

/**
 * Shows `visit` each message of a queue; what it does not take (true) is released afterwards, whatever happens.
 * @throws IsrError `queue-unreachable`
 */
export async function eachLetter(
  { client, deadLetterUrl }: DeadLetterQueue,
  visit: (letter: DeadLetter) => Promise<boolean>,
): Promise<void> {
  const held: DeadLetter[] = [];
  await reached(deadLetterUrl, async () => {
    try {
      for await (const letter of readDeadLetters(client, deadLetterUrl)) {
        held.push(letter);
        if (await visit(letter)) held.pop();
      }
    } finally {
      await release(client, deadLetterUrl, held);
    }
  });
}

async function reached<T>(queueUrl: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const said = `${queueUrl}: ${reasonOf(cause)}`;
    throw new IsrError('queue-unreachable', said, 'dead-letter-queue', { cause });
  }
}

export function readLetter(letter: DeadLetter, queue: string): Letter {
  const { messageId, body, attributes, receives, sentAtMs } = letter;
  const common = { message: messageId, queue, receives, sentAtMs };
  try {
    const { jobs, urls } = parseWarmMessage(body);
    return { ...common, jobs, tags: [], urls };
  } catch {} // a revalidation, then
  const jobs = [attributes[JOB_ATTRIBUTE]?.StringValue || messageId];
  try {
    const { tags, urls } = parseRevalidationText(body);
    return { ...common, jobs, tags, urls };
  } catch (thrown) {
    return {
      ...common,
      jobs,
      tags: [],
      urls: [],
      poison: `${body.slice(0, 80)} (${reasonOf(thrown)})`,
    };
  }
}
