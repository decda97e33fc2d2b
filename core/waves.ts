/**
 * A purge in waves, as fast as CloudFront takes it.
 *
 * The reference names the purge and the wave's items: told again it is the same invalidation, and no other. What
 * CloudFront has no room for is normal flow: the wave is sent again, in its turn, until time is up.
 * @module
 */
import { hash } from './hash';
import type { Clock, PurgeOutcome, Purger } from './ports';
import { chunks } from './warm-parts';

/** CloudFront takes so many items a second (CFDG, cloudfront-limits#limits-invalidations). */
const WAVE_ITEMS_MAX = 150;
const WAVE_PAUSE_MS = 1_000;
/** What was refused is tried again after so long, twice as long, … */
const REFUSED_PAUSE_MS = { first: 1_000, max: 16_000 };

export type WavesOutcome =
  | { readonly kind: 'done'; readonly invalidations: readonly string[] }
  | { readonly kind: 'deferred'; readonly why: string };

interface Waves {
  readonly id: string;
  readonly items: readonly string[];
  readonly lateAtMs: number;
  /** Told before each try that somebody is at work. */
  readonly seen: () => Promise<void>;
}

export async function purgeInWaves(
  { id, items, lateAtMs, seen }: Waves,
  ports: { readonly purger: Purger; readonly clock: Clock },
): Promise<WavesOutcome> {
  const invalidations: string[] = [];
  for (const wave of chunks(items, WAVE_ITEMS_MAX)) {
    if (invalidations.length > 0) await ports.clock.sleep(WAVE_PAUSE_MS);
    const reference = hash(JSON.stringify([id, wave]));
    const outcome = await purgeUntil(lateAtMs, { wave, reference, seen }, ports);
    if (outcome.kind === 'deferred') return outcome;
    invalidations.push(outcome.invalidation);
  }
  return { kind: 'done', invalidations };
}

interface Wave {
  readonly wave: readonly string[];
  readonly reference: string;
  readonly seen: () => Promise<void>;
}

async function purgeUntil(
  lateAtMs: number,
  { wave, reference, seen }: Wave,
  { purger, clock }: { readonly purger: Purger; readonly clock: Clock },
): Promise<PurgeOutcome> {
  const { first, max } = REFUSED_PAUSE_MS;
  for (let pauseMs = first; ; pauseMs = Math.min(pauseMs * 2, max)) {
    await seen();
    const outcome = await purger.purge(wave, reference);
    if (outcome.kind === 'accepted' || clock.now() + pauseMs > lateAtMs) return outcome;
    await clock.sleep(pauseMs);
  }
}
