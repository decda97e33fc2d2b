/**
 * The warmer: fetches urls through the edge until they are fresh, at a pace that all warmers share, and reports to their
 * jobs.
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

/** Twice the deadline after which a url that is still old is reported as such (WORKER_DEFAULTS.warmDeadlineMs). */
export const WARMER_TIMEOUT = Duration.seconds(WORKER_SECONDS_MAX.warmer);
/** Every one of them fetches several urls at once; the origin renders for viewers too. */
const CONCURRENCY_MAX = 5;

export interface WarmerParts {
  readonly graph: GraphTable;
  readonly site: cloudfront.IDistribution;
  readonly warms: QueuePair;
}

export class Warmer extends Construct {
  readonly function: lambda.Function;

  constructor(
    scope: Construct,
    { graph, site, warms }: WarmerParts,
    { warm, logRetention }: Settings,
  ) {
    super(scope, 'Warmer');
    this.function = worker(this, {
      name: 'warmer',
      timeout: WARMER_TIMEOUT,
      memorySize: 512,
      logRetention,
      environment: {
        ...graphEnvironment(graph),
        [ENV.distributionId]: site.distributionId,
        [ENV.edgeUrl]: `https://${site.distributionDomainName}`,
        ...(warm?.perSecond && { [ENV.warmPerSecond]: String(warm.perSecond) }),
        ...(warm?.concurrency && { [ENV.warmConcurrency]: String(warm.concurrency) }),
      },
    });
    this.function.addToRolePolicy(graphRights(graph, ['BatchGetItem', 'GetItem', 'UpdateItem']));
    site.grant(this.function, 'cloudfront:GetInvalidation');
    this.function.addEventSource(
      new SqsEventSource(warms.queue, {
        batchSize: 1,
        reportBatchItemFailures: true,
        maxConcurrency: CONCURRENCY_MAX,
      }),
    );
  }
}
