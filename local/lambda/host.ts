/**
 * Lambda on one machine: runs a built bundle (dist/lambda/NAME/index.js) as it is, in containers that are threads.
 *
 * A container takes one event at a time and stays warm. A new one starts when all are busy, up to `concurrency`;
 * beyond it an event waits for its turn, where Lambda would go on to start containers.
 * @module
 */
import { reasonOf } from '../../core/errors';
import { type Container, startContainer } from './container';
import { createSlots } from './slots';

export interface FunctionOptions {
  /** The function's name: `recorder`. It prefixes every line of its log. */
  readonly name: string;
  /** Absolute path of a CommonJS file that exports `handler`. */
  readonly bundle: string;
  /** All that the function finds in `process.env`, beside what Lambda sets. */
  readonly env?: Readonly<Record<string, string>>;
  /** Of one event, once the code is loaded; then the container is killed. */
  readonly timeoutMs: number;
  /** Containers at most. @default 4 */
  readonly concurrency?: number;
  /**
   * How long an event may wait for a container before it is refused as throttled. A response that waits for the
   * recorder grows older without its knowing: there the wait has to stay below the fence's slack.
   * @default - as long as it takes
   */
  readonly waitMaxMs?: number;
  /** Told every line that the function logs: `[recorder] …`. @default - they are dropped */
  readonly onLog?: (line: string) => void;
}

export interface LocalFunction {
  readonly name: string;
  /**
   * @param event what JSON can hold
   * @returns what the handler returned, as JSON carries it
   * @throws the handler's error (its name and message), `Sandbox.Timedout`, `Runtime.ExitError`, or
   *   `TooManyRequestsException` past `waitMaxMs`
   */
  invoke(event: unknown): Promise<unknown>;
  /** Kills the containers; what they have in hand is rejected. */
  close(): Promise<void>;
}

export const CONCURRENCY = 4;

export function loadFunction(options: FunctionOptions): LocalFunction {
  const { name, bundle, timeoutMs, env = {}, onLog = () => {}, waitMaxMs } = options;
  const { concurrency = CONCURRENCY } = options;
  const slots = createSlots(concurrency);
  const all = new Set<Container>();
  const warm: Container[] = [];
  let isClosed = false;

  const start = (): Container => {
    const log = (line: string) => onLog(`[${name}] ${line}`);
    const container = startContainer({ name, bundle, env, timeoutMs, onLog: log });
    all.add(container);
    return container;
  };
  const putBack = (container: Container) => {
    if (container.isAlive()) warm.push(container);
    else all.delete(container);
  };
  const takeWarm = (): Container | undefined => {
    const container = warm.pop();
    if (!container || container.isAlive()) return container;
    all.delete(container); // it died of something its handler had left running
    return takeWarm();
  };

  const invoke = async (event: unknown): Promise<unknown> => {
    if (!(await slots.take(waitMaxMs))) throw throttled(name, concurrency);
    try {
      if (isClosed) throw new Error(`the function ${name} is closed`);
      const container = takeWarm() ?? start();
      try {
        return await container.run(event);
      } catch (thrown) {
        if (!container.isAlive()) onLog(`[${name}] ${reasonOf(thrown)}`); // the runtime could not
        throw thrown;
      } finally {
        putBack(container);
      }
    } finally {
      slots.release();
    }
  };

  return {
    name,
    invoke,
    close: async () => {
      isClosed = true;
      await Promise.all([...all].map((container) => container.close()));
    },
  };
}

function throttled(name: string, concurrency: number): Error {
  const message = `Rate Exceeded: all ${concurrency} containers of ${name} are busy`;
  return Object.assign(new Error(message), { name: 'TooManyRequestsException' });
}
