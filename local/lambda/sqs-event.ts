/**
 * What an SQS event source mapping hands to a function, and how it reads the answer
 * (AWS Lambda Developer Guide, with-sqs and services-sqs-errorhandling).
 *
 *     { Records: [{ messageId, receiptHandle, body, attributes, messageAttributes, md5OfBody, eventSource, … }] }
 *     { batchItemFailures: [{ itemIdentifier: messageId }] }
 *
 * @module
 */
import type { Message, MessageAttributeValue } from '@aws-sdk/client-sqs';

export interface SqsRecord {
  readonly messageId: string;
  readonly receiptHandle: string;
  readonly body: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly messageAttributes: Readonly<Record<string, SqsRecordAttribute>>;
  readonly md5OfBody: string;
  readonly md5OfMessageAttributes?: string;
  readonly eventSource: 'aws:sqs';
  readonly eventSourceARN: string;
  readonly awsRegion: string;
}

export interface SqsRecordAttribute {
  readonly stringValue?: string;
  /** Base64. */
  readonly binaryValue?: string;
  readonly stringListValues: readonly string[];
  readonly binaryListValues: readonly string[];
  readonly dataType: string;
}

export function recordOf(message: Message, queueArn: string): SqsRecord {
  const { MessageId = '', ReceiptHandle = '', Body = '', MD5OfBody = '' } = message;
  const { Attributes = {}, MessageAttributes = {}, MD5OfMessageAttributes } = message;
  return {
    messageId: MessageId,
    receiptHandle: ReceiptHandle,
    body: Body,
    attributes: { ...Attributes },
    messageAttributes: Object.fromEntries(
      Object.entries(MessageAttributes).map(([name, value]) => [name, attributeOf(value)]),
    ),
    md5OfBody: MD5OfBody,
    ...(MD5OfMessageAttributes ? { md5OfMessageAttributes: MD5OfMessageAttributes } : {}),
    eventSource: 'aws:sqs',
    eventSourceARN: queueArn,
    awsRegion: queueArn.split(':')[3] ?? '', // arn:aws:sqs:REGION:ACCOUNT:NAME
  };
}

function attributeOf({
  StringValue,
  BinaryValue,
  DataType = 'String',
}: MessageAttributeValue): SqsRecordAttribute {
  return {
    ...(StringValue === undefined ? {} : { stringValue: StringValue }),
    ...(BinaryValue ? { binaryValue: Buffer.from(BinaryValue).toString('base64') } : {}),
    stringListValues: [],
    binaryListValues: [],
    dataType: DataType,
  };
}

/**
 * The messages that a function says it failed at: none for an answer without failures.
 * @throws when the answer is invalid; Lambda then takes the whole batch as failed
 */
export function failuresIn(answer: unknown, batch: readonly SqsRecord[]): ReadonlySet<string> {
  if (answer === null || answer === undefined) return new Set();
  if (typeof answer !== 'object' || Array.isArray(answer)) throw invalid(answer);
  const { batchItemFailures } = answer as { batchItemFailures?: unknown };
  if (batchItemFailures === null || batchItemFailures === undefined) return new Set();
  if (!Array.isArray(batchItemFailures)) throw invalid(answer);

  const known = new Set(batch.map(({ messageId }) => messageId));
  const failures = new Set<string>();
  for (const failure of batchItemFailures as ({ itemIdentifier?: unknown } | null)[]) {
    const id = failure?.itemIdentifier;
    if (typeof id !== 'string' || !known.has(id)) throw invalid(answer);
    failures.add(id);
  }
  return failures;
}

function invalid(answer: unknown): Error {
  const shown = JSON.stringify(answer).slice(0, 200);
  return new Error(
    `the function answered ${shown}: it takes {"batchItemFailures":[{"itemIdentifier":MESSAGE_ID}]} with ids of this batch`,
  );
}
