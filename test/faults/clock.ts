/**
 * The workers' clock: real time, and all that was skipped. Who sleeps skips, and goes on at once.
 *
 * So the bundles run with the very pauses that they are deployed with (gather, grace, paces, 45 s of silence before a
 * takeover), and a run with hours of redelivery takes a tenth of a second. Timeouts of sockets stay real. It never goes
 * back, from run to run: a container that is used again remembers a pace.
 * @module
 */
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setEnvironmentData } from 'node:worker_threads';

export interface SkippingClock {
  /** By which threads find it. */
  readonly key: string;
  now(): number;
  skip(ms: number): void;
}

/** Threads of `skippingBundle` that are started after this share it. */
export function createClock(): SkippingClock {
  const key = `isr-skipped-${randomUUID()}`;
  const skipped = new BigInt64Array(new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT));
  setEnvironmentData(key, skipped as unknown as NodeJS.Dict<string>);
  return {
    key,
    now: () => Date.now() + Number(Atomics.load(skipped, 0)),
    skip: (ms) => void Atomics.add(skipped, 0, BigInt(ms)),
  };
}

/**
 * A module that loads a bundle under that clock. V8's code cache lies beside it: a worker that was killed is replaced in
 * half the time, and the bundle is the same.
 * @param folder where it is written
 * @returns its path
 */
export function skippingBundle(bundle: string, { key }: SkippingClock, folder: string): string {
  const name = basename(dirname(bundle));
  const path = join(folder, `${name}.cjs`);
  const cache = join(folder, `${name}.cache`);
  writeFileSync(
    path,
    `module.exports = (${load})(${JSON.stringify([bundle, cache, key])}, require);\n`,
  );
  return path;
}

/** Runs in the thread, with none of the variables around it (local/thread.ts). */
function load([bundle, cache, key]: [string, string, string], require: NodeJS.Require): unknown {
  const fs: typeof import('node:fs') = require('node:fs');
  const vm: typeof import('node:vm') = require('node:vm');
  const threads: typeof import('node:worker_threads') = require('node:worker_threads');
  const timers: typeof import('node:timers/promises') = require('node:timers/promises');

  const skipped = threads.getEnvironmentData(key) as unknown as BigInt64Array;
  const now = Date.now;
  Date.now = () => now() + Number(Atomics.load(skipped, 0));
  const sleep = async (ms = 0) => {
    Atomics.add(skipped, 0, BigInt(Math.ceil(ms)));
    await new Promise(setImmediate); // others have their turn, as in any sleep
  };
  Object.assign(timers, { setTimeout: sleep });

  const source = `(function (exports, require, module) {${fs.readFileSync(bundle, 'utf8')}\n})`;
  const cachedData = fs.existsSync(cache) ? fs.readFileSync(cache) : undefined;
  const script = new vm.Script(source, { filename: bundle, ...(cachedData ? { cachedData } : {}) });
  const module = { exports: {} as { handler: (...given: unknown[]) => Promise<unknown> } };
  script.runInThisContext()(module.exports, require, module);
  if (cachedData) return module.exports;
  const { handler } = module.exports;
  const keep = () => {
    const own = `${cache}.${threads.threadId}`;
    fs.writeFileSync(own, script.createCachedData());
    fs.renameSync(own, cache);
  };
  // by then it holds what an invocation compiles
  return { handler: (...given: unknown[]) => handler(...given).finally(keep) };
}
