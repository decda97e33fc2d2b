/**
 * The jobs function: answers `GET /jobs/{id}` and `GET /jobs` with what the table says, and asks CloudFront whether a warmed
 * job's invalidations are completed.
 * @module
 */
import { Duration } from 'aws-cdk-lib';
import type * as cloudfront from 'aws-cdk-lib/aws-cloudfront';
import type * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { ENV } from '../core/config';
import { worker } from './private/worker';

export interface JobsParts {
  readonly table: dynamodb.ITable;
  readonly site: cloudfront.IDistribution;
}

export class Jobs extends Construct {
  readonly function: lambda.Function;

  constructor(scope: Construct, { table, site }: JobsParts) {
    super(scope, 'Jobs');
    this.function = worker(this, {
      name: 'jobs',
      timeout: Duration.seconds(10),
      memorySize: 256,
      environment: {
        [ENV.table]: table.tableName,
        [ENV.distributionId]: site.distributionId,
      },
    });
    this.allow(table, ['job#*', 'jobs#*'], ['GetItem', 'BatchGetItem', 'Query']);
    this.allow(table, ['job#*'], ['UpdateItem']); // the time of completion
    site.grant(this.function, 'cloudfront:GetInvalidation');
  }

  /** Jobs only: it has nothing to do with edges and epochs (core/keys.ts). */
  private allow(table: dynamodb.ITable, keys: string[], operations: string[]): void {
    this.function.addToRolePolicy(
      new iam.PolicyStatement({
        actions: operations.map((operation) => `dynamodb:${operation}`),
        resources: [table.tableArn],
        conditions: { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': keys } },
      }),
    );
  }
}
