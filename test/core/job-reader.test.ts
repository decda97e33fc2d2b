import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DynamoCall } from '../../aws/dynamo';
import { dynamoJobs } from '../../aws/jobs';
import { type JobReaderPorts, listJobs, parseJobQuery, readJob } from '../../core/job-reader';
import { counted, sdkCall, startTable, TABLE } from '../support/graph';

let table: Awaited<ReturnType<typeof startTable>>;
let call: DynamoCall;
let operations: string[];
let ports: JobReaderPorts;
let asked: string[];
const reported: unknown[] = [];
const nowMs = Date.now();

/** `job-249` is the newest; every 100th failed, every 10th waits for CloudFront. */
beforeAll(async () => {
  table = await startTable();
  ({ call, operations } = counted(sdkCall(table.endpoint)));
  const jobs = dynamoJobs(call, TABLE, { now: () => nowMs });
  asked = [];
  ports = {
    jobs,
    purger: {
      status: async (invalidation) => {
        asked.push(invalidation);
        if (invalidation === 'I-denied') throw new Error('AccessDenied');
        return 'completed';
      },
    },
    clock: { now: () => nowMs },
    report: (thrown) => reported.push(thrown),
  };
  for (let i = 0; i < 250; i += 1) {
    const id = `job-${i}`;
    const requestedAtMs = nowMs - (250 - i) * 60_000;
    await jobs.begin(id, { requestedAtMs, tags: 1, urls: 0, purge: 'p', work: 'w' });
    if (i % 100 === 0) await jobs.failed(id, { failedAtMs: nowMs, error: 'lost' });
    else if (i % 10 === 0) {
      await jobs.purged(id, { purgedAtMs: nowMs, invalidations: [`I-${i}`] });
      await jobs.warming(id, { warmingAtMs: nowMs, warmParts: [], warmUrls: 0 });
    }
  }
}, 60_000);
afterAll(() => table.close());

const list = (query: Record<string, string> = {}) => listJobs(parseJobQuery(query), ports);

describe('a list of jobs', () => {
  it('has the newest twenty, and a cursor to the next', async () => {
    const first = await list();
    expect(first.jobs.map(({ id }) => id)).toEqual(
      Array.from({ length: 20 }, (_, i) => `job-${249 - i}`),
    );
    expect(first).toMatchObject({ looked: 20, lookedBackToMs: nowMs - 20 * 60_000 });
    const next = await list({ cursor: first.cursor ?? '', limit: '2' });
    expect(next.jobs.map(({ id }) => id)).toEqual(['job-229', 'job-228']);
  });

  it('shows by its states what CloudFront has completed meanwhile', async () => {
    const { jobs } = await list({ limit: '10' });
    expect(jobs.find(({ id }) => id === 'job-240')).toMatchObject({ state: 'fresh' });
    expect(jobs.find(({ id }) => id === 'job-241')).toMatchObject({ state: 'queued' });
  });

  it('has no plans and lists of items: a job’s own page shows them', async () => {
    const [job] = (await list({ limit: '1' })).jobs;
    for (const name of ['planned', 'problems', 'invalidations']) {
      expect(job).not.toHaveProperty(name);
    }
  });

  it('of one state looks at 200 jobs at most, says so, and goes on from there', async () => {
    operations.length = 0;
    asked.length = 0;
    const first = await list({ state: 'failed' });
    expect(first.jobs.map(({ id }) => id)).toEqual(['job-200', 'job-100']);
    expect(first.looked).toBe(200);
    expect(asked.length).toBeLessThanOrEqual(10);
    expect(operations.length).toBeLessThan(40);
    expect(operations).not.toContain('Scan');
    const rest = await list({ state: 'failed', cursor: first.cursor ?? '' });
    expect(rest.jobs.map(({ id }) => id)).toEqual(['job-0']);
    expect(rest.cursor).toBeUndefined();
  });

  it('of one state ends at its limit, wherever that is', async () => {
    const first = await list({ state: 'failed', limit: '1' });
    expect(first.jobs.map(({ id }) => id)).toEqual(['job-200']);
    expect(first.looked).toBe(50);
    const next = await list({ state: 'failed', limit: '1', cursor: first.cursor ?? '' });
    expect(next.jobs.map(({ id }) => id)).toEqual(['job-100']);
  });

  it('covers every job once, however small its pages', async () => {
    const ids: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await list({ limit: '37', ...(cursor ? { cursor } : {}) });
      ids.push(...page.jobs.map(({ id }) => id));
      cursor = page.cursor;
    } while (cursor);
    expect(ids).toEqual(Array.from({ length: 250 }, (_, i) => `job-${249 - i}`));
  });
});

describe('what a list is asked for', () => {
  it.each([
    ['state', 'done', 'it takes one of queued, purging'],
    ['limit', '0', 'a whole number from 1 to 100'],
    ['limit', '101', 'a whole number from 1 to 100'],
    ['limit', '1e1', 'a whole number from 1 to 100'],
    ['limit', '', 'a whole number from 1 to 100'],
    ['cursor', 'abc', 'what an earlier answer gave'],
    ['cursor', '', 'what an earlier answer gave'],
    ['cursor', Buffer.from('1764037585000#9f86d081884c7d6').toString('base64url'), 'earlier'],
    [
      'cursor',
      `${Buffer.from('1764037585000#9f86d081884c7d65').toString('base64url')}=`,
      'earlier',
    ],
  ])('is refused when %s is "%s"', (name, value, rule) => {
    const parse = () => parseJobQuery({ [name]: value });
    expect(parse).toThrow(rule);
    expect(parse).toThrow(expect.objectContaining({ code: 'query-invalid', field: name }));
  });
});

describe('one job', () => {
  it('is shown as it is known when CloudFront cannot be asked', async () => {
    const { jobs } = ports;
    const writer = dynamoJobs(call, TABLE, { now: () => nowMs });
    await writer.begin('denied', { requestedAtMs: nowMs, tags: 1, urls: 0, work: 'w' });
    await writer.purged('denied', { purgedAtMs: nowMs, invalidations: ['I-denied'] });
    await writer.warming('denied', { warmingAtMs: nowMs, warmParts: [], warmUrls: 0 });
    expect(await readJob('denied', { ...ports, jobs })).toMatchObject({ state: 'warming' });
    expect(reported).toMatchObject([{ message: 'AccessDenied' }]);
  });

  it('that is not there is unknown', async () => {
    await expect(readJob('none', ports)).rejects.toMatchObject({ code: 'job-unknown' });
  });
});
