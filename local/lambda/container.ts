/**
 * One container: a thread with a function's bundle and environment, one event at a time.
 *
 * It dies of a timeout, of `process.exit`, of what nobody caught; a handler that throws leaves it warm. Whatever it
 * dies of, the event in hand is rejected with the reason.
 * @module
 */
import { randomUUID } from 'node:crypto';
import { devNull } from 'node:os';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { Worker } from 'node:worker_threads';
import { CREDENTIALS, REGION } from '../account';
import { startThread } from '../thread';
import { type Invocation, type RuntimeData, type RuntimeMessage, runtime } from './runtime';

export interface ContainerOptions extends Omit<RuntimeData, 'startedAtMs'> {
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly onLog: (line: string) => void;
}

export interface Container {
  isAlive(): boolean;
  /** @throws what the handler threw, or what the container died of */
  run(event: unknown): Promise<unknown>;
  close(): Promise<void>;
}

/** Loading the code has its own limit (AWS Lambda Developer Guide, lambda-runtime-environment: 10 s). */
const INIT_TIMEOUT_MS = 10_000;

export function startContainer(options: ContainerOptions): Container {
  const { name, bundle, timeoutMs, onLog } = options;
  const thread = startThread(runtime, {
    workerData: { name, bundle, startedAtMs: Date.now() } satisfies RuntimeData,
    env: { ...environmentOf(name), ...options.env },
    stdout: true,
    stderr: true,
  });
  for (const stream of [thread.stdout, thread.stderr]) forEachLine(stream, onLog);

  const line = lineTo(thread);
  const ready = line.next(INIT_TIMEOUT_MS, 'Init');
  ready.catch(() => {}); // told to whoever runs

  const run = async (event: unknown): Promise<unknown> => {
    await ready;
    const invocation: Invocation = {
      requestId: randomUUID(),
      event: JSON.stringify(event ?? null),
      deadlineMs: Date.now() + timeoutMs,
    };
    const answer = line.next(timeoutMs, 'Task');
    thread.postMessage(invocation);
    return resultOf(await answer);
  };

  return {
    isAlive: line.isAlive,
    run,
    close: async () => {
      line.cut(failure('Runtime.ExitError', `the function ${name} is closed`));
      await thread.terminate();
    },
  };
}

interface Line {
  isAlive(): boolean;
  /** The thread's next message; a thread that dies, or does not answer in time and is killed for it, rejects. */
  next(limitMs: number, what: 'Init' | 'Task'): Promise<RuntimeMessage>;
  /** From now on, whoever waits or asks is told this. */
  cut(reason: Error): void;
}

function lineTo(thread: Worker): Line {
  let deadOf: Error | undefined;
  let waiting: { tell(message: RuntimeMessage): void; fail(reason: Error): void } | undefined;
  const cut = (reason: Error) => {
    deadOf ??= reason;
    waiting?.fail(deadOf);
  };
  thread.on('message', (message: RuntimeMessage) => waiting?.tell(message));
  thread.on('error', (thrown: unknown) => cut(asError(thrown)));
  thread.on('exit', (code) =>
    cut(failure('Runtime.ExitError', `Runtime exited with error: exit status ${code}`)),
  );

  const next = (limitMs: number, what: string) =>
    new Promise<RuntimeMessage>((resolve, reject) => {
      if (deadOf) return reject(deadOf);
      const timer = setTimeout(() => {
        cut(failure('Sandbox.Timedout', `${what} timed out after ${seconds(limitMs)} seconds`));
        void thread.terminate();
      }, limitMs);
      const ended = <V>(settle: (value: V) => void) => {
        return (value: V) => {
          clearTimeout(timer);
          waiting = undefined;
          settle(value);
        };
      };
      waiting = { tell: ended(resolve), fail: ended(reject) };
    });

  return { isAlive: () => deadOf === undefined, next, cut };
}

/** What Lambda sets (AWS Lambda Developer Guide, configuration-envvars), and no key that opens anything. */
function environmentOf(name: string): Record<string, string> {
  return {
    AWS_REGION: REGION,
    AWS_DEFAULT_REGION: REGION,
    AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
    AWS_LAMBDA_FUNCTION_NAME: name,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '128',
    AWS_EXECUTION_ENV: `AWS_Lambda_nodejs${process.versions.node.split('.')[0]}.x`,
    // a container has no home: the SDK must not read the developer's own profiles
    AWS_CONFIG_FILE: devNull,
    AWS_SHARED_CREDENTIALS_FILE: devNull,
    // deployed, the runtime is newer than what a developer may have: every container would say so
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
  };
}

function resultOf(message: RuntimeMessage): unknown {
  if (message.kind === 'result') return JSON.parse(message.json);
  if (message.kind === 'ready') throw new Error('the runtime answered out of turn');
  const { name, message: text, stack } = message;
  throw Object.assign(new Error(text), { name, stack });
}

function forEachLine(stream: Readable, onLine: (line: string) => void): void {
  createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on('line', onLine);
}

function failure(name: string, message: string): Error {
  return Object.assign(new Error(message), { name });
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** As Lambda writes it: `3.00`. */
function seconds(ms: number): string {
  return (ms / 1_000).toFixed(2);
}
