/**
 * `npm run simulate`: many histories on all cores, or one of them in words.
 *
 *     npm run simulate -- --seeds 1000000            from seed 1 on; progress, a summary, exit code 1 at a violation
 *     npm run simulate -- --seeds 1000 --from 5000
 *     npm run simulate -- --seed 821 [--mutant 1]    replays a seed, shrunk when it violates something, and tells it
 *
 * @module
 */
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { MUTANTS } from './mutants';
import { type Mutant, shrink, simulate, type Violation } from './simulation';

/** Seeds that a thread takes at a time. */
const CHUNK = 200;

interface Found extends Violation {
  readonly seed: number;
}

interface Task {
  readonly from: number;
  readonly to: number;
}

async function work({ from, to }: Task, mutant: Mutant | undefined): Promise<Found[]> {
  Error.stackTraceLimit = 0; // thousands of errors are thrown on purpose
  const found: Found[] = [];
  for (let seed = from; seed < to; seed += 1) {
    const { violations } = await simulate(seed, mutant);
    if (violations[0]) found.push({ seed, ...violations[0] });
  }
  return found;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '10000' },
      from: { type: 'string', default: '1' },
      seed: { type: 'string' },
      mutant: { type: 'string' },
    },
  });
  const mutant =
    values.mutant === undefined ? undefined : MUTANTS[whole('mutant', values.mutant) - 1];
  if (values.mutant !== undefined && !mutant) {
    throw new Error(`--mutant is ${values.mutant}: there are ${MUTANTS.length}, counted from 1`);
  }
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

  await Promise.all(
    Array.from({ length: availableParallelism() }, async () => {
      const thread = new Worker(__filename, {
        workerData: { mutant },
        resourceLimits: { maxYoungGenerationSizeMb: 128 },
      });
      while (next < to) {
        const task = { from: next, to: Math.min(next + CHUNK, to) };
        next = task.to;
        thread.postMessage(task);
        for (const it of await answerOf(thread)) {
          found.push(it);
          console.log(`seed ${it.seed}: ${it.invariant}: ${it.what}`);
        }
        done += task.to - task.from;
      }
      await thread.terminate();
    }),
  );
  clearInterval(progress);

  console.log(`${to - from} seeds from ${from}, ${found.length} violations, ${seconds()} s`);
  return found.length > 0 ? 1 : 0;
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
  const mutant =
    workerData.mutant === undefined ? undefined : MUTANTS[Number(workerData.mutant) - 1];
  parentPort?.on('message', async (task: Task) =>
    parentPort?.postMessage(await work(task, mutant)),
  );
}
