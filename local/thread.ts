/**
 * Worker threads made of a function's own text.
 *
 * So the code of a thread is typed and checked like any other, and is found from dist/ as well as from the sources
 * that vitest runs. The price: such a function sees nothing of its module. It takes what it needs with `require`
 * and from `workerData`; of other modules it may import types only.
 * @module
 */
import { Worker, type WorkerOptions } from 'node:worker_threads';

/** @param main runs in the thread, with none of the variables around it */
export function startThread(
  main: () => void,
  options: Pick<WorkerOptions, 'workerData' | 'env' | 'stdout' | 'stderr'>,
): Worker {
  // execArgv: loaders of the parent (a test runner's, say) are none of the thread's business
  return new Worker(`(${main})()`, { ...options, eval: true, execArgv: [] });
}
