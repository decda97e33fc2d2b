/** `GET /jobs/{id}` and `GET /jobs` behind API Gateway: jobs, and the states that follow from their facts. */
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda';
import { jobsPorts } from '../aws/worker-ports';
import { jobsConfig } from '../core/config';
import { IsrError, reasonOf } from '../core/errors';
import { listJobs, parseJobQuery, readJob } from '../core/job-reader';

const ports = {
  ...jobsPorts(jobsConfig(process.env)),
  report: (thrown: unknown) => console.error(JSON.stringify({ error: reasonOf(thrown) })),
};

export const handler = async (event: APIGatewayProxyEvent): Promise<APIGatewayProxyResult> => {
  const id = event.pathParameters?.id;
  try {
    if (id !== undefined) return answer(200, await readJob(id, ports));
    return answer(200, await listJobs(parseJobQuery(event.queryStringParameters ?? {}), ports));
  } catch (thrown) {
    const said = `the jobs could not be read: ${reasonOf(thrown)}`;
    const error = thrown instanceof IsrError ? thrown : new IsrError('graph-unavailable', said);
    return answer(error.status, error.toBody());
  }
};

function answer(statusCode: number, body: unknown): APIGatewayProxyResult {
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' };
  return { statusCode, headers, body: JSON.stringify(body) };
}
