/** SQS batch of revalidations → epochs, purge, warms. What fails stays in the queue; nothing is acknowledged unseen. */
import { CloudFrontClient } from '@aws-sdk/client-cloudfront';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { systemClock as clock } from '../aws/clock';
import { consume } from '../aws/consume';
import { dynamoOverSdk } from '../aws/dynamo-sdk';
import { dynamoGraph } from '../aws/graph';
import { dynamoJobs } from '../aws/jobs';
import { dynamoLedger } from '../aws/ledger';
import { count } from '../aws/metrics';
import { dynamoPaces } from '../aws/paces';
import { cloudFrontPurger } from '../aws/purger';
import { dynamoPurges } from '../aws/purges';
import { sqsWarmQueue } from '../aws/queue';
import { jobIdOf, parseRevalidationMessage, requestedAtMsOf } from '../aws/revalidation-message';
import { invalidatorConfig } from '../core/config';
import { doubt, invalidate } from '../core/invalidator';
import type { Counts } from '../core/metrics';

const config = invalidatorConfig(process.env);
const dynamo = dynamoOverSdk(new DynamoDBClient({}));
const ports = {
  graph: dynamoGraph(dynamo, config.table),
  jobs: dynamoJobs(dynamo, config.table, clock),
  purges: dynamoPurges(dynamo, config.table, clock),
  ledger: dynamoLedger(dynamo, config.table),
  purger: cloudFrontPurger(new CloudFrontClient({}), config.distributionId),
  warmQueue: sqsWarmQueue(new SQSClient({}), config.warmQueueUrl),
  paces: dynamoPaces(dynamo, config.table, clock),
  count: (counts: Counts) => count(config.table, counts),
  clock,
};

export const handler = (event: SQSEvent): Promise<SQSBatchResponse> =>
  consume(event, {
    parse: parseRevalidationMessage,
    work: async (batch) => {
      const outcome = await invalidate(batch, config, ports);
      if (outcome.kind === 'deferred') throw new Error(outcome.why);
    },
    doubted: (message, error) => doubt(message, error, ports),
    lost: (record, error) => {
      const requestedAtMs = requestedAtMsOf(record);
      return ports.jobs.failed(jobIdOf(record), { requestedAtMs, failedAtMs: clock.now(), error });
    },
  });
