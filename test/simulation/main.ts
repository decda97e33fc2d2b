/**
 * `npm run simulate`: many histories on all cores, or one of them in words.
 *
 *     npm run simulate -- --seeds 1000000            from seed 1 on; progress, a summary, exit code 1 at a violation
 *     npm run simulate -- --seeds 1000 --from 5000
 *     npm run simulate -- --seed 821 [--mutant 1]    replays a seed, shrunk when it violates something, and tells it
 *     npm run simulate -- --mutants                  a seed that shows each mutant, as mutants.ts and ARCHITECTURE.md
 *                                                    have them
 *
 * @module
 */
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { MUTANTS } from './mutants';
import { type Mutant, shrink, simulate, type Violation } from './simulation';

/** Seeds that a thread takes at a time. */
const CHUNK = 100;
/** Each mutant shows within so many. */
const SEEDS_MAX = 10_000;

interface Found extends Violation {
  readonly seed: number;
}

interface Task {
  readonly from: number;
  readonly to: number;
  readonly mutant?: string | undefined;
  /** Stops at the first seed that violates it. */
  readonly until?: string;
}

async function work({ from, to, mutant, until }: Task): Promise<Found[]> {
  Error.stackTraceLimit = 0; // thousands of errors are thrown on purpose
  const found: Found[] = [];
  for (let seed = from; seed < to; seed += 1) {
    const { violations } = await simulate(seed, mutantOf(mutant));
    const shown = violations.find(({ invariant }) => invariant === until) ?? violations[0];
    if (shown) found.push({ seed, ...shown });
    if (until !== undefined && shown?.invariant === until) break;
  }
  return found;
}

function mutantOf(number: string | undefined): Mutant | undefined {
  if (number === undefined) return undefined;
  const mutant = MUTANTS[whole('mutant', number) - 1];
  if (mutant) return mutant;
  throw new Error(`--mutant is ${number}: there are ${MUTANTS.length}, counted from 1`);
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '10000' },
      from: { type: 'string', default: '1' },
      seed: { type: 'string' },
      mutant: { type: 'string' },
      mutants: { type: 'boolean', default: false },
    },
  });
  if (values.mutants) return findMutants();
  const mutant = mutantOf(values.mutant);
  if (values.seed !== undefined) return tell(whole('seed', values.seed), mutant);
  const from = whole('from', values.from);
  return explore({ from, to: from + whole('seeds', values.seeds) }, values.mutant);
}

function whole(name: string, value: string): number {
  if (/^[1-9]\d*$/.test(value)) return Number(value);
  throw new Error(`--${name} is ${JSON.stringify(value)}: it takes a whole number, at least 1`);
}

async function tell(seed: number, mutant: Mutant | undefined): Promise<number> {
  const { violations } = await simulate(seed, mutant);
  const without = violations.length > 0 ? await shrink(seed, mutant) : new Set<number>();
  const { story, violations: left, acts } = await simulate(seed, mutant, { isTold: true, without });
  console.log(story.join('\n'));
  console.log(
    `seed ${seed}: ${acts - without.size} of ${acts} acts told, ${left.length} violations`,
  );
  return left.length > 0 ? 1 : 0;
}

async function explore({ from, to }: Task, mutant: string | undefined): Promise<number> {
  const began = Date.now();
  const found: Found[] = [];
  let next = from;
  let done = 0;
  const seconds = () => ((Date.now() - began) / 1_000).toFixed(0);
  const progress = setInterval(() => {
    console.error(`${done} of ${to - from} seeds, ${found.length} violations, ${seconds()} s`);
  }, 10_000);

  await onAllCores(async (work) => {
    while (next < to) {
      const task = { from: next, to: Math.min(next + CHUNK, to) };
      next = task.to;
      for (const it of await work({ ...task, mutant })) {
        found.push(it);
        console.log(`seed ${it.seed}: ${it.invariant}: ${it.what}`);
      }
      done += task.to - task.from;
    }
  });
  clearInterval(progress);

  const first = found.sort((a, b) => a.seed - b.seed)[0];
  if (first) await tell(first.seed, mutantOf(mutant));
  console.log(`${to - from} seeds from ${from}, ${found.length} violations, ${seconds()} s`);
  return first ? 1 : 0;
}

/** For each mutant the first seed that violates what it breaks. */
async function findMutants(): Promise<number> {
  const seeds = MUTANTS.map(() => Number.NaN);
  let next = 0;
  await onAllCores(async (work) => {
    while (next < MUTANTS.length) {
      const at = next++;
      const { breaks, name } = MUTANTS[at] as Mutant;
      for (let from = 1; from <= SEEDS_MAX && Number.isNaN(seeds[at]); from += CHUNK) {
        const task = { from, to: from + CHUNK, mutant: String(at + 1), until: breaks };
        const shown = (await work(task)).find(({ invariant }) => invariant === breaks);
        if (shown) seeds[at] = shown.seed;
      }
      console.error(`${at + 1} ${name}: ${seeds[at]}`);
    }
  });
  console.log(`for mutants.ts:\n  [${seeds.join(', ')}]\n\nfor ARCHITECTURE.md:`);
  for (const [at, { name, breaks }] of MUTANTS.entries()) {
    console.log(`| ${at + 1} ${name} | ${breaks} | ${seeds[at]} |`);
  }
  return seeds.some(Number.isNaN) ? 1 : 0;
}

type Work = (task: Task) => Promise<Found[]>;

async function onAllCores(use: (work: Work) => Promise<void>): Promise<void> {
  await Promise.all(
    Array.from({ length: availableParallelism() }, async () => {
      const resourceLimits = { maxYoungGenerationSizeMb: 128 };
      const thread = new Worker(__filename, { resourceLimits });
      await use((task) => {
        thread.postMessage(task);
        return answerOf(thread);
      });
      await thread.terminate();
    }),
  );
}

async function answerOf(thread: Worker): Promise<Found[]> {
  const [found] = await once(thread, 'message'); // rejects when the thread dies
  return found;
}

console.error = isMainThread ? console.error : () => {}; // the workers' own log lines
if (isMainThread) {
  main().then(
    (code) => {
      process.exitCode = code;
    },
    (thrown: Error) => {
      console.error(`simulate: ${thrown.message}`);
      process.exitCode = 2;
    },
  );
} else {
  parentPort?.on('message', async (task: Task) => parentPort?.postMessage(await work(task)));
}
