/**
 * What one revalidation asks of DynamoDB, counted from the built functions: `isr cost` reckons with it; and how often a
 * worker asks anybody for anything: the sweep kills it at each of these.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { REQUESTS } from '../../core/costs';
import { run } from './run';
import { openStage, type Role, type Stage } from './stage';
import { SWEEP_RUNS, SWEPT } from './traits';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

/** The highest number of a request of a worker that nobody has killed. */
async function countOf(role: Role, seed: number): Promise<number> {
  let count = 0;
  const line = new RegExp(`^ +${role} \\d+ #(\\d+) `);
  await run(seed, stage, (told) => {
    count = Math.max(count, Number(line.exec(told)?.[1] ?? 0));
  });
  return count;
}

/** `  warmer 2 #3 dynamodb UpdateItem pace#warm #` */
async function requestsOf(role: 'invalidator' | 'warmer', seed: number) {
  const all = { reads: 0, writes: 0 };
  const pace = { reads: 0, writes: 0 };
  const line = new RegExp(`^ +${role} \\d+ #\\d+ dynamodb (\\w+) (\\S*)`);
  await run(seed, stage, (told) => {
    const [, operation, key = ''] = line.exec(told) ?? [];
    if (operation === undefined) return;
    const kind = operation === 'UpdateItem' ? 'writes' : 'reads';
    all[kind] += 1;
    if (key === 'pace#warm') pace[kind] += 1;
  });
  return { all, pace };
}

describe('a revalidation of two tags and a url, four pages in all', () => {
  it('takes of the invalidator what isr cost reckons with', async () => {
    const { job, purge, tag, url } = REQUESTS;
    // the sweep's last run kills a warmer after its last request: the invalidator was left alone
    const { all } = await requestsOf('invalidator', SWEEP_RUNS);
    expect(all).toEqual({
      reads: job.reads + purge.reads + 2 * tag.reads + url.reads,
      writes: job.writes + purge.writes + 2 * tag.writes + url.writes,
    });
  });

  it('takes of the warmer what isr cost reckons with, and of its pace a write for four fetches', async () => {
    const { warmPart, warmLanes } = REQUESTS;
    const records = 1; // read together: billed one by one
    // the sweep's first run kills an invalidator, and leaves the warmer alone
    const { all, pace } = await requestsOf('warmer', 1);
    expect(all).toEqual({
      reads: records + warmPart.reads + pace.reads,
      writes: warmPart.writes + pace.writes,
    });
    expect(pace.reads).toBe(warmLanes.reads);
    expect(pace.writes - warmLanes.writes).toBeLessThanOrEqual(1); // a rate that is raised meanwhile is one more
  });
});

describe('the sweep', () => {
  it('leaves no request out: whoever makes one more than is swept has to note it', async () => {
    // the last run leaves the invalidator alone, the first one the warmer
    expect(await countOf('invalidator', SWEEP_RUNS)).toBeLessThanOrEqual(SWEPT.invalidator);
    expect(await countOf('warmer', 1)).toBeLessThanOrEqual(SWEPT.warmer);
  });
});
