import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Run, run } from './run';
import { openStage, type Stage } from './stage';
import { SWEEP_RUNS } from './traits';

/** Beyond the sweep, by seed. `npm run faults` has more. */
const RUNS = 64;

/** Runs go on side by side on as many. */
let stages: readonly Stage[];
beforeAll(async () => {
  stages = await Promise.all([openStage(), openStage()]);
});
afterAll(() => Promise.all(stages.map((stage) => stage.close())));

async function runAll(from: number, to: number): Promise<readonly Run[]> {
  const runs: Run[] = [];
  let next = from;
  const runOn = async (stage: Stage) => {
    while (next <= to) runs.push(await run(next++, stage));
  };
  await Promise.all(stages.map(runOn));
  return runs;
}

const violationsIn = (runs: readonly Run[]) =>
  runs.flatMap(({ seed, violations }) => violations.map((what) => `run ${seed}: ${what}`));

function totalOf(runs: readonly Run[]): Record<string, number> {
  const total: Record<string, number> = {};
  for (const { counts } of runs) {
    for (const [name, count] of Object.entries(counts)) total[name] = (total[name] ?? 0) + count;
  }
  return total;
}

describe('a worker that is killed at any of its requests', () => {
  it('loses nothing, pays nothing twice, and its job becomes fresh', async () => {
    const runs = await runAll(1, SWEEP_RUNS);
    expect(violationsIn(runs)).toEqual([]);
    expect(totalOf(runs)).toMatchObject({
      'killed before': SWEEP_RUNS / 2,
      'killed after': SWEEP_RUNS / 2,
      fresh: SWEEP_RUNS,
    });
  }, 300_000);
});

describe('workers that are cut off, throttled, delayed, heard twice and killed', () => {
  it('lose nothing and pay nothing twice; what they give up says why', async () => {
    const runs = await runAll(SWEEP_RUNS + 1, SWEEP_RUNS + RUNS);
    expect(violationsIn(runs)).toEqual([]);
    const { untold = 0, ...total } = totalOf(runs);
    expect(untold).toBeLessThan(RUNS / 20);
    for (const name of ['cut-before', 'cut-after', 'delay', 'throttle', 'duplicate', 'at once']) {
      expect({ name, isFrequent: (total[name] ?? 0) > 10 }).toEqual({ name, isFrequent: true });
    }
    for (const name of ['killed before', 'killed after', 'poisons', 'dead', 'fresh', 'failed']) {
      expect({ name, isThere: (total[name] ?? 0) > 0 }).toEqual({ name, isThere: true });
    }
  }, 300_000);
});
