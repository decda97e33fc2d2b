/**
 * One origin, or a group of two: the second is asked when the first fails a GET, and the function runs for each that
 * has answered.
 *
 *     first: 503    function(503), its result dropped    second: 200    function(200), which is cached
 *     first: none   no function                          second: 200    function(200)
 *
 * @see CFDG, high_availability_origin_failover, RequestAndResponseBehaviorOriginGroups
 * @module
 */
import { runOriginResponse } from './lambda-edge';
import type { Settings } from './options';
import { type OriginAnswer, type OriginClient, OriginFailure, originClient } from './origin-fetch';
import { type Ask, isCacheable } from './origin-request';
import { discard } from './shared-body';

export interface Origin {
  readonly client: OriginClient;
  /** The distribution's, with this origin in it. */
  readonly settings: Settings;
}

export type Origins = readonly [Origin, ...Origin[]];

export function openOrigins(settings: Settings): Origins {
  const open = (origin: URL): Origin => {
    const own = { ...settings, origin };
    return { client: originClient(own), settings: own };
  };
  const { origin, failover } = settings;
  return [open(origin), ...(failover ? [open(failover.origin)] : [])];
}

/** @throws OriginFailure, FunctionFailure */
export async function askOrigins(
  ask: Ask,
  signal: AbortSignal,
  [first, second]: Origins,
): Promise<OriginAnswer> {
  if (!second || !isCacheable(ask.method)) return askOne(ask, signal, first);
  const answer = await askOne(ask, signal, first).catch((thrown: unknown) => {
    if (signal.aborted || !(thrown instanceof OriginFailure)) throw thrown;
  });
  if (answer && !first.settings.failover?.statuses.includes(answer.status)) return answer;
  if (answer) void discard(answer.body);
  return askOne(addressedTo(ask, second), signal, second);
}

async function askOne(ask: Ask, signal: AbortSignal, origin: Origin): Promise<OriginAnswer> {
  const answer = await origin.client.fetch(ask, signal);
  try {
    return await runOriginResponse(ask, answer, origin.settings);
  } catch (thrown) {
    answer.body.destroy();
    throw thrown;
  }
}

function addressedTo(ask: Ask, { settings }: Origin): Ask {
  const lines = ask.lines.map(([name, value]) =>
    name === 'Host' ? ([name, settings.origin.host] as const) : ([name, value] as const),
  );
  return { ...ask, lines };
}
