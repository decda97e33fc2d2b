/**
 * Fetches under way, one a key: whoever asks for the same key meanwhile waits for it.
 *
 * A fetch lives while somebody waits for it, or the cache itself wants it (a background refresh). When the last viewer
 * leaves before the body is there, it is broken off and nothing is cached (CFDG, …CustomOrigin, canceled requests); as
 * long as one stays, those who leave change nothing.
 * @see CFDG, RequestAndResponseBehaviorCustomOrigin#request-custom-traffic-spikes
 * @module
 */
import type { ServerResponse } from 'node:http';
import { fetchThrough, type Outcome, type Workshop } from './fetching';
import type { Ask } from './origin-request';
import type { Copy } from './store';

export interface Flight {
  /** Never rejects. */
  readonly outcome: Promise<Outcome>;
  /** Counts a viewer until it leaves, or until what is returned is called. */
  board(viewer: ServerResponse): () => void;
  /** Goes on with no viewer there. */
  keep(): void;
}

export interface Flights {
  under(key: string): Flight | undefined;
  /** @param isJoinable others may wait for it */
  start(ask: Ask, stale: Copy | undefined, isJoinable: boolean): Flight;
}

export function createFlights(workshop: Workshop): Flights {
  const byKey = new Map<string, Flight>();

  function start(ask: Ask, stale: Copy | undefined, isJoinable: boolean): Flight {
    const controller = new AbortController();
    const outcome = fetchThrough(ask, stale, controller.signal, workshop);
    let viewers = 0;
    let isKept = false;

    const flight: Flight = {
      outcome,
      board(viewer) {
        viewers += 1;
        const leave = () => {
          viewer.off('close', leave);
          viewers -= 1;
          if (viewers === 0 && !isKept) controller.abort();
        };
        viewer.once('close', leave);
        return leave;
      },
      keep() {
        isKept = true;
      },
    };
    const land = () => {
      if (byKey.get(ask.key) === flight) byKey.delete(ask.key);
    };
    if (isJoinable) byKey.set(ask.key, flight);
    controller.signal.addEventListener('abort', land, { once: true });
    void outcome.then(async (landing) => {
      if (landing.kind === 'streaming' && landing.isShared) await landing.settled;
      land();
    });
    return flight;
  }

  return { under: (key) => byKey.get(key), start };
}
