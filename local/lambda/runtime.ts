/**
 * Lambda's runtime, as it runs in a container's thread: loads the bundle, then hands it one event after another.
 *
 * Events and results cross as JSON text, as in Lambda: what JSON loses, a handler loses here too.
 * @module
 */

/** Container → thread. */
export interface Invocation {
  readonly requestId: string;
  readonly event: string;
  readonly deadlineMs: number;
}

/** Thread → container: once `ready`, then one answer for each invocation. */
export type RuntimeMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'result'; readonly json: string }
  | { readonly kind: 'error'; readonly name: string; readonly message: string; stack?: string };

/** What the thread is started with. */
export interface RuntimeData {
  readonly name: string;
  readonly bundle: string;
  /** When the container was asked for: its own clock begins there. */
  readonly startedAtMs: number;
}

/** Runs in the thread: it sees nothing of this module (local/thread.ts). */
export function runtime(): void {
  const threads: typeof import('node:worker_threads') = require('node:worker_threads');
  const { name, bundle, startedAtMs }: RuntimeData = threads.workerData;

  // a container's performance clock begins with it; a thread's would begin with the process
  const now = performance.now.bind(performance);
  const offsetMs = now() - (Date.now() - startedAtMs);
  Object.defineProperty(performance, 'now', { value: () => now() - offsetMs });

  const tell = (message: RuntimeMessage) => threads.parentPort?.postMessage(message);
  const { handler } = require(bundle);
  if (typeof handler !== 'function') throw new Error(`${bundle} exports no function "handler"`);

  // AWS Lambda Developer Guide, nodejs-context
  const contextOf = ({ requestId, deadlineMs }: Invocation) => ({
    awsRequestId: requestId,
    functionName: name,
    functionVersion: '$LATEST',
    invokedFunctionArn: `arn:aws:lambda:${process.env.AWS_REGION}:000000000000:function:${name}`,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: `/aws/lambda/${name}`,
    logStreamName: `local/${threads.threadId}`,
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => Math.max(deadlineMs - Date.now(), 0),
  });

  const answer = async (invocation: Invocation): Promise<RuntimeMessage> => {
    try {
      const result = await handler(JSON.parse(invocation.event), contextOf(invocation));
      return { kind: 'result', json: JSON.stringify(result) ?? 'null' };
    } catch (thrown) {
      console.error(thrown); // as Lambda's runtime does: it is in the log even when the caller drops it
      const error = thrown instanceof Error ? thrown : new Error(String(thrown));
      return { kind: 'error', name: error.name, message: error.message, stack: error.stack };
    }
  };
  threads.parentPort?.on('message', async (invocation: Invocation) =>
    tell(await answer(invocation)),
  );
  tell({ kind: 'ready' });
}
