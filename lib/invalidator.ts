/**
 * The invalidator: takes revalidations from the queue, writes epochs, reads edges, purges, enqueues warms.
 * @module
 */
import { Duration } from 'aws-cdk-lib';
import type * as cloudfront from 'aws-cdk-lib/aws-cloudfront';
import type * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Construct } from 'constructs';
import { ENV } from '../core/config';
import type { Settings } from './private/settings';
import { worker } from './private/worker';
import type { QueuePair } from './queues';

/** Time for a full batch in waves, and for CloudFront to have room again: core/invalidator.ts gives up well before. */
export const INVALIDATOR_TIMEOUT = Duration.seconds(300);
/** More than ten need a window of at least a second; a burst coalesces within a batch. */
const BATCH_SIZE = 10;
/** CloudFront takes 150 items a second from all of them together; two is the least that Lambda allows. */
const CONCURRENCY_MAX = 2;

export interface InvalidatorParts {
  readonly table: dynamodb.ITable;
  readonly site: cloudfront.IDistribution;
  readonly revalidations: QueuePair;
  readonly warms: QueuePair;
}

export class Invalidator extends Construct {
  readonly function: lambda.Function;

  constructor(
    scope: Construct,
    { table, site, revalidations, warms }: InvalidatorParts,
    { batchWindow, grace, settle, warm }: Settings,
  ) {
    super(scope, 'Invalidator');
    this.function = worker(this, {
      name: 'invalidator',
      timeout: INVALIDATOR_TIMEOUT,
      memorySize: 512,
      environment: {
        [ENV.table]: table.tableName,
        [ENV.warmQueueUrl]: warms.queue.queueUrl,
        [ENV.distributionId]: site.distributionId,
        ...(grace && { [ENV.graceMs]: String(grace.toMilliseconds()) }),
        ...(warm?.maxUrls !== undefined && { [ENV.warmUrlsMax]: String(warm.maxUrls) }),
        ...(settle && { [ENV.settleMs]: String(settle.toMilliseconds()) }),
      },
    });
    table.grant(
      this.function,
      'dynamodb:BatchGetItem',
      'dynamodb:GetItem',
      'dynamodb:Query',
      'dynamodb:UpdateItem',
    );
    site.grant(this.function, 'cloudfront:CreateInvalidation');
    warms.queue.grant(this.function, 'sqs:SendMessage');
    this.function.addEventSource(
      new SqsEventSource(revalidations.queue, {
        batchSize: BATCH_SIZE,
        maxBatchingWindow: batchWindow,
        reportBatchItemFailures: true,
        maxConcurrency: CONCURRENCY_MAX,
      }),
    );
  }
}
