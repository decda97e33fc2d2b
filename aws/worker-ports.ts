/**
 * Core's ports as the workers have them: one table, over AWS's own clients, which find their rights and region in the
 * function's environment.
 * @module
 */
import type { SQSClient } from '@aws-sdk/client-sqs';
import {
  type ConsumerConfig,
  type InvalidatorConfig,
  type JobsConfig,
  type TableConfig,
  type WarmerConfig,
  warmPaceOf,
} from '../core/config';
import type { Count } from '../core/metrics';
import { pace } from '../core/pace';
import { retrySeconds } from '../core/retries';
import { cloudFrontClient, dynamoClient, sqsClient } from './clients';
import { systemClock as clock } from './clock';
import type { DynamoCall } from './dynamo';
import { dynamoOverSdk } from './dynamo-sdk';
import { dynamoGraph } from './graph';
import { dynamoJobs } from './jobs';
import { dynamoLedger } from './ledger';
import { count } from './metrics';
import { dynamoPaces } from './paces';
import { cloudFrontPurger } from './purger';
import { dynamoPurges } from './purges';
import { sqsWarmQueue } from './queue';
import { dynamoRecords } from './records';
import { sqsRetries } from './retries';
import { siteAt } from './site';
import { inSite } from './site-keys';

export function invalidatorPorts(config: InvalidatorConfig) {
  const { table, distributionId, warmQueueUrl } = config;
  const dynamo = dynamoOf(config);
  const sqs = sqsClient();
  return {
    graph: dynamoGraph(dynamo, table),
    records: dynamoRecords(dynamo, table),
    jobs: dynamoJobs(dynamo, table, clock),
    purges: dynamoPurges(dynamo, table, clock),
    ledger: dynamoLedger(dynamo, table, clock),
    paces: dynamoPaces(dynamo, table, clock),
    purger: cloudFrontPurger(cloudFrontClient(), distributionId),
    warmQueue: sqsWarmQueue(sqs, warmQueueUrl),
    later: retriesOf(sqs, config),
    count: countOf(config),
    clock,
  };
}

export function warmerPorts(config: WarmerConfig, { distributionId }: { distributionId: string }) {
  const { table } = config;
  const dynamo = dynamoOf(config);
  return {
    site: siteAt(config, clock),
    records: dynamoRecords(dynamo, table),
    jobs: dynamoJobs(dynamo, table, clock),
    pace: pace(dynamoPaces(dynamo, table, clock), clock, 'warm', warmPaceOf(config)),
    purger: cloudFrontPurger(cloudFrontClient(), distributionId),
    later: retriesOf(sqsClient(), config),
    clock,
    count: countOf(config),
    random: Math.random,
  };
}

export function jobsPorts(config: JobsConfig) {
  return {
    jobs: dynamoJobs(dynamoOf(config), config.table, clock),
    purger: cloudFrontPurger(cloudFrontClient(), config.distributionId),
    clock,
  };
}

function dynamoOf({ site }: TableConfig): DynamoCall {
  return inSite(dynamoOverSdk(dynamoClient()), site);
}

function retriesOf(
  client: SQSClient,
  { queueUrl, retrySecondsMax = Number.POSITIVE_INFINITY }: ConsumerConfig,
) {
  return sqsRetries(client, queueUrl, (receives) =>
    Math.min(retrySeconds(receives, Math.random()), retrySecondsMax),
  );
}

function countOf({ table, site = table }: TableConfig): Count {
  return (counts, about) => count(site, counts, about);
}
