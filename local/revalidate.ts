/**
 * `POST /revalidate` as API Gateway does it without a function: the body is validated by the schema, mapped by the
 * template (both from core/api.ts, as the construct has them) and sent to the queue. A bad body is a 400 or 415, and
 * nothing is queued; without the queue nothing is accepted.
 *
 * A departure: a bad body is told field by field, there in the validator's words.
 * @module
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import {
  type MessageAttributeValue,
  SendMessageCommand,
  SQSClient,
  SQSServiceException,
} from '@aws-sdk/client-sqs';
import { Ajv } from 'ajv';
import {
  ACCEPTED_TEMPLATE,
  IDEMPOTENCY_KEY,
  KEY_REFUSED,
  REVALIDATION_BYTES_MAX,
  REVALIDATION_SCHEMA,
  REVALIDATION_TEMPLATE,
} from '../core/api';
import { IsrError } from '../core/errors';
import { parseKey, parseRevalidationText } from '../core/revalidation';
import { CREDENTIALS, REGION } from './account';
import { fillTemplate } from './mapping-template';

/** APIG, api-gateway-execution-service-limits-table. */
const PAYLOAD_BYTES_MAX = 10_485_760;
const INTEGRATION_TIMEOUT_MS = 29_000;

/**
 * @returns the body of the 202
 * @throws IsrError for a bad request, when nothing is queued; anything else when the queue does not answer
 */
export async function revalidate(
  request: IncomingMessage,
  queue: RevalidationQueue,
): Promise<string> {
  const body = await readBody(request);
  if (!isJson(request.headers['content-type'])) {
    const sent = JSON.stringify(request.headers['content-type']);
    throw new IsrError('type-unsupported', `Content-Type is ${sent}: it takes application/json`);
  }
  validate(body);
  const context = { requestId: randomUUID(), requestTimeEpoch: Date.now() };
  const headers = headersAsSpelled(request);
  await queue.send(fillTemplate(REVALIDATION_TEMPLATE, { body, headers, context }), request);
  return fillTemplate(ACCEPTED_TEMPLATE, { body, headers, context }).trim();
}

/** Of a header that came twice the last one, as in `$input.params()`. */
function headersAsSpelled({ rawHeaders }: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let at = 0; at < rawHeaders.length; at += 2) {
    headers[rawHeaders[at] ?? ''] = rawHeaders[at + 1] ?? '';
  }
  return headers;
}

/** A missing Content-Type counts as application/json (APIG, integration-passthrough-behaviors). */
function isJson(contentType: string | undefined): boolean {
  if (contentType === undefined) return true;
  return contentType.split(';', 1)[0]?.trim().toLowerCase() === 'application/json';
}

/** Ajv knows draft 4 by no name, but every keyword that the schema uses: they mean the same since. */
const { $schema: _draft4, ...schema } = REVALIDATION_SCHEMA;
export const isRevalidation = new Ajv({ strictTypes: false }).compile(schema);

/** The schema decides, as in the gateway; core finds the words. @throws IsrError */
function validate(body: string): void {
  const revalidation = parseJson(body);
  if (revalidation !== undefined && isRevalidation(revalidation)) return;
  parseRevalidationText(body);
  throw new IsrError('body-invalid', 'the body is no revalidation', 'body');
}

/** Undefined when it is no JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export interface RevalidationQueue {
  /** @throws IsrError for what the queue refuses of a request; anything else when it does not answer */
  send(form: string, request: IncomingMessage): Promise<void>;
  close(): void;
}

export function revalidationQueue({
  queueUrl,
  sqsEndpoint,
}: {
  queueUrl: string;
  sqsEndpoint: string;
}): RevalidationQueue {
  const client = new SQSClient({
    endpoint: sqsEndpoint,
    region: REGION,
    credentials: CREDENTIALS,
  });
  return {
    async send(form, request) {
      const command = new SendMessageCommand({ QueueUrl: queueUrl, ...messageOf(form) });
      const abortSignal = AbortSignal.timeout(INTEGRATION_TIMEOUT_MS);
      try {
        await client.send(command, { abortSignal });
      } catch (thrown) {
        throw refusedByQueue(thrown, request) ?? thrown;
      }
    },
    close: () => client.destroy(),
  };
}

/** A message of SQS's query protocol, as the SDK takes it: the local queue speaks the JSON protocol only. */
function messageOf(form: string) {
  const fields = new URLSearchParams(form);
  const MessageAttributes: Record<string, MessageAttributeValue> = {};
  for (let n = 1; fields.has(`MessageAttribute.${n}.Name`); n += 1) {
    const field = (name: string) => fields.get(`MessageAttribute.${n}.${name}`) ?? undefined;
    MessageAttributes[field('Name') ?? ''] = {
      DataType: field('Value.DataType'),
      StringValue: field('Value.StringValue'),
    };
  }
  return { MessageBody: fields.get('MessageBody') ?? '', MessageAttributes };
}

/** SQS refuses the message itself, which the integration turns into a 400; undefined for every other failure. */
function refusedByQueue(cause: unknown, { headers }: IncomingMessage): IsrError | undefined {
  if (!(cause instanceof SQSServiceException)) return undefined;
  const name = cause.name.replace(/^AWS\.SimpleQueueService\./, ''); // the query protocol's prefix
  if (name === KEY_REFUSED) parseKey(String(headers[IDEMPOTENCY_KEY.toLowerCase()])); // finds the words
  if (name === 'InvalidMessageContents') {
    return new IsrError('body-invalid', `the queue refuses it: ${cause.message}`, 'body', {
      cause,
    });
  }
  if (name !== 'InvalidParameterValue') return undefined;
  const rule = `a revalidation has at most ${REVALIDATION_BYTES_MAX} bytes, its attributes included`;
  return new IsrError('body-too-large', `the body is too large: ${rule}`, 'body', { cause });
}

/**
 * What is too long is read to its end and dropped, so that the sender hears the answer.
 * @throws IsrError `body-too-large`
 */
async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= PAYLOAD_BYTES_MAX) chunks.push(chunk);
    else chunks.length = 0;
  }
  if (bytes > PAYLOAD_BYTES_MAX) {
    const problem = `the body has more than ${PAYLOAD_BYTES_MAX} bytes`;
    throw new IsrError('body-too-large', problem, 'body');
  }
  return Buffer.concat(chunks).toString('utf8');
}
