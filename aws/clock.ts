import { setTimeout as wait } from 'node:timers/promises';
import type { Clock } from '../core/ports';

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  async sleep(ms, signal) {
    await wait(ms, undefined, signal ? { signal } : {}).catch((thrown: Error) => {
      if (thrown.name !== 'AbortError') throw thrown;
    });
  },
};
