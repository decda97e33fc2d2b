/** `GET /jobs/{id}` behind API Gateway: the facts of a job and the state that follows from them. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda';
import { systemClock } from '../aws/clock';
import { dynamoOverSdk } from '../aws/dynamo-sdk';
import { dynamoJobs } from '../aws/jobs';
import { jobsConfig } from '../core/config';
import { IsrError, reasonOf } from '../core/errors';
import { jobOf } from '../core/jobs';

const jobs = dynamoJobs(
  dynamoOverSdk(new DynamoDBClient({})),
  jobsConfig(process.env).table,
  systemClock,
);

export const handler = async (event: APIGatewayProxyEvent): Promise<APIGatewayProxyResult> => {
  const id = event.pathParameters?.id ?? '';
  try {
    const facts = await jobs.get(id);
    if (!facts) throw new IsrError('job-unknown', `no job has the id ${JSON.stringify(id)}`, 'id');
    return answer(200, jobOf(facts));
  } catch (thrown) {
    const error =
      thrown instanceof IsrError
        ? thrown
        : new IsrError('graph-unavailable', `the job could not be read: ${reasonOf(thrown)}`);
    return answer(error.status, error.toBody());
  }
};

function answer(statusCode: number, body: unknown): APIGatewayProxyResult {
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' };
  return { statusCode, headers, body: JSON.stringify(body) };
}
