import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { until } from './until';

export interface Finished {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface Running {
  readonly child: ChildProcess;
  /** The first match in what it has printed so far; waits for it. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
  finished(): Promise<Finished>;
}

/** Starts a built program with Node, as a shell would. */
export function start(
  script: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Running {
  const child = spawn(process.execPath, [script, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1', ...env },
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (data) => {
    out += data;
  });
  child.stderr.on('data', (data) => {
    err += data;
  });
  const closed = once(child, 'close');
  return {
    child,
    printed: (pattern) =>
      until(() => {
        const match = pattern.exec(out);
        if (!match && child.exitCode !== null) throw new Error(`it ended: ${out}${err}`);
        return match;
      }, `${script} prints ${pattern}`),
    async finished() {
      const [code] = await closed;
      return { code, out, err };
    },
  };
}

export function run(script: string, args: readonly string[], env?: NodeJS.ProcessEnv) {
  return start(script, args, env).finished();
}
