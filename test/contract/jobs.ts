/** What Jobs promises (core/ports.ts). Every implementation runs it. */
import { beforeAll, describe, expect, it } from 'vitest';
import { jobOf } from '../../core/jobs';
import type { Jobs } from '../../core/ports';

const begun = {
  requestedAtMs: 1_000,
  purgingAtMs: 1_010,
  epochMs: 1_500,
  tags: 2,
  urls: 1,
  purge: 'p1',
};
const purged = {
  purgedAtMs: 2_000,
  items: 3,
  skipped: 0,
  covered: 7,
  invalidations: ['I1', 'I2'],
};
const warming = { warmingAtMs: 2_100, warmParts: ['a', 'b'], warmUrls: 7 };
const part = {
  atMs: 3_000,
  warmed: 4,
  stale: ['/a'],
  staleCount: 1,
  failed: ['/b: 503'],
  failedCount: 1,
};

export function jobsContract(open: () => Jobs): void {
  let jobs: Jobs;
  beforeAll(() => {
    jobs = open();
  });

  describe('a job', () => {
    it('is unknown until something is told of it', async () => {
      expect(await jobs.get(id('unknown'))).toBeUndefined();
    });

    it('comes back with all that was told of it', async () => {
      const job = id('whole');
      await jobs.begin(job, begun);
      await jobs.purged(job, purged);
      await jobs.warming(job, warming);
      await jobs.warmed(job, 'a', part);
      await jobs.failed(job, { failedAtMs: 1_900, error: 'first try' });
      expect(await jobs.get(job)).toEqual({
        id: job,
        ...begun,
        ...purged,
        ...warming,
        parts: { a: part },
        failedAtMs: 1_900,
        error: 'first try',
      });
    });

    it('does not move back when it is told something old again', async () => {
      const job = id('back');
      await jobs.begin(job, begun);
      await jobs.purged(job, purged);
      await jobs.begin(job, { ...begun, purgingAtMs: 9_999, tags: 99 });
      await jobs.purged(job, { ...purged, purgedAtMs: 9_999, invalidations: [] });
      expect(await jobs.get(job)).toMatchObject({ ...begun, ...purged });
    });

    it('belongs to the purge that it was told first, and says so', async () => {
      const job = id('purge');
      expect(await jobs.begin(job, begun)).toBe('p1');
      expect(await jobs.begin(job, { ...begun, purge: 'p2' })).toBe('p1');
    });

    it('counts a part once, however often it is told', async () => {
      const job = id('part');
      await jobs.begin(job, begun);
      await jobs.warming(job, warming);
      await jobs.warmed(job, 'a', part);
      await jobs.warmed(job, 'a', { ...part, warmed: 99 });
      const facts = await jobs.get(job);
      expect(facts && jobOf(facts)).toMatchObject({ state: 'warming', warmed: 4 });
    });

    it('takes the parts of concurrent warmers, all of them', async () => {
      const job = id('concurrent');
      await jobs.begin(job, begun);
      const names = Array.from({ length: 20 }, (_, i) => `p${i}`);
      await Promise.all(names.map((name) => jobs.warmed(job, name, part)));
      expect(Object.keys((await jobs.get(job))?.parts ?? {}).sort()).toEqual(names.sort());
    });

    it('that has expired is not made again by its last warm', async () => {
      const job = id('expired');
      await jobs.warmed(job, 'a', part);
      expect(await jobs.get(job)).toBeUndefined();
    });

    it('that fails again has the last failure', async () => {
      const job = id('again');
      await jobs.failed(job, { failedAtMs: 1_900, error: 'first' });
      await jobs.failed(job, { failedAtMs: 2_900, error: 'second' });
      expect(await jobs.get(job)).toMatchObject({ failedAtMs: 2_900, error: 'second' });
    });

    it('can fail before anything else is known of it', async () => {
      const job = id('poisoned');
      await jobs.failed(job, { failedAtMs: 1_900, error: 'poisoned' });
      const facts = await jobs.get(job);
      expect(facts && jobOf(facts)).toMatchObject({ state: 'failed', error: 'poisoned' });
    });
  });
}

let run = 0;
function id(what: string): string {
  run += 1;
  return `${what}-${run}`;
}
