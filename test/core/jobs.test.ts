import { describe, expect, it } from 'vitest';
import {
  isConflict,
  isEnded,
  isOpen,
  JOB_STATES,
  type JobFacts,
  type JobPlan,
  type JobState,
  jobOf,
  workId,
} from '../../core/jobs';
import { priceUsd } from '../../core/price';
import { parseRevalidation } from '../../core/revalidation';

const asked: JobFacts = { id: 'j', requestedAtMs: 1, tags: 1, urls: 0, parts: {} };
const clean = { atMs: 9, warmed: 2, stale: [], staleCount: 0, failed: [], failedCount: 0 };
const none = { ...clean, warmed: 0, failed: ['/x: 503'], failedCount: 2 };
const purged = { ...asked, purgingAtMs: 2, purgedAtMs: 3 };
const warming = { ...purged, warmingAtMs: 4, warmParts: ['a', 'b'], warmUrls: 4 };

const bought = { ...warming, invalidations: ['I1'] };
const plan: JobPlan = {
  atMs: 5,
  items: [],
  itemsCount: 0,
  skipped: [],
  skippedCount: 0,
  priceUsd: 0,
  covered: 0,
  sample: [],
  collateral: { count: 0, sample: [] },
  unpurgeable: { count: 0, sample: [] },
  isAllowed: true,
  budget: '',
};

describe('the state of a job', () => {
  it.each<[JobState, JobFacts]>([
    ['queued', asked],
    ['purging', { ...asked, purgingAtMs: 2 }],
    ['purged', purged],
    ['warming', warming],
    ['warming', { ...warming, parts: { a: clean } }],
    ['fresh', { ...warming, parts: { a: clean, b: clean } }],
    ['fresh', { ...purged, warmingAtMs: 4, warmParts: [] }],
    [
      'partly-fresh',
      { ...warming, parts: { a: clean, b: { ...clean, staleCount: 1, stale: ['/x'] } } },
    ],
    [
      'partly-fresh',
      { ...warming, parts: { a: clean, b: { ...clean, failedCount: 1, failed: ['/x: no'] } } },
    ],
    [
      'partly-fresh',
      {
        ...warming,
        unpurgeable: { count: 1, sample: ['/~x: no path can name it'] },
        parts: { a: clean, b: clean },
      },
    ],
    ['failed', { ...warming, parts: { a: none, b: none } }],
    ['warming', { ...warming, parts: { a: clean, other: clean } }],
    ['failed', { ...asked, failedAtMs: 2, error: 'poisoned' }],
    ['failed', { ...purged, failedAtMs: 9 }],
    ['failed', { ...purged, failedAtMs: 2 }],
    ['warming', { ...warming, failedAtMs: 3 }],
    ['warming', { ...bought, parts: { a: clean, b: clean } }],
    ['fresh', { ...bought, parts: { a: clean, b: clean }, completedAtMs: 9 }],
    ['warming', { ...bought, parts: { a: none, b: none } }],
    ['failed', { ...bought, parts: { a: none, b: none }, completedAtMs: 9 }],
    ['warming', { ...bought, parts: { a: clean }, completedAtMs: 9 }],
    ['refused', { ...asked, purgingAtMs: 2, refused: { atMs: 3, reason: 'over the budget' } }],
    ['expiring', { ...asked, purgingAtMs: 2, refused: { atMs: 3, reason: '', oldUntilMs: 9 } }],
    ['purged', { ...purged, refused: { atMs: 3, reason: 'to a duplicate, too late' } }],
    ['planned', { ...asked, purgingAtMs: 2, planned: plan }],
  ])('is %s when the facts are %j', (state, facts) => {
    expect(jobOf(facts).state).toBe(state);
  });

  const doubt = { ...none, atMs: 100, doubted: true } as const;
  const lost = { ...none, atMs: 100, lost: true } as const;
  const beyond = 100 + 300_001;
  const beyondWarm = 100 + 900_001;
  const later = 100 + 4 * 86_400_000 + 1;
  it.each<[JobState, number, JobFacts]>([
    ['purging', 101, { ...asked, purgingAtMs: 2, doubtedAtMs: 100 }],
    ['failed', beyond, { ...asked, purgingAtMs: 2, doubtedAtMs: 100 }],
    ['failed', beyond, { ...purged, doubtedAtMs: 100 }],
    ['warming', beyond, { ...warming, doubtedAtMs: 100 }],
    ['warming', 101, { ...warming, parts: { a: doubt, b: clean } }],
    ['warming', beyond, { ...warming, parts: { a: doubt, b: clean } }],
    ['partly-fresh', beyondWarm, { ...warming, parts: { a: doubt, b: clean } }],
    ['warming', beyondWarm, { ...warming, parts: { a: doubt } }],
    ['failed', 101, { ...warming, parts: { a: lost, b: lost } }],
    ['warming', beyondWarm, { ...bought, parts: { a: doubt, b: clean } }],
    ['failed', later, asked],
    ['failed', later, { ...asked, purgingAtMs: 2 }],
    ['failed', later, warming],
    ['partly-fresh', later, { ...warming, parts: { a: clean } }],
    ['warming', later, { ...bought, parts: { a: clean, b: clean } }],
    ['fresh', later, { ...warming, parts: { a: clean, b: clean } }],
  ])('is %s at %i when the facts are %j', (state, nowMs, facts) => {
    expect(jobOf(facts, nowMs).state).toBe(state);
  });

  it('has ended when nothing more will happen by itself', () => {
    const ended = ['fresh', 'partly-fresh', 'failed', 'expiring', 'refused', 'planned'];
    expect(JOB_STATES.filter(isEnded)).toEqual(ended);
  });
});

