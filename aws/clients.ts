/**
 * AWS's own clients as the workers use them: none waits for ever, since a worker that hangs is only found out when its
 * function's time is up, and its messages are hidden for much longer.
 *
 * DynamoDB and SQS are asked three times (the SDK's own rule). CloudFront is asked once: its refusals slow the pace that
 * all workers keep (core/waves.ts), and a client that tried again behind it would go past it.
 * @module
 */
import { CloudFrontClient, type CloudFrontClientConfig } from '@aws-sdk/client-cloudfront';
import { DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import { SQSClient, type SQSClientConfig } from '@aws-sdk/client-sqs';

const CONNECT_MS_MAX = 2_000;
/** DynamoDB's largest answer is 1 MB; SQS takes 1 MiB. */
const ANSWER_MS_MAX = 5_000;
/** Below the silence after which a purge's worker counts as dead (core/gather.ts). */
const PURGE_MS_MAX = 15_000;

/** Without anything it is found in the function's environment. */
type Given<Config> = Pick<
  Config,
  keyof Config & ('endpoint' | 'region' | 'credentials' | 'maxAttempts')
> & {
  readonly answerMs?: number;
};

export function dynamoClient({
  answerMs = ANSWER_MS_MAX,
  ...given
}: Given<DynamoDBClientConfig> = {}) {
  return new DynamoDBClient({ ...given, requestHandler: within(answerMs) });
}

export function sqsClient({ answerMs = ANSWER_MS_MAX, ...given }: Given<SQSClientConfig> = {}) {
  return new SQSClient({ ...given, requestHandler: within(answerMs) });
}

export function cloudFrontClient({
  answerMs = PURGE_MS_MAX,
  ...given
}: Given<CloudFrontClientConfig> = {}) {
  return new CloudFrontClient({ maxAttempts: 1, ...given, requestHandler: within(answerMs) });
}

function within(ms: number) {
  return {
    connectionTimeout: CONNECT_MS_MAX,
    requestTimeout: ms,
    throwOnRequestTimeout: true,
    socketTimeout: ms, // of an answer that has begun
  };
}
