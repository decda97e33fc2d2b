/**
 * `npm run faults`: many runs on all cores, or one of them in words.
 *
 *     npm run faults -- --runs 10000           from run 1 on; progress, a summary, exit code 1 at a violation
 *     npm run faults -- --runs 1000 --from 5000
 *     npm run faults -- --run 821              runs it again, and tells it
 *
 * @module
 */
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { type Run, run } from './run';
import { openStage } from './stage';

/** Runs that a thread takes at a time. */
const CHUNK = 10;
const PROGRESS_MS = 10_000;

interface Task {
  readonly from: number;
  readonly to: number;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string', default: '1000' },
      from: { type: 'string', default: '1' },
      run: { type: 'string' },
    },
  });
  if (values.run !== undefined) return tell(whole('run', values.run));
  const from = whole('from', values.from);
  return explore({ from, to: from + whole('runs', values.runs) });
}

function whole(name: string, value: string): number {
  if (/^[1-9]\d*$/.test(value)) return Number(value);
  throw new Error(`--${name} is ${JSON.stringify(value)}: it takes a whole number, at least 1`);
}

async function tell(seed: number): Promise<number> {
  const stage = await openStage();
  try {
    const { violations } = await run(seed, stage, console.log);
    console.log(`run ${seed}: ${violations.length} violations`);
    return violations.length > 0 ? 1 : 0;
  } finally {
    await stage.close();
  }
}

async function explore({ from, to }: Task): Promise<number> {
  const began = Date.now();
  const total: Record<string, number> = {};
  let next = from;
  let done = 0;
  let violated = 0;
  const seconds = () => ((Date.now() - began) / 1_000).toFixed(0);
  const progress = setInterval(() => {
    console.error(`${done} of ${to - from} runs, ${violated} violations, ${seconds()} s`);
  }, PROGRESS_MS);

  await Promise.all(
    Array.from({ length: availableParallelism() }, async () => {
      const thread = new Worker(__filename);
      while (next < to) {
        const task = { from: next, to: Math.min(next + CHUNK, to) };
        next = task.to;
        thread.postMessage(task);
        for (const { seed, violations, counts } of await answerOf(thread)) {
          done += 1;
          violated += violations.length;
          for (const what of violations) console.log(`run ${seed}: ${what}`);
          for (const [name, count] of Object.entries(counts))
            total[name] = (total[name] ?? 0) + count;
        }
      }
      await thread.terminate();
    }),
  );
  clearInterval(progress);

  const sorted = Object.entries(total).sort(([a], [b]) => (a < b ? -1 : 1));
  console.log(sorted.map(([name, count]) => `${count} ${name}`).join(', '));
  console.log(`${to - from} runs from ${from}, ${violated} violations, ${seconds()} s`);
  return violated > 0 ? 1 : 0;
}

async function answerOf(thread: Worker): Promise<readonly Run[]> {
  const [runs] = await once(thread, 'message'); // rejects when the thread dies
  return runs;
}

function work(): void {
  const stage = openStage();
  parentPort?.on('message', async ({ from, to }: Task) => {
    const runs: Run[] = [];
    for (let seed = from; seed < to; seed += 1) runs.push(await run(seed, await stage));
    parentPort?.postMessage(runs);
  });
}

if (isMainThread) {
  main().then(
    (code) => {
      process.exitCode = code;
    },
    (thrown: unknown) => {
      console.error(thrown);
      process.exitCode = 2;
    },
  );
} else work();
