/**
 * A breaker: an origin that is down is asked by one fetch at a time, at growing distances, instead of by all of them.
 *
 *     closed   everybody goes
 *     open     after five refusals in a row: one goes after 1 s, the next after 2 s, 4 s, …; an answer closes it
 *     over     the next one would come after the deadline: nobody goes any more
 *
 * So an outage that ends before the deadline costs nothing but its time, and one that does not ends the warm as soon as
 * no further look is possible.
 * @module
 */
import type { Clock } from './ports';

const REFUSALS_MAX = 5;
const PROBE_PAUSE_MS = 1_000;

export interface Breaker {
  /** Waits until this fetch may go; undefined when it may not before the deadline. */
  enter(): Promise<Pass | undefined>;
  /** Nobody may go any more. */
  isOver(): boolean;
  /** Refusals since the last answer. */
  refusals(): number;
}

/** What came of a fetch; of one that was not made after all, neither. */
export type Passed = 'answered' | 'refused' | 'neither';

export interface Pass {
  /** To be called once. */
  leave(passed: Passed): void;
}

export function breakerUntil(deadlineAtMs: number, clock: Clock): Breaker {
  let refusals = 0;
  let pauseMs = PROBE_PAUSE_MS;
  let probeAtMs = 0;
  /** While it is open, whoever comes waits for whoever came before. */
  let turn: Promise<void> = Promise.resolve();

  const isOpen = () => refusals >= REFUSALS_MAX;
  const isOver = () => isOpen() && probeAtMs > deadlineAtMs;

  function count(passed: Passed): void {
    if (passed === 'neither') return;
    refusals = passed === 'answered' ? 0 : refusals + 1;
    if (refusals !== REFUSALS_MAX) return;
    pauseMs = PROBE_PAUSE_MS;
    probeAtMs = clock.now() + pauseMs;
  }

  async function probe(end: () => void): Promise<Pass | undefined> {
    if (!isOpen()) {
      end();
      return { leave: count };
    }
    if (isOver()) {
      end();
      return undefined;
    }
    await clock.sleep(Math.max(0, probeAtMs - clock.now()));
    return {
      leave(passed) {
        count(passed);
        pauseMs *= 2;
        probeAtMs = clock.now() + pauseMs;
        end();
      },
    };
  }

  return {
    isOver,
    refusals: () => refusals,
    async enter() {
      if (!isOpen()) return { leave: count };
      const before = turn;
      let end: () => void = () => {};
      turn = new Promise((resolve) => {
        end = resolve;
      });
      await before;
      return probe(end);
    },
  };
}
