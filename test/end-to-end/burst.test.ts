/** A tag that is revalidated hundreds of times at once: over real HTTP, with the built bundles. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { inParallel } from '../../core/parallel';
import { type Site, startSite } from '../support/site';
import { until } from '../support/until';

/** As deployed: a purge gathers for so long at least (and until nobody has come for so long, or four times it). */
const GATHER_MS = 500;
const LANES = 20;

let site: Site;

beforeAll(async () => {
  site = await startSite({ gatherMs: GATHER_MS });
});
afterAll(() => site?.close());

it('revalidations of one tag cost one item for as long as they gather, however many they are, and the last one is fresh', async () => {
  const { client, edge } = site;
  const page = async () => (await fetch(`${edge.url}/posts/42`)).headers.has('age');
  await until(page, 'the page is cached');
  const beganMs = Date.now();
  const jobs = await inParallel(Array.from({ length: 300 }), LANES, () =>
    client.revalidate({ tags: ['post:42'] }),
  );
  const tookMs = Date.now() - beganMs;
  const last = await client.wait(jobs.at(-1)?.job ?? '', { timeoutMs: 90_000 });
  expect(last.state).toBe('fresh');
  const ended = await inParallel(jobs, LANES, ({ job }) => client.wait(job, { timeoutMs: 90_000 }));
  expect(new Set(ended.map(({ state }) => state))).toEqual(new Set(['fresh']));
  const invalidations = new Set(ended.flatMap((job) => job.invalidations ?? []));
  expect(invalidations.size).toBeLessThanOrEqual(1 + Math.ceil(tookMs / GATHER_MS));
  // the queue keeps no order, but none is purged by an epoch from before it was asked for
  for (const { epochMs = 0, requestedAtMs } of ended)
    expect(epochMs).toBeGreaterThanOrEqual(requestedAtMs);
}, 120_000);
