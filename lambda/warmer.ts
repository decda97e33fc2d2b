/** SQS batch of warm messages → fetches through the edge, verified, reported to their jobs. */
import { CloudFrontClient } from '@aws-sdk/client-cloudfront';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { systemClock as clock } from '../aws/clock';
import { consume } from '../aws/consume';
import { dynamoOverSdk } from '../aws/dynamo-sdk';
import { dynamoJobs } from '../aws/jobs';
import { dynamoPaces } from '../aws/paces';
import { cloudFrontPurger } from '../aws/purger';
import { parseWarmMessage } from '../aws/queue';
import { dynamoRecords } from '../aws/records';
import { siteAt } from '../aws/site';
import { completeAll } from '../core/completion';
import { jobsConfig, warmerConfig, warmPaceOf } from '../core/config';
import { reasonOf } from '../core/errors';
import { pace } from '../core/pace';
import { giveUp, warm } from '../core/warmer';

const config = warmerConfig(process.env);
const dynamo = dynamoOverSdk(new DynamoDBClient({}));
const ports = {
  site: siteAt(config, clock),
  records: dynamoRecords(dynamo, config.table),
  jobs: dynamoJobs(dynamo, config.table, clock),
  pace: pace(dynamoPaces(dynamo, config.table, clock), clock, 'warm', warmPaceOf(config)),
  purger: cloudFrontPurger(new CloudFrontClient({}), jobsConfig(process.env).distributionId),
  clock,
  random: Math.random,
};

export const handler = (event: SQSEvent): Promise<SQSBatchResponse> =>
  consume(event, {
    parse: ({ body }) => parseWarmMessage(body),
    work: async (messages) => {
      for (const message of messages) {
        await warm(message, config, ports);
        await completeAll(message.jobs, ports).catch(report); // who reads the jobs asks again
      }
    },
    lost: async ({ body }, error) => giveUp(parseWarmMessage(body), error, ports),
  });

function report(thrown: unknown): void {
  console.error(JSON.stringify({ error: reasonOf(thrown) }));
}
