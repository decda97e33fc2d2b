/**
 * The graph's table: edges, epochs, urls, jobs.
 *
 * Its name is known before it is deployed, so that the recorder's role, in another region's stack, can name it
 * without a circular reference. It outlives the stack: deploying a stack of the same name again afterwards needs
 * `cdk import`, or the old table deleted.
 * @module
 */
import { RemovalPolicy } from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import type { Construct } from 'constructs';
import type { Settings } from './private/settings';

export function graphTable(scope: Construct, { name }: Settings): dynamodb.Table {
  return new dynamodb.Table(scope, 'Table', {
    tableName: name,
    partitionKey: { name: 'pk', type: dynamodb.AttributeType.STRING },
    sortKey: { name: 'sk', type: dynamodb.AttributeType.STRING },
    billingMode: dynamodb.BillingMode.PAY_PER_REQUEST,
    timeToLiveAttribute: 'expires',
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    encryption: dynamodb.TableEncryption.DEFAULT, // at rest, with a key that AWS owns: no KMS call on a cache miss
    removalPolicy: RemovalPolicy.RETAIN,
  });
}
