/**
 * The invalidator: takes revalidations from the queue, writes epochs, reads edges, purges, enqueues warms.
 * @module
 */
import { Duration } from 'aws-cdk-lib';
import type * as cloudfront from 'aws-cdk-lib/aws-cloudfront';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Construct } from 'constructs';
import { ENV, WORKER_SECONDS_MAX } from '../core/config';
import type { Settings } from './private/settings';
import { worker } from './private/worker';
import type { QueuePair } from './queues';
import { type GraphTable, graphEnvironment, graphRights } from './table';

/** Time for a full batch in waves, and for CloudFront to have room again: core/invalidator.ts gives up well before. */
export const INVALIDATOR_TIMEOUT = Duration.seconds(WORKER_SECONDS_MAX.invalidator);
/** More than ten need a window of at least a second (Lambda, services-sqs-parameters). */
const BATCH_SIZE = { withWindow: 1_000, without: 10 };
/** A burst comes in several batches, by as many pollers: all have to be at work to be purged together. */
const CONCURRENCY_MAX = 10;

export interface InvalidatorParts {
  readonly graph: GraphTable;
  readonly site: cloudfront.IDistribution;
  readonly revalidations: QueuePair;
  readonly warms: QueuePair;
}

export class Invalidator extends Construct {
  readonly function: lambda.Function;

  constructor(
    scope: Construct,
    { graph, site, revalidations, warms }: InvalidatorParts,
    { batchWindow, grace, settle, purge, budget, warm, logRetention }: Settings,
  ) {
    super(scope, 'Invalidator');
    this.function = worker(this, {
      name: 'invalidator',
      timeout: INVALIDATOR_TIMEOUT,
      memorySize: 512,
      logRetention,
      environment: {
        ...graphEnvironment(graph),
        [ENV.queueUrl]: revalidations.queue.queueUrl,
        [ENV.warmQueueUrl]: warms.queue.queueUrl,
        [ENV.distributionId]: site.distributionId,
        ...(grace && { [ENV.graceMs]: String(grace.toMilliseconds()) }),
        ...(warm?.maxUrls !== undefined && { [ENV.warmUrlsMax]: String(warm.maxUrls) }),
        ...(warm?.perSecond && { [ENV.warmPerSecond]: String(warm.perSecond) }),
        ...(settle && { [ENV.settleMs]: String(settle.toMilliseconds()) }),
        ...(purge && { [ENV.purge]: purge }),
        ...(budget && { [ENV.budgetItems]: String(budget.items) }),
        ...(budget?.whenExceeded && { [ENV.budgetWhenExceeded]: budget.whenExceeded }),
      },
    });
    this.function.addToRolePolicy(
      graphRights(graph, ['BatchGetItem', 'GetItem', 'Query', 'UpdateItem']),
    );
    site.grant(this.function, 'cloudfront:CreateInvalidation');
    warms.queue.grant(this.function, 'sqs:SendMessage');
    this.function.addEventSource(
      new SqsEventSource(revalidations.queue, {
        batchSize: batchWindow.toSeconds() >= 1 ? BATCH_SIZE.withWindow : BATCH_SIZE.without,
        maxBatchingWindow: batchWindow,
        reportBatchItemFailures: true,
        maxConcurrency: CONCURRENCY_MAX,
      }),
    );
  }
}
