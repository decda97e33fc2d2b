/**
 * What is purged together: revalidations gather in an open purge until nobody has joined it for a while.
 *
 *     join ─► nobody joined for `gatherMs` ─► close: its epoch ─► one worker carries it out ─► done
 *                (four times that at most)                        the others wait for it, or take over
 *
 * So a tag that is revalidated a thousand times in a second costs one item, whichever workers were told of it. None is
 * dropped: who comes after the epoch opens the next purge, and a revalidation is acknowledged when its purge is done.
 * @module
 */
import type { InvalidatorConfig } from './config';
import { hash } from './hash';
import type { Clock, Purges } from './ports';
import type { QueuedRevalidation } from './revalidation';

/** A stream of revalidations that never pauses is cut after so many waits. */
const WAITS_MAX = 4;
/** Those who wait for another worker look after so long, then less and less often. */
const LOOK_MS = { first: 500, growth: 1.5, max: 5_000 };
/** A worker that was not seen for so long has died: every wave of a purge says that it lives, and every long wait. */
const SILENT_MS = 45_000;
const SIGN_MS = 15_000;

export interface GatherPorts {
  readonly purges: Purges;
  readonly clock: Clock;
}

/** Joins revalidations to the purge that is open, or opens one. @returns its id */
export async function gather(
  asked: readonly QueuedRevalidation[],
  { purges, clock }: GatherPorts,
): Promise<string> {
  const id = hash(JSON.stringify(asked.map(({ messageId }) => messageId).sort())).slice(0, 16);
  const joining = { id, atMs: clock.now(), asked };
  for (;;) {
    const current = await purges.current();
    if (current !== undefined && (await purges.join(current, joining))) return current;
    const next = hash(JSON.stringify([id, current])).slice(0, 32);
    await purges.open(next, joining); // first: an announced one that is not there has been forgotten
    if (await purges.announce(next, current)) return next;
  }
}

/** A clock by which a purge's worker waits without falling silent. */
export function awakeClock(id: string, { purges, clock }: GatherPorts): Clock {
  return {
    now: clock.now,
    async sleep(ms, signal) {
      let leftMs = ms;
      for (; leftMs > SIGN_MS; leftMs -= SIGN_MS) {
        await clock.sleep(SIGN_MS, signal);
        await purges.seen(id, clock.now());
      }
      await clock.sleep(leftMs, signal);
    },
  };
}

export type Turn = 'ours' | 'done' | 'late';

/**
 * Waits until a purge is done, or until it is ours to carry out.
 * @param lateAtMs when to stop waiting
 */
export async function turnAt(
  id: string,
  { lateAtMs, config }: { lateAtMs: number; config: InvalidatorConfig },
  ports: GatherPorts,
): Promise<Turn> {
  if (await closed(id, config, ports)) return 'ours';
  const { purges, clock } = ports;
  for (let lookMs = LOOK_MS.first; ; lookMs = Math.min(lookMs * LOOK_MS.growth, LOOK_MS.max)) {
    const { seenAtMs = 0, doneAtMs } = await purges.progress(id);
    if (doneAtMs !== undefined) return 'done';
    const isSilent = clock.now() - seenAtMs > SILENT_MS;
    if (isSilent && (await purges.claim(id, clock.now(), seenAtMs))) return 'ours';
    if (clock.now() > lateAtMs) return 'late';
    await clock.sleep(lookMs);
  }
}

/** @returns true when it was closed here, so that nobody else carries it out */
async function closed(
  id: string,
  { gatherMs, settleMs }: InvalidatorConfig,
  { purges, clock }: GatherPorts,
): Promise<boolean> {
  for (let waits = 0; ; waits += 1) {
    const { joinedAtMs, joins, epochMs } = await purges.progress(id);
    if (epochMs !== undefined) return false;
    const nowMs = clock.now(); // later than everybody who was counted
    if (nowMs - joinedAtMs < gatherMs && waits < WAITS_MAX) await clock.sleep(gatherMs);
    else if (await purges.close(id, nowMs + settleMs, joins)) return true; // until then a render may read old data
  }
}
