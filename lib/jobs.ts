/**
 * The jobs function: answers `GET /jobs/{id}` and `GET /jobs` with what the table says, and asks CloudFront whether a warmed
 * job's invalidations are completed.
 * @module
 */
import { Duration } from 'aws-cdk-lib';
import type * as cloudfront from 'aws-cdk-lib/aws-cloudfront';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { ENV } from '../core/config';
import type { Settings } from './private/settings';
import { worker } from './private/worker';
import { type GraphTable, graphEnvironment, graphRights } from './table';

export interface JobsParts {
  readonly graph: GraphTable;
  readonly site: cloudfront.IDistribution;
}

export class Jobs extends Construct {
  readonly function: lambda.Function;

  constructor(scope: Construct, { graph, site }: JobsParts, { logRetention }: Settings) {
    super(scope, 'Jobs');
    this.function = worker(this, {
      name: 'jobs',
      timeout: Duration.seconds(10),
      memorySize: 256,
      logRetention,
      environment: {
        ...graphEnvironment(graph),
        [ENV.distributionId]: site.distributionId,
      },
    });
    const rights = [
      graphRights(graph, ['GetItem', 'BatchGetItem', 'Query'], ['job#*', 'jobs#*']),
      graphRights(graph, ['UpdateItem'], ['job#*']), // the time of completion
    ];
    for (const right of rights) this.function.addToRolePolicy(right);
    site.grant(this.function, 'cloudfront:GetInvalidation');
  }
}