describe('a job', () => {
  it('became fresh when its last page did', () => {
    const parts = { a: clean, b: { ...clean, atMs: 12 } };
    expect(jobOf({ ...warming, parts })).toMatchObject({ freshAtMs: 12, warmed: 4 });
  });

  it('is left to the invalidator until its warms are enqueued, or it ended without', () => {
    const refused = { atMs: 1, reason: '' };
    const open = [undefined, asked, purged];
    const closed = [warming, { ...asked, refused }, { ...asked, planned: plan }];
    expect(open.map(isOpen)).toEqual([true, true, true]);
    expect(closed.map(isOpen)).toEqual([false, false, false]);
  });

  it('names what is not fresh', () => {
    const b = { ...clean, stale: ['/x'], staleCount: 1, failed: ['/y: 503'], failedCount: 1 };
    const job = jobOf({ ...warming, parts: { a: clean, b } });
    expect(job.problems).toEqual(['/x: still stale', '/y: 503']);
    expect(job.freshAtMs).toBeUndefined();
  });
});

describe('why nobody is at a job any more', () => {
  const words = (facts: JobFacts, nowMs: number) => jobOf(facts, nowMs).error;
  const given = { ...asked, failedAtMs: 3, error: 'CloudFront: AccessDenied' };

  it('is what its revalidation was given up for', () => {
    expect(words(given, 4)).toBe('CloudFront: AccessDenied');
  });

  it('is not said of one that a redrive has brought further', () => {
    expect(words({ ...warming, ...given, warmParts: ['a'] }, 4)).toBeUndefined();
    expect(words({ ...warming, ...given, parts: { a: clean, b: clean } }, 4)).toBeUndefined();
  });

  it('is a last try that never ended, when its worker cannot be alive', () => {
    const doubted = { ...asked, doubtedAtMs: 3 };
    expect(words(doubted, 4)).toBeUndefined();
    expect(words(doubted, 400_000)).toContain('the last try has begun and has not ended');
  });

  it('is a dead-letter queue, when nobody could say anything', () => {
    expect(words(warming, 86_400_000)).toBeUndefined();
    expect(words(warming, 5 * 86_400_000)).toContain('no queue has it but a dead-letter queue');
  });
});

describe('the work of a revalidation', () => {
  const work = (body: unknown) => workId(parseRevalidation(body));

  it('is the same however it is written', () => {
    const one = work({ tags: ['b', 'a'], urls: ['/2', '/1'] });
    expect(work({ urls: ['/1', '/2', '/1'], tags: ['A', 'b'], dryRun: false })).toBe(one);
  });

  it.each([
    [{ tags: ['a'] }, { tags: ['a', 'b'] }],
    [{ tags: ['/a'] }, { urls: ['/a'] }],
    [{ tags: ['a'] }, { tags: ['a'], dryRun: true }],
    [{ tags: ['a'] }, { tags: ['a'], allowCollateral: true }],
  ])('%j is other work than %j', (one, other) => {
    expect(work(one)).not.toBe(work(other));
  });

  it('conflicts with a job of other work, and with none that knows of no work', () => {
    expect(isConflict({ work: 'w1' }, 'w2')).toBe(true);
    expect(isConflict({ work: 'w1' }, 'w1')).toBe(false);
    expect(isConflict({}, 'w2')).toBe(false);
    expect(isConflict(undefined, 'w2')).toBe(false);
  });
});

describe('the price of purge items', () => {
  it.each([
    [0, 0, 0],
    [1_000, 0, 0],
    [1_001, 0, 0.005],
    [10, 995, 0.025],
    [3, 1_000, 0.015],
    [3_000, 50_000, 15],
  ])('of %i after %i of the month is %d USD', (items, usedBefore, usd) => {
    expect(priceUsd(items, usedBefore)).toBe(usd);
  });
});
