/**
 * The warmer: fetches urls through the edge until they are fresh, at a pace that all warmers share, and reports to their
 * jobs.
 * @module
 */
import { Duration, Token } from 'aws-cdk-lib';
import type * as cloudfront from 'aws-cdk-lib/aws-cloudfront';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Construct } from 'constructs';
import { ENV, WARM_LIMITS, WARMERS_MAX, warmMsMax } from '../core/config';
import type { Settings } from './private/settings';
import { worker } from './private/worker';
import type { QueuePair } from './queues';
import { type GraphTable, graphEnvironment, graphRights } from './table';

/** A minute more than the longest warm: its last fetch and its reports. */
export function warmerTimeout({ warm }: Settings): Duration {
  const perSecond = Token.isUnresolved(warm?.perSecond)
    ? WARM_LIMITS.perSecond.min
    : warm?.perSecond;
  return Duration.seconds(Math.ceil(warmMsMax(perSecond) / 1_000) + 60);
}

export interface WarmerParts {
  readonly graph: GraphTable;
  readonly site: cloudfront.IDistribution;
  readonly warms: QueuePair;
}

export class Warmer extends Construct {
  readonly function: lambda.Function;

  constructor(scope: Construct, { graph, site, warms }: WarmerParts, settings: Settings) {
    super(scope, 'Warmer');
    const { warm, logRetention } = settings;
    this.function = worker(this, {
      name: 'warmer',
      timeout: warmerTimeout(settings),
      memorySize: 512,
      logRetention,
      environment: {
        ...graphEnvironment(graph),
        [ENV.queueUrl]: warms.queue.queueUrl,
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
        maxConcurrency: WARMERS_MAX,
      }),
    );
  }
}
