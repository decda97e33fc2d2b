import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ROOT } from '../support/bundles';
import { run } from '../support/process';
import { MUTANTS, SEEDS } from './mutants';
import { shrink, simulate } from './simulation';

const SCRIPT = join(ROOT, 'scripts/simulate.mjs');
/** Within so many histories a mistake has to show. */
const SEEDS_MAX = 10_000;

const SPARINGLY = new Set(['wide', 'wildcards', 'budgets', 'refusals', 'refusedWarms']);

beforeEach(() => {
  vi.spyOn(console, 'error').mockImplementation(() => {}); // the workers' own log lines
});
afterEach(() => vi.restoreAllMocks());

describe('ten thousand histories of a site', () => {
  it('violate nothing: no page stays stale, nothing is lost, nothing is paid twice', async () => {
    const { code, out } = await run(SCRIPT, ['--seeds', String(SEEDS_MAX)]);
    if (code !== 0) throw new Error(out); // the first of them in words
    expect(out).toMatch(/^10000 seeds from 1, 0 violations, \d+ s$/m);
  }, 300_000);

  it('tell the first that violates something in words', async () => {
    const { code, out } = await run(SCRIPT, ['--seeds', '100', '--mutant', '4']);
    expect(code).toBe(1);
    expect(out).toMatch(/^seed \d+: I\d: /);
    expect(out).toMatch(/^ +\d+ ms {2}this site: /m);
    expect(out).toMatch(/^ +\d+ ms {2}!! I\d: /m);
    expect(out).toMatch(/^100 seeds from 1, \d+ violations, \d+ s$/m);
  }, 60_000);

  it('have every case that they are about', async () => {
    const total: Record<string, number> = {};
    for (let seed = 1; seed <= 300; seed += 1) {
      const { counts } = await simulate(seed);
      for (const [name, count] of Object.entries(counts)) total[name] = (total[name] ?? 0) + count;
    }
    expect(Object.keys(total).length).toBeGreaterThan(20);
    for (const [name, count] of Object.entries(total)) {
      const isFrequent = count > (SPARINGLY.has(name) ? 0 : 10);
      expect({ name, count, isFrequent }).toEqual({ name, count, isFrequent: true });
    }
  }, 60_000);
});

describe('a history', () => {
  it('is the same, to the last word, for the same seed', async () => {
    const tell = () => simulate(7, undefined, { isTold: true });
    const [one, two] = [await tell(), await tell()];
    expect(one.story.length).toBeGreaterThan(50);
    expect(one).toEqual(two);
    expect((await simulate(8, undefined, { isTold: true })).story).not.toEqual(one.story);
  });

  it('that violates something is shrunk until no act can be left out', async () => {
    const deletesEdges = MUTANTS.find(({ name }) => name.includes('deletes the edges'));
    let seed = 1; // a call more or less anywhere makes other histories
    const isOld = async (without: ReadonlySet<number>) => {
      const { violations } = await simulate(seed, deletesEdges, { without });
      return violations.some(({ invariant }) => invariant === 'I1');
    };
    while (!(await isOld(new Set()))) seed += 1;
    const without = await shrink(seed, deletesEdges);
    expect(without.size).toBeGreaterThan(0);
    expect(await isOld(without)).toBe(true);
    const { acts, story } = await simulate(seed, deletesEdges, { without, isTold: true });
    expect(story.some((line) => line.includes('!! I1'))).toBe(true);
    for (let act = 0; act < acts; act += 1) {
      if (!without.has(act)) expect(await isOld(new Set([...without, act]))).toBe(false);
    }
  }, 60_000);
});

describe('the simulation finds a mistake when', () => {
  it.each(MUTANTS.map((mutant, at) => ({ ...mutant, seed: SEEDS[at] ?? 1 })))(
    '$name, which breaks $breaks',
    async (mutant) => {
      const shows = async (seed: number) => {
        const { violations } = await simulate(seed, mutant);
        return violations.some(({ invariant }) => invariant === mutant.breaks);
      };
      if (await shows(mutant.seed)) return;
      let seed = 1; // something has changed since it was noted
      while (seed <= SEEDS_MAX && !(await shows(seed))) seed += 1;
      expect(seed).toBeLessThanOrEqual(SEEDS_MAX);
    },
    120_000,
  );
});
