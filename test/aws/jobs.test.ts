import { afterAll, beforeAll, describe } from 'vitest';
import { dynamoJobs } from '../../aws/jobs';
import { jobsContract } from '../contract/jobs';
import { sdkCall, startTable, TABLE } from '../support/graph';

let table: Awaited<ReturnType<typeof startTable>>;
beforeAll(async () => {
  table = await startTable();
});
afterAll(() => table.close());

describe('jobs in DynamoDB', () => {
  jobsContract(() => dynamoJobs(sdkCall(table.endpoint), TABLE, { now: Date.now }));
});
