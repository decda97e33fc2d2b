import { describe, expect, it } from 'vitest';
import { isEnded, type JobFacts, type JobState, jobOf } from '../../core/jobs';

const asked: JobFacts = { id: 'j', requestedAtMs: 1, tags: 1, urls: 0, parts: {} };
const clean = { atMs: 9, warmed: 2, stale: [], staleCount: 0, failed: [], failedCount: 0 };
const none = { ...clean, warmed: 0, failed: ['/x: 503'], failedCount: 2 };
const purged = { ...asked, purgingAtMs: 2, purgedAtMs: 3 };
const warming = { ...purged, warmingAtMs: 4, warmParts: ['a', 'b'], warmUrls: 4 };

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
    ['failed', { ...warming, parts: { a: none, b: none } }],
    ['warming', { ...warming, parts: { a: clean, other: clean } }],
    ['failed', { ...asked, failedAtMs: 2, error: 'poisoned' }],
    ['failed', { ...purged, failedAtMs: 9 }],
    ['warming', { ...warming, failedAtMs: 3 }],
  ])('is %s when the facts are %j', (state, facts) => {
    expect(jobOf(facts).state).toBe(state);
  });

  it('has ended when nothing more will happen by itself', () => {
    const states: JobState[] = [
      'queued',
      'purging',
      'purged',
      'warming',
      'fresh',
      'partly-fresh',
      'failed',
    ];
    expect(states.filter(isEnded)).toEqual(['fresh', 'partly-fresh', 'failed']);
  });
});

describe('a job', () => {
  it('became fresh when its last page did', () => {
    const parts = { a: clean, b: { ...clean, atMs: 12 } };
    expect(jobOf({ ...warming, parts })).toMatchObject({ freshAtMs: 12, warmed: 4 });
  });

  it('names what is not fresh', () => {
    const b = { ...clean, stale: ['/x'], staleCount: 1, failed: ['/y: 503'], failedCount: 1 };
    const job = jobOf({ ...warming, parts: { a: clean, b } });
    expect(job.problems).toEqual(['/x: still stale', '/y: 503']);
    expect(job.freshAtMs).toBeUndefined();
  });
});
