/**
 * The jobs function: answers `GET /jobs/{id}` with what the table says.
 * @module
 */
import { Duration } from 'aws-cdk-lib';
import type * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { ENV } from '../core/config';
import { worker } from './private/worker';

export class Jobs extends Construct {
  readonly function: lambda.Function;

  constructor(scope: Construct, { table }: { table: dynamodb.ITable }) {
    super(scope, 'Jobs');
    this.function = worker(this, {
      name: 'jobs',
      timeout: Duration.seconds(10),
      memorySize: 256,
      environment: { [ENV.table]: table.tableName },
    });
    table.grant(this.function, 'dynamodb:GetItem');
  }
}
