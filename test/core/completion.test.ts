import { describe, expect, it } from 'vitest';
import { complete, completeAll } from '../../core/completion';
import type { JobFacts } from '../../core/jobs';

const clean = { atMs: 9, warmed: 2, stale: [], staleCount: 0, failed: [], failedCount: 0 };
const warmed: JobFacts = {
  id: 'j',
  requestedAtMs: 1,
  tags: 1,
  urls: 0,
  purgedAtMs: 3,
  warmingAtMs: 4,
  warmParts: ['a'],
  invalidations: ['I1', 'I2', 'I3'],
  parts: { a: clean },
};

/** Asks of invalidations that stand as they are told; time stands at 100. */
async function completedWith(facts: JobFacts, statuses: Record<string, 'completed' | 'unknown'>) {
  const asked: string[] = [];
  const told: [string, number][] = [];
  const ports = {
    jobs: {
      get: async () => facts,
      completed: async (id: string, atMs: number) => void told.push([id, atMs]),
    },
    purger: {
      status: async (id: string) => {
        asked.push(id);
        return statuses[id] ?? ('in-progress' as const);
      },
    },
    clock: { now: () => 100 },
  };
  return { after: await complete(facts, ports), asked, told, ports };
}

const ALL = { I1: 'completed', I2: 'completed', I3: 'completed' } as const;

describe('a job whose warms have ended', () => {
  it('is completed when CloudFront says so of each of its invalidations', async () => {
    const { after, told } = await completedWith(warmed, ALL);
    expect(after).toEqual({ ...warmed, completedAtMs: 100 });
    expect(told).toEqual([['j', 100]]);
  });

  it.each<[string, Record<string, 'completed' | 'unknown'>, string[]]>([
    ['the newest is in progress: no other is asked about', { I1: 'completed' }, ['I3']],
    ['an older one is', { I2: 'completed', I3: 'completed' }, ['I3', 'I2', 'I1']],
    ['CloudFront does not say', { ...ALL, I1: 'unknown' }, ['I3', 'I2', 'I1']],
  ])('stays as it is when %s', async (_, statuses, expected) => {
    const { after, asked, told } = await completedWith(warmed, statuses);
    expect(after).toBe(warmed);
    expect(asked).toEqual(expected);
    expect(told).toEqual([]);
  });
});

describe('CloudFront is not asked about a job', () => {
  it.each<[string, JobFacts]>([
    ['that is still warming', { ...warmed, parts: {} }],
    ['that is completed', { ...warmed, completedAtMs: 50 }],
    ['that needed no purge', { ...warmed, invalidations: [] }],
    ['that was refused', { ...warmed, warmParts: undefined, parts: {} } as unknown as JobFacts],
  ])('%s', async (_, facts) => {
    const { after, asked } = await completedWith(facts, ALL);
    expect(after).toBe(facts);
    expect(asked).toEqual([]);
  });
});

describe('the jobs of a warm part', () => {
  it('are completed, each that is there', async () => {
    const { ports, told } = await completedWith({ ...warmed, parts: {} }, ALL);
    const get = async (id: string) => (id === 'gone' ? undefined : { ...warmed, id });
    await completeAll(['one', 'gone', 'two'], { ...ports, jobs: { ...ports.jobs, get } });
    expect(told).toEqual([
      ['one', 100],
      ['two', 100],
    ]);
  });
});
