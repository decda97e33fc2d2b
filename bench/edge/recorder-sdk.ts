/** The recorder with the AWS SDK's client instead of a signed request: what bench/edge.ts compares with. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { CloudFrontResponseEvent, CloudFrontResponseResult } from 'aws-lambda';
import { systemClock as clock } from '../../aws/clock';
import { dynamoOverSdk } from '../../aws/dynamo-sdk';
import { configTextOf, pageOf, withRuling } from '../../aws/edge-event';
import { dynamoGraph } from '../../aws/graph';
import { parseRecorderConfig } from '../../core/config';
import { record } from '../../core/recorder';

export const handler = async (
  event: CloudFrontResponseEvent,
): Promise<CloudFrontResponseResult> => {
  const { cf } = event.Records[0] as CloudFrontResponseEvent['Records'][0];
  const config = parseRecorderConfig(configTextOf(cf));
  const { table, region } = config;
  const graph = dynamoGraph(dynamoOverSdk(new DynamoDBClient({ region })), table);
  return withRuling(cf, await record(pageOf(cf), config, { graph, clock, bootMs: 0 }));
};
