/**
 * The graph's table: edges, epochs, urls, jobs.
 *
 * Its name is known before it is deployed, so that the recorder's role, in another region's stack, can name it
 * without a circular reference. It outlives the stack: deploying a stack of the same name again afterwards needs
 * `cdk import`, or the old table deleted.
 *
 * A site that shares another's table has keys of its own in it, `site#NAME#…`, and each of its roles the right to those
 * alone.
 * @module
 */
import { RemovalPolicy } from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { ENV, siteKeys } from '../core/config';
import type { Settings } from './private/settings';

/** Attributes of the table, as core's adapters name them. */
export const TABLE_KEYS = { partitionKey: 'pk', sortKey: 'sk' } as const;

/** Where a site's graph is. */
export interface GraphTable {
  readonly table: dynamodb.ITable;
  /** Where the table is another's: the site's name in it. */
  readonly site: string | undefined;
}

export function graphTable(scope: Construct, settings: Settings): GraphTable {
  return { table: settings.table ?? ownTable(scope, settings), site: settings.site };
}

function ownTable(
  scope: Construct,
  { tableName, tableRemovalPolicy = RemovalPolicy.RETAIN }: Settings,
): dynamodb.Table {
  const { partitionKey, sortKey } = TABLE_KEYS;
  return new dynamodb.Table(scope, 'Table', {
    tableName,
    partitionKey: { name: partitionKey, type: dynamodb.AttributeType.STRING },
    sortKey: { name: sortKey, type: dynamodb.AttributeType.STRING },
    billingMode: dynamodb.BillingMode.PAY_PER_REQUEST,
    timeToLiveAttribute: 'expires',
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    encryption: dynamodb.TableEncryption.DEFAULT, // at rest, with a key that AWS owns: no KMS call on a cache miss
    removalPolicy: tableRemovalPolicy,
  });
}

/** What tells a worker where its graph is. */
export function graphEnvironment({ table, site }: GraphTable): Record<string, string> {
  return { [ENV.table]: table.tableName, ...(site && { [ENV.site]: site }) };
}

/**
 * Lets somebody do that with the items of a site, and with no other site's.
 *
 * @param keys  how the partition keys begin that are meant, as `job#*`. @default - all of the site's
 */
export function graphRights(
  {
    table,
    site,
  }: { readonly table: Pick<dynamodb.ITable, 'tableArn'>; readonly site: string | undefined },
  operations: readonly string[],
  keys?: readonly string[],
): iam.PolicyStatement {
  const meant = site ? (keys ?? ['*']).map((key) => siteKeys(site) + key) : keys;
  return new iam.PolicyStatement({
    actions: operations.map((operation) => `dynamodb:${operation}`),
    resources: [table.tableArn],
    ...(meant && {
      conditions: { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': meant } },
    }),
  });
}
