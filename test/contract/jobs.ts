/** What Jobs promises (core/ports.ts). Every implementation runs it. */
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Job, type JobPlan, jobOf } from '../../core/jobs';
import { jobPlace } from '../../core/keys';
import type { Jobs } from '../../core/ports';

const begun = {
  requestedAtMs: 1_000,
  purgingAtMs: 1_010,
  epochMs: 1_500,
  tags: 2,
  urls: 1,
  purge: 'p1',
  work: 'w1',
};
const purged = {
  purgedAtMs: 2_000,
  items: 3,
  priceUsd: 0.015,
  skipped: 0,
  covered: 7,
  invalidations: ['I1', 'I2'],
  unpurgeable: { count: 6, sample: ['/~me: no path can name it'] },
  collateral: { count: 2, sample: ['/other'] },
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

const plan: JobPlan = {
  atMs: 2_000,
  items: [{ item: '#post:42', why: 'revalidate post:42', covers: 3, sample: ['/posts/42'] }],
  itemsCount: 1,
  skipped: [{ asked: 'post:7', why: 'no live edge' }],
  skippedCount: 1,
  priceUsd: 0.005,
  covered: 3,
  sample: ['/posts/42'],
  collateral: { count: 0, sample: [] },
  unpurgeable: { count: 1, sample: ['/~me: no path can name it'] },
  isAllowed: true,
  budget: 'no budget is set',
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
      await jobs.completed(job, 3_100);
      await jobs.conflict(job, { atMs: 3_200, work: 'w2' });
      expect(await jobs.get(job)).toEqual({
        id: job,
        ...begun,
        ...purged,
        ...warming,
        parts: { a: part },
        failedAtMs: 1_900,
        error: 'first try',
        completedAtMs: 3_100,
        conflictAtMs: 3_200,
        conflictWork: 'w2',
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
      const first = { purge: 'p1', work: 'w1' };
      expect(await jobs.begin(job, begun)).toEqual(first);
      expect(await jobs.begin(job, { ...begun, purge: 'p2' })).toEqual(first);
    });

    it('that is begun with other work stays as it is, and says what its work is', async () => {
      const job = id('other');
      const { purge: _, epochMs: __, ...dry } = begun;
      await jobs.begin(job, dry);
      const other = await jobs.begin(job, { ...begun, work: 'w2', tags: 9 });
      expect(other).toEqual({ purge: undefined, work: 'w1' });
      expect(await jobs.get(job)).toEqual({ id: job, ...dry, parts: {} });
    });

    it('keeps its first conflict', async () => {
      const job = id('conflict');
      await jobs.begin(job, begun);
      await jobs.conflict(job, { atMs: 5_000, work: 'w2' });
      await jobs.conflict(job, { atMs: 6_000, work: 'w3' });
      expect(await jobs.get(job)).toMatchObject({ conflictAtMs: 5_000, conflictWork: 'w2' });
    });

    it('ends refused, with the first reason', async () => {
      const job = id('refused');
      await jobs.begin(job, begun);
      expect(await jobs.refused(job, { atMs: 2_000, reason: 'over the budget' })).toBe(true);
      expect(await jobs.refused(job, { atMs: 3_000, reason: 'again' })).toBe(false);
      const facts = await jobs.get(job);
      expect(facts?.refused).toEqual({ atMs: 2_000, reason: 'over the budget' });
      expect(facts && jobOf(facts).state).toBe('refused');
    });

    it('ends expiring, where its pages are left to their lifetimes', async () => {
      const job = id('expiring');
      await jobs.begin(job, begun);
      const refused = { atMs: 2_000, reason: 'over the budget', oldUntilMs: 9_000 };
      expect(await jobs.refused(job, refused)).toBe(true);
      const facts = await jobs.get(job);
      expect(facts?.refused).toEqual(refused);
      expect(facts && jobOf(facts).state).toBe('expiring');
    });

    it('ends planned, with its first plan', async () => {
      const job = id('planned');
      await jobs.begin(job, begun);
      await jobs.planned(job, plan);
      await jobs.planned(job, { ...plan, atMs: 9_000, itemsCount: 7 });
      const facts = await jobs.get(job);
      expect(facts?.planned).toEqual(plan);
      expect(facts && jobOf(facts).state).toBe('planned');
    });

    it('keeps of a long plan as much as an item of the table holds', async () => {
      const job = id('long');
      await jobs.begin(job, begun);
      const items = Array.from({ length: 3_000 }, (_, i) => ({
        item: `/${i}`.padEnd(4_000, 'x'),
        why: '"'.repeat(4_000),
        covers: 10,
        sample: Array.from({ length: 10 }, () => '"'.repeat(4_000)),
      }));
      const sample = items.map(({ item }) => item);
      const skipped = items.map(({ why }) => ({ asked: why, why }));
      const long = { ...plan, items, itemsCount: 3_000, skipped, skippedCount: 3_000, sample };
      const other = { count: 3_000, sample: skipped.map(({ why }) => why) };
      await jobs.planned(job, { ...long, collateral: other, unpurgeable: other });
      const kept = (await jobs.get(job))?.planned;
      expect(kept?.items).toHaveLength(100);
      expect(kept?.itemsCount).toBe(3_000);
      expect(kept?.items[0]?.sample).toHaveLength(3);
      expect(kept?.skipped).toHaveLength(100);
      expect(kept?.skippedCount).toBe(3_000);
      expect(kept?.sample[0]).toMatch(/^\/0x{247}…$/);
    });

    it('keeps the time at which it was first found completed', async () => {
      const job = id('completed');
      await jobs.begin(job, begun);
      await jobs.completed(job, 5_000);
      await jobs.completed(job, 6_000);
      expect((await jobs.get(job))?.completedAtMs).toBe(5_000);
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

    it('comes back once, to whoever ended its warms', async () => {
      const job = id('ended');
      await jobs.begin(job, begun);
      expect(await jobs.warming(job, warming)).toBeUndefined();
      expect(await jobs.warmed(job, 'other', part)).toBeUndefined();
      expect(await jobs.warmed(job, 'a', part)).toBeUndefined();
      const ended = await jobs.warmed(job, 'b', { ...part, atMs: 4_000 });
      expect(ended).toMatchObject({ id: job, warmParts: ['a', 'b'], requestedAtMs: 1_000 });
      expect(await jobs.warmed(job, 'b', { ...part, atMs: 5_000 })).toBeUndefined();
      expect(await jobs.warmed(job, 'late', { ...part, atMs: 6_000 })).toBeUndefined();
      expect(await jobs.warming(job, { ...warming, warmingAtMs: 9_000 })).toBeUndefined();
    });

    it('comes back to who names its parts, when all were told before, or there are none', async () => {
      const [quick, none] = [id('quick'), id('none')];
      await jobs.begin(quick, begun);
      await Promise.all(['a', 'b'].map((name) => jobs.warmed(quick, name, part)));
      expect(await jobs.warming(quick, warming)).toMatchObject({ id: quick });
      await jobs.begin(none, begun);
      expect(await jobs.warming(none, { ...warming, warmParts: [] })).toMatchObject({ id: none });
    });

    it('keeps of a lost part what a redrive has brought, and of a doubted one whatever is told', async () => {
      const lost = { ...part, warmed: 0, lost: true } as const;
      const unsure = { ...part, warmed: 0, doubted: true } as const;
      for (const [told, kept] of [
        [[unsure, lost, part, lost, unsure], part],
        [[lost, unsure], lost],
        [[unsure, { ...unsure, atMs: 9_000 }], unsure],
        [
          [lost, { ...lost, atMs: 9_000, failed: ['/b: again'] }],
          { ...lost, atMs: 9_000, failed: ['/b: again'] },
        ],
      ] as const) {
        const job = id('replaced');
        await jobs.begin(job, begun);
        for (const result of told) await jobs.warmed(job, 'a', result);
        expect((await jobs.get(job))?.parts.a).toEqual(kept);
      }
    });

    it('ends with its lost parts, and once more when none is left', async () => {
      const job = id('redriven');
      const lost = { ...part, lost: true } as const;
      await jobs.begin(job, begun);
      await jobs.warming(job, warming);
      const ended: unknown[] = [];
      for (const [name, result] of [
        ['a', { ...part, doubted: true }],
        ['a', lost],
        ['b', { ...part, doubted: true }],
        ['b', lost], // here
        ['b', { ...lost, atMs: 4_000 }],
        ['a', part],
        ['a', { ...part, atMs: 4_000 }],
        ['b', part], // and here
        ['b', lost],
      ] as const) {
        ended.push((await jobs.warmed(job, name, result)) !== undefined);
      }
      expect(ended).toEqual([0, 0, 0, 1, 0, 0, 0, 1, 0].map(Boolean));
    });

    it('ends once with a part that was doubted only', async () => {
      const job = id('doubted');
      await jobs.begin(job, begun);
      await jobs.warming(job, { ...warming, warmParts: ['a'] });
      expect(await jobs.warmed(job, 'a', { ...part, doubted: true })).toBeUndefined();
      expect(await jobs.warmed(job, 'a', part)).toMatchObject({ id: job });
      expect(await jobs.warmed(job, 'a', { ...part, atMs: 9_000 })).toBeUndefined();
    });

    it('keeps when its first last try began, also before it has begun itself', async () => {
      const job = id('last-try');
      await jobs.doubted(job, { requestedAtMs: 1_000, doubtedAtMs: 1_900 });
      await jobs.doubted(job, { requestedAtMs: 1_000, doubtedAtMs: 2_900 });
      await jobs.begin(job, begun);
      expect(await jobs.get(job)).toMatchObject({ ...begun, doubtedAtMs: 1_900 });
    });

    it('takes the parts of concurrent warmers, all of them', async () => {
      const job = id('concurrent');
      await jobs.begin(job, begun);
      const names = Array.from({ length: 20 }, (_, i) => `p${i}`);
      await Promise.all(names.map((name) => jobs.warmed(job, name, part)));
      expect(Object.keys((await jobs.get(job))?.parts ?? {}).sort()).toEqual(names.sort());
    });

    it('that has expired is not made again by what is told late', async () => {
      const job = id('expired');
      expect(await jobs.warmed(job, 'a', part)).toBeUndefined();
      await jobs.completed(job, 5_000);
      await jobs.conflict(job, { atMs: 5_000, work: 'w2' });
      expect(await jobs.refused(job, { atMs: 2_000, reason: 'late' })).toBe(false);
      await jobs.planned(job, plan);
      expect(await jobs.get(job)).toBeUndefined();
    });

    it('that fails again has the last failure', async () => {
      const job = id('again');
      await jobs.failed(job, { failedAtMs: 1_900, error: 'first' });
      await jobs.failed(job, { failedAtMs: 2_900, error: 'second' });
      expect(await jobs.get(job)).toMatchObject({ failedAtMs: 2_900, error: 'second' });
    });

    it('that fails before it begins is the same job when it does', async () => {
      const job = id('early');
      const requestedAtMs = begun.requestedAtMs;
      await jobs.failed(job, { requestedAtMs, failedAtMs: requestedAtMs + 900, error: 'early' });
      await jobs.begin(job, begun);
      expect(await jobs.get(job)).toMatchObject({ ...begun, error: 'early' });
    });

    it('can fail before anything else is known of it', async () => {
      const job = id('poisoned');
      await jobs.failed(job, { failedAtMs: 1_900, error: 'poisoned' });
      const facts = await jobs.get(job);
      expect(facts && jobOf(facts)).toMatchObject({ state: 'failed', error: 'poisoned' });
    });
  });

  describe('the facts of a job, in any order and told again', () => {
    /** In the order of its purge's life; everybody else may come between. */
    const LIFE = ['begin', 'purged', 'warming'] as const;
    const OTHERS = ['doubted', 'failed', 'completed', 'conflict'] as const;
    const PARTS = ['a', 'b'].flatMap((name) =>
      (['doubt', 'lost', 'fresh'] as const).map((what) => `${what} ${name}` as const),
    );
    type Fact = (typeof LIFE | typeof OTHERS | typeof PARTS)[number];

    function tell(job: string, fact: Fact): Promise<unknown> {
      const [what, name = ''] = fact.split(' ');
      const fine = { atMs: 3_000, warmed: 4, stale: [], staleCount: 0, failed: [], failedCount: 0 };
      const none = { ...fine, warmed: 0, failed: ['/b: lost'], failedCount: 4 };
      if (what === 'begin') return jobs.begin(job, begun);
      if (what === 'purged') return jobs.purged(job, { ...purged, unpurgeable: undefined });
      if (what === 'warming') return jobs.warming(job, warming);
      if (what === 'doubted') return jobs.doubted(job, { requestedAtMs: 1, doubtedAtMs: 2_500 });
      if (what === 'failed') return jobs.failed(job, { failedAtMs: 2_600, error: 'given up' });
      if (what === 'completed') return jobs.completed(job, 4_000);
      if (what === 'conflict') return jobs.conflict(job, { atMs: 2_700, work: 'w2' });
      if (what === 'doubt') return jobs.warmed(job, name, { ...none, doubted: true });
      return jobs.warmed(job, name, what === 'lost' ? { ...none, lost: true } : fine);
    }

    /** How far a job is. What was given up before its warms were enqueued may yet be brought further, by a redrive. */
    function rankOf({ state, warmingAtMs }: Job): number {
      if (state === 'failed' && warmingAtMs === undefined) return 2.5;
      const ranks = { queued: 0, purging: 1, purged: 2, warming: 3, failed: 4, 'partly-fresh': 5 };
      return state === 'fresh' ? 6 : ranks[state as keyof typeof ranks];
    }

    const told = fc
      .record({
        others: fc.subarray([...OTHERS, ...PARTS]),
        again: fc.array(fc.constantFrom(...LIFE, ...OTHERS, ...PARTS), { maxLength: 6 }),
        seed: fc.infiniteStream(fc.nat()),
        isLate: fc.boolean(),
      })
      .map(({ others, again, seed, isLate }) => {
        const order: Fact[] = [...LIFE];
        const place = (fact: Fact, from: number) =>
          order.splice(from + ((seed.next().value ?? 0) % (order.length - from + 1)), 0, fact);
        // a job that nobody has begun is not told of its parts
        for (const fact of others) place(fact, order.indexOf('begin') + 1);
        for (const fact of again) if (order.includes(fact)) place(fact, order.indexOf(fact) + 1);
        return { order, isLate };
      });

    it('never move it back, and come to the same', async () => {
      await fc.assert(
        fc.asyncProperty(told, async ({ order, isLate }) => {
          const nowMs = isLate ? 10_000_000 : 0;
          const [job, inOrder] = [id('order'), id('order')];
          const now = async (it: string) => {
            const facts = await jobs.get(it);
            return facts ? jobOf(facts, nowMs) : undefined;
          };
          let rank = 0;
          for (const fact of order) {
            await tell(job, fact);
            const seen = await now(job);
            const next = seen ? rankOf(seen) : 0;
            expect(next).toBeGreaterThanOrEqual(rank);
            rank = next;
            if (seen?.state === 'fresh') expect(seen.error).toBeUndefined();
          }
          for (const fact of [...LIFE, ...OTHERS, ...PARTS]) {
            if (order.includes(fact)) await tell(inOrder, fact);
          }
          const end = await now(job);
          expect({ ...end, id: '' }).toEqual({ ...(await now(inOrder)), id: '' });
        }),
        { numRuns: 60 },
      );
    });
  });

  describe('recent jobs', () => {
    const nowMs = Date.now();
    const DAY_MS = 86_400_000;
    /** A day of the month's that no other test uses, so that these are its only jobs. */
    const noonMs = Math.floor(nowMs / DAY_MS) * DAY_MS - 9.5 * DAY_MS;
    const before = jobPlace('none', noonMs + DAY_MS / 2);
    const at: Record<string, number> = {};

    beforeAll(async () => {
      for (const [name, atMs] of [
        ['old', noonMs - 3 * DAY_MS],
        ['second', noonMs + 2],
        ['first', noonMs + 1],
        ['third', noonMs + 3],
      ] as const) {
        at[name] = atMs;
        await jobs.begin(`recent-${name}`, { ...begun, requestedAtMs: atMs });
      }
      await jobs.begin('recent-second', { ...begun, requestedAtMs: noonMs + 9 }); // told again
      await jobs.begin('recent-expired', { ...begun, requestedAtMs: nowMs - 40 * DAY_MS });
    });

    it('come newest first, each once, from as many days as there are', async () => {
      const { jobs: found } = await jobs.recent({ before, limit: 4 });
      const names = ['third', 'second', 'first', 'old'];
      expect(found.map((job) => job.id)).toEqual(names.map((name) => `recent-${name}`));
      expect(found.map((job) => job.requestedAtMs)).toEqual(names.map((name) => at[name]));
    });

    it('go on where a page ended', async () => {
      const page = await jobs.recent({ before, limit: 2 });
      expect(page.jobs.map((job) => job.id)).toEqual(['recent-third', 'recent-second']);
      const rest = await jobs.recent({ before: page.next ?? '', limit: 2 });
      expect(rest.jobs.map((job) => job.id)).toEqual(['recent-first', 'recent-old']);
    });

    it('end with those that are kept', async () => {
      const { jobs: found, next } = await jobs.recent({ before, limit: 100 });
      expect(found.map((job) => job.id)).not.toContain('recent-expired');
      expect(next).toBeUndefined();
    });

    it('begin with the newest, also those that were given up before they began', async () => {
      await jobs.failed('recent-poisoned', { failedAtMs: nowMs + 30_000, error: 'poisoned' });
      const { jobs: found } = await jobs.recent({ limit: 1 });
      expect(found).toMatchObject([{ id: 'recent-poisoned', error: 'poisoned' }]);
    });

    it('may be as many as a batch has room for', async () => {
      const ids = Array.from({ length: 120 }, (_, i) => `recent-many-${i}`);
      const dayMs = noonMs - 12 * DAY_MS;
      for (const [i, job] of ids.entries()) {
        await jobs.begin(job, { ...begun, requestedAtMs: dayMs + i });
      }
      const first = await jobs.recent({ before: jobPlace('none', dayMs + 999), limit: 100 });
      const second = await jobs.recent({ before: first.next ?? '', limit: 100 });
      const found = [...first.jobs, ...second.jobs].map((job) => job.id);
      expect(found.slice(0, 120)).toEqual([...ids].reverse());
    });
  });
}

let run = 0;
function id(what: string): string {
  run += 1;
  return `${what}-${run}`;
}
