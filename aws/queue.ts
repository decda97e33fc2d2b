/** The warm queue in SQS. A batch that SQS took in part is not sent: what it refused is an error. */
import { SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { WARM_BYTES_MAX } from '../core/config';
import { IsrError, reasonOf } from '../core/errors';
import type { WarmMessage, WarmQueue } from '../core/ports';
import type { Url } from '../core/urls';

/** SQS takes 1 MiB a batch, and ten messages (SQS, quotas-messages). */
const BATCH_MAX = Math.floor(1_048_576 / WARM_BYTES_MAX);
/** Characters that JSON writes as they are and SQS refuses (SQS, quotas-messages). */
const REFUSED = /[\ufffe\uffff]/g;

export function sqsWarmQueue(client: SQSClient, queueUrl: string): WarmQueue {
  return {
    async send(messages) {
      for (let at = 0; at < messages.length; at += BATCH_MAX) {
        const batch = new SendMessageBatchCommand({
          QueueUrl: queueUrl,
          Entries: messages.slice(at, at + BATCH_MAX).map((message) => ({
            Id: message.part,
            MessageBody: bodyOf(message),
          })),
        });
        const { Failed = [] } = await client.send(batch).catch((cause: unknown) => {
          throw new Error(`SQS took no warm messages: ${reasonOf(cause)}`, { cause });
        });
        if (Failed.length > 0) {
          throw new Error(
            `SQS refused ${Failed.length} warm messages: ${Failed[0]?.Message ?? Failed[0]?.Code}`,
          );
        }
      }
    },
  };
}

function bodyOf(message: WarmMessage): string {
  return JSON.stringify(message).replace(REFUSED, (it) => `\\u${it.charCodeAt(0).toString(16)}`);
}

/** @throws IsrError `message-poisoned` */
export function parseWarmMessage(body: string): WarmMessage {
  try {
    const { part, jobs, epochMs, urls } = JSON.parse(body);
    if (
      typeof part === 'string' &&
      isStrings(jobs) &&
      Number.isFinite(epochMs) &&
      isStrings(urls)
    ) {
      return { part, jobs, epochMs, urls: urls as Url[] };
    }
  } catch {} // said below
  throw new IsrError(
    'message-poisoned',
    'the message is no warm message: it has part, jobs, epochMs and urls',
    'body',
  );
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'string');
}
