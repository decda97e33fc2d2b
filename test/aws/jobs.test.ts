import { afterAll, beforeAll, describe } from 'vitest';
import { dynamoJobs } from '../../aws/jobs';
import { inSite } from '../../aws/site-keys';
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

describe('jobs of a site that shares the table', () => {
  jobsContract(() => dynamoJobs(inSite(sdkCall(table.endpoint), 'shop'), TABLE, { now: Date.now }));
});
