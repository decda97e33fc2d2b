/**
 * SQS on one machine: fauxqs, on the loopback only (its own start function listens on every interface).
 *
 * It holds to MaximumMessageSize, visibility timeouts and redrive. Two things are its own:
 * - It names its queues by a host that this machine cannot resolve, `sqs.us-east-1.localhost`. What goes in and out
 *   is translated, so that a queue's url can be called, as AWS's can.
 * - It speaks SQS's JSON protocol only, not the query protocol, and refuses characters beyond U+FFFF in a body.
 * @module
 */
import {
  CreateQueueCommand,
  type CreateQueueCommandInput,
  GetQueueAttributesCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { CREDENTIALS, REGION } from './account';
import { type Address, LOOPBACK, listenError } from './listen';

export interface QueueOptions {
  readonly name: string;
  /** How long a message that was handed out is hidden from others; whole seconds. */
  readonly visibilitySeconds: number;
  /** Bytes of body and attributes; a longer message is refused. @default 1048576 */
  readonly maximumMessageSize?: number;
  /** Where a message goes that was handed out `maxReceives` times and never deleted. */
  readonly deadLetter?: { readonly name: string; readonly maxReceives: number };
}

export interface LocalQueue {
  readonly url: string;
  readonly deadLetterUrl?: string;
}

export interface LocalSqs {
  /** `http://127.0.0.1:41523` */
  readonly endpoint: string;
  /** @throws when there is one of this name with other attributes */
  createQueue(options: QueueOptions): Promise<LocalQueue>;
  /** The messages are gone afterwards. */
  close(): Promise<void>;
}

/** @throws IsrError `port-taken` */
export async function startSqs({ port }: Pick<Address, 'port'> = {}): Promise<LocalSqs> {
  const { buildApp } = await import('fauxqs'); // ESM only
  const app = buildApp({ logger: false });
  const callable = () => `http://${LOOPBACK}:${(app.server.address() as { port: number }).port}/`;
  const named = () => callable().replace(LOOPBACK, `sqs.${REGION}.localhost`);
  app.addHook('preHandler', async ({ body }) => translateUrls(body, callable(), named()));
  app.addHook('preSerialization', async (_request, _reply, payload) => {
    translateUrls(payload, named(), callable());
    return payload;
  });
  try {
    await app.listen({ port: port ?? 0, host: LOOPBACK });
  } catch (thrown) {
    throw listenError(thrown, { port });
  }

  const endpoint = callable().slice(0, -1);
  const client = new SQSClient({ endpoint, region: REGION, credentials: CREDENTIALS });
  return {
    endpoint,
    createQueue: (options) => createQueue(client, options),
    close: async () => {
      client.destroy();
      await app.close();
    },
  };
}

/** `QueueUrl` of requests and answers, `QueueUrls` of ListQueues. */
function translateUrls(message: unknown, from: string, to: string): void {
  if (typeof message !== 'object' || message === null) return;
  const urls = message as { QueueUrl?: unknown; QueueUrls?: unknown };
  const translated = (url: unknown) =>
    typeof url === 'string' && url.startsWith(from) ? to + url.slice(from.length) : url;
  if (urls.QueueUrl) urls.QueueUrl = translated(urls.QueueUrl);
  if (Array.isArray(urls.QueueUrls)) urls.QueueUrls = urls.QueueUrls.map(translated);
}

async function createQueue(
  client: SQSClient,
  { name, visibilitySeconds, maximumMessageSize, deadLetter }: QueueOptions,
): Promise<LocalQueue> {
  const create = async (input: CreateQueueCommandInput) => {
    const { QueueUrl } = await client.send(new CreateQueueCommand(input));
    if (QueueUrl) return QueueUrl;
    throw new Error(`SQS gave no url for the queue ${input.QueueName}`);
  };
  const Attributes: Record<string, string> = { VisibilityTimeout: String(visibilitySeconds) };
  if (maximumMessageSize) Attributes.MaximumMessageSize = String(maximumMessageSize);
  if (!deadLetter) return { url: await create({ QueueName: name, Attributes }) };

  const deadLetterUrl = await create({ QueueName: deadLetter.name });
  Attributes.RedrivePolicy = JSON.stringify({
    deadLetterTargetArn: await queueArn(client, deadLetterUrl),
    maxReceiveCount: deadLetter.maxReceives,
  });
  return { url: await create({ QueueName: name, Attributes }), deadLetterUrl };
}

/** The queue's ARN, `arn:aws:sqs:us-east-1:000000000000:revalidations`. */
export async function queueArn(client: SQSClient, queueUrl: string): Promise<string> {
  const { Attributes } = await client.send(
    new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: ['QueueArn'] }),
  );
  if (Attributes?.QueueArn) return Attributes.QueueArn;
  throw new Error(`SQS gave no ARN for the queue ${queueUrl}`);
}
