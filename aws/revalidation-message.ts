/**
 * A revalidation as API Gateway wrote it into the queue: the request's body, its id and time as message attributes
 * (core/api.ts). A message without them (sent by hand, or by a trigger) is its own job; so is one whose id is none.
 * @module
 */
import type { SQSRecord } from 'aws-lambda';
import { JOB_ATTRIBUTE, JOB_ID, REQUESTED_AT_ATTRIBUTE } from '../core/api';
import { IsrError } from '../core/errors';
import { workId } from '../core/jobs';
import type { Said } from '../core/lost';
import { quote } from '../core/quote';
import { parseRevalidationText, type QueuedRevalidation } from '../core/revalidation';

/** @throws IsrError `message-poisoned` when its job's id is none; as parseRevalidationText */
export function parseRevalidationMessage(record: SQSRecord): QueuedRevalidation {
  const told = toldJob(record);
  if (told && !JOB_ID.test(told)) {
    const rule = 'a job id takes up to 64 characters of A-Z, a-z, 0-9, _ and -';
    throw new IsrError('message-poisoned', `${quote(told)} is no job id: ${rule}`, JOB_ATTRIBUTE);
  }
  return {
    ...parseRevalidationText(record.body),
    job: jobIdOf(record),
    requestedAtMs: requestedAtMsOf(record),
    messageId: record.messageId,
  };
}

/** What a message says of itself, also when it cannot be read. */
export function saidBy(record: SQSRecord, revalidation: QueuedRevalidation | undefined): Said {
  const work = revalidation && workId(revalidation);
  return { job: jobIdOf(record), requestedAtMs: requestedAtMsOf(record), work };
}

export function jobIdOf(record: SQSRecord): string {
  const told = toldJob(record);
  return told && JOB_ID.test(told) ? told : record.messageId;
}

function toldJob({ messageAttributes }: SQSRecord): string | undefined {
  return messageAttributes[JOB_ATTRIBUTE]?.stringValue;
}

function requestedAtMsOf({ messageAttributes, attributes }: SQSRecord): number {
  const told = Number(messageAttributes[REQUESTED_AT_ATTRIBUTE]?.stringValue);
  return told > 0 ? told : Number(attributes.SentTimestamp);
}
