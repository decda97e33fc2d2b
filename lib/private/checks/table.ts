/**
 * `table`: one that the recorder, in another region, can name, and that has the graph's keys.
 * @module
 */
import { CfnResource, Stack, Token } from 'aws-cdk-lib';
import type * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import type { Construct } from 'constructs';
import { TABLE_KEYS } from '../../table';
import type { Settings } from '../settings';
import { invalid } from './said';

export function checkTable(
  scope: Construct,
  table: dynamodb.ITable | undefined,
  region: string,
): void {
  if (!table) return;
  checkPlace(table, { region, account: Stack.of(scope).account });
  if (table.encryptionKey)
    throw invalid(
      'table',
      'has a KMS key of its own, which every cache miss would have to ask: use AWS’s',
    );
  const resource = resourceOf(table);
  if (region !== 'us-east-1' && !isNameKnown(table, resource)) {
    throw invalid(
      'table',
      'has no fixed name: the recorder, in us-east-1, has to know it before it is there, set its tableName',
    );
  }
  if (resource) checkKeys(resource);
}

export function checkOwnTable({ table, tableRemovalPolicy }: Settings): void {
  if (table && tableRemovalPolicy !== undefined)
    throw invalid(
      'tableRemovalPolicy',
      `is ${tableRemovalPolicy}: table belongs to somebody else, who says it there`,
    );
}

interface Place {
  readonly region: string;
  readonly account: string;
}

/** Reads are strongly consistent, and only so in one region. */
function checkPlace({ tableArn, env }: dynamodb.ITable, here: Place): void {
  const [, , , region = env.region, account = env.account] = tableArn.split(':');
  if (isOther(region, here.region))
    throw invalid(
      'table',
      `is in ${region}: it takes one of the stack’s own region, ${here.region}`,
    );
  if (isOther(account, here.account))
    throw invalid(
      'table',
      `is in account ${account}: it takes one of the stack’s own, ${here.account}`,
    );
}

function isOther(there: string, here: string): boolean {
  return !Token.isUnresolved(there) && !Token.isUnresolved(here) && there !== here;
}

/** Its template's part, where the table is made by this app: of either construct, Table and TableV2. */
type Resource = dynamodb.CfnTable | dynamodb.CfnGlobalTable;

function resourceOf(table: dynamodb.ITable): Resource | undefined {
  const { defaultChild } = table.node;
  return defaultChild && CfnResource.isCfnResource(defaultChild)
    ? (defaultChild as Resource)
    : undefined;
}

/** A reference to a table of this app is resolved to the name that it was given; one from elsewhere has to be a name. */
function isNameKnown(table: dynamodb.ITable, resource: Resource | undefined): boolean {
  if (!resource) return !Token.isUnresolved(table.tableName);
  return Stack.of(resource).resolve(resource.tableName) !== undefined;
}

function checkKeys(resource: Resource): void {
  const schema: { attributeName: string }[] = Stack.of(resource).resolve(resource.keySchema) ?? [];
  const names = schema.map(({ attributeName }) => attributeName);
  const { partitionKey, sortKey } = TABLE_KEYS;
  if (names.join() === [partitionKey, sortKey].join()) return;
  throw invalid(
    'table',
    `has the keys ${names.join(', ')}: it takes ${partitionKey} and ${sortKey}`,
  );
}
