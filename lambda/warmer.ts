/** SQS batch of warm messages → fetches through the edge, verified, reported to their jobs. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { systemClock as clock } from '../aws/clock';
import { consume } from '../aws/consume';
import { dynamoOverSdk } from '../aws/dynamo-sdk';
import { dynamoJobs } from '../aws/jobs';
import { dynamoPaces } from '../aws/paces';
import { parseWarmMessage } from '../aws/queue';
import { dynamoRecords } from '../aws/records';
import { siteAt } from '../aws/site';
import { warmerConfig, warmPaceOf } from '../core/config';
import { pace } from '../core/pace';
import { giveUp, warm } from '../core/warmer';

const config = warmerConfig(process.env);
const dynamo = dynamoOverSdk(new DynamoDBClient({}));
const ports = {
  site: siteAt(config, clock),
  records: dynamoRecords(dynamo, config.table),
  jobs: dynamoJobs(dynamo, config.table, clock),
  pace: pace(dynamoPaces(dynamo, config.table, clock), clock, 'warm', warmPaceOf(config)),
  clock,
  random: Math.random,
};

export const handler = (event: SQSEvent): Promise<SQSBatchResponse> =>
  consume(event, {
    parse: ({ body }) => parseWarmMessage(body),
    work: async (messages) => {
      for (const message of messages) await warm(message, config, ports);
    },
    lost: async ({ body }, error) => giveUp(parseWarmMessage(body), error, ports),
  });
