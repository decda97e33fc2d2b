/**
 * A revalidation as API Gateway wrote it into the queue: the request's body, its id and time as message attributes
 * (core/api.ts). A message without them (sent by hand, or by a trigger) is its own job.
 * @module
 */
import type { SQSRecord } from 'aws-lambda';
import { JOB_ATTRIBUTE, REQUESTED_AT_ATTRIBUTE } from '../core/api';
import { parseRevalidationText, type QueuedRevalidation } from '../core/revalidation';

/** @throws IsrError as parseRevalidationText */
export function parseRevalidationMessage(record: SQSRecord): QueuedRevalidation {
  return {
    ...parseRevalidationText(record.body),
    job: jobIdOf(record),
    requestedAtMs: requestedAtMsOf(record),
    messageId: record.messageId,
  };
}

export function jobIdOf({ messageAttributes, messageId }: SQSRecord): string {
  return messageAttributes[JOB_ATTRIBUTE]?.stringValue || messageId;
}

export function requestedAtMsOf({ messageAttributes, attributes }: SQSRecord): number {
  const told = Number(messageAttributes[REQUESTED_AT_ATTRIBUTE]?.stringValue);
  return told > 0 ? told : Number(attributes.SentTimestamp);
}
