/**
 * A machine: a clock that is a little wrong, and a life that may end at any call.
 *
 * A machine that has died never answers and never goes on: what it was about to do after its last call is not done.
 * @module
 */
import type { DynamoCall } from '../../aws/dynamo';
import type { Clock } from '../../core/ports';
import type { World } from './world';

export interface Machine {
  readonly clock: Clock;
  /** Lets a call out, and its answer in, unless the machine has died meanwhile. */
  readonly alive: <T>(call: Promise<T>) => Promise<T>;
  readonly call: DynamoCall;
}

export interface MachineTraits {
  readonly call: DynamoCall;
  /** Its clock is wrong by so much at most. */
  readonly skewMsMax: number;
  /** Calls after which it dies; undefined lets it live. */
  readonly callsToLive?: number | undefined;
}

export function createMachine(
  world: World,
  { call, skewMsMax, callsToLive }: MachineTraits,
): Machine {
  const skewMs = world.random.between(-skewMsMax, skewMsMax);
  let left = callsToLive ?? Number.POSITIVE_INFINITY;
  const forever = new Promise<never>(() => {});

  const alive = async <T>(answer: Promise<T>): Promise<T> => {
    left -= 1;
    const isDoomed = left < 0;
    try {
      const value = await answer;
      return isDoomed ? await forever : value;
    } catch (thrown) {
      if (isDoomed) return forever;
      throw thrown;
    }
  };
  return {
    alive,
    call: (operation, input) => alive(call(operation, input)),
    clock: {
      now: () => Math.floor(world.now() + skewMs),
      sleep: (ms) => alive(world.sleep(ms)),
    },
  };
}
