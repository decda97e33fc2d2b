/**
 * Two queues, each with a dead-letter queue:
 *
 *     RevalidateQueue   API → invalidator    a revalidation, as it was posted
 *     WarmQueue         invalidator → warmer urls to fetch
 *
 * What fails eight times is kept for 14 days. A message's age counts from its first sending (SQS developer guide,
 * sqs-dead-letter-queues), so a dead-letter queue keeps longer than its source.
 * @module
 */
import { Duration } from 'aws-cdk-lib';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { REVALIDATION_BYTES_MAX } from '../core/api';
import { QUEUE_DAYS, RECEIVES_MAX, WARM_BYTES_MAX } from '../core/config';
import { INVALIDATOR_TIMEOUT } from './invalidator';
import type { Settings } from './private/settings';
import { warmerTimeout } from './warmer';

export interface QueuePair {
  readonly queue: sqs.Queue;
  readonly deadLetterQueue: sqs.Queue;
}

export function revalidateQueue(scope: Construct, { batchWindow }: Settings): QueuePair {
  return queuePair(scope, 'Revalidate', {
    visibilityTimeout: visibilityFor(INVALIDATOR_TIMEOUT, batchWindow),
    maxMessageSizeBytes: REVALIDATION_BYTES_MAX,
  });
}

export function warmQueue(scope: Construct, settings: Settings): QueuePair {
  return queuePair(scope, 'Warm', {
    visibilityTimeout: visibilityFor(warmerTimeout(settings)),
    maxMessageSizeBytes: WARM_BYTES_MAX,
  });
}

/** Lambda developer guide, services-sqs-configure: six times the function's timeout, and the window. */
function visibilityFor(timeout: Duration, batchWindow = Duration.seconds(0)): Duration {
  return Duration.seconds(6 * timeout.toSeconds() + batchWindow.toSeconds());
}

function queuePair(scope: Construct, word: string, props: sqs.QueueProps): QueuePair {
  const common = { encryption: sqs.QueueEncryption.SQS_MANAGED, enforceSSL: true };
  const deadLetterQueue = new sqs.Queue(scope, `${word}DeadLetterQueue`, {
    ...common,
    retentionPeriod: Duration.days(14),
  });
  const queue = new sqs.Queue(scope, `${word}Queue`, {
    ...common,
    ...props,
    retentionPeriod: Duration.days(QUEUE_DAYS),
    deadLetterQueue: { queue: deadLetterQueue, maxReceiveCount: RECEIVES_MAX },
  });
  return { queue, deadLetterQueue };
}
