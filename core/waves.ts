/**
 * A purge in waves, as fast as CloudFront takes it: 150 items and one wildcard a second (CFDG,
 * cloudfront-limits#limits-invalidations), and calls at a rate that no page states; `Rate exceeded` was seen at ten in a
 * second, and at fewer. All workers share one pace for each, slowed by refusals.
 *
 * The reference names the purge and the wave's items: told again it is the same invalidation, and no other. What
 * CloudFront has no room for is normal flow: the wave is sent again, in its turn, until time is up. What was taken is
 * noted: a purge that is too long for one worker's life is gone on with where the last one has stopped.
 * @module
 */
import { hash } from './hash';
import { type Pace, type PaceLimits, pace } from './pace';
import type { Clock, Paces, PurgeOutcome, Purger, Purges } from './ports';

const ITEMS: PaceLimits = { perSecond: 150, burst: 150, perSecondMin: 15 };
const WILDCARDS: PaceLimits = { perSecond: 1, burst: 1, perSecondMin: 0.2 };
const CALLS: PaceLimits = { perSecond: 2, burst: 4, perSecondMin: 0.5 };
/** Few large calls rather than many small ones: as much as a pause allows. */
const WAVE_ITEMS_MAX = ITEMS.burst;
/** What was refused is tried again after so long, twice as long, … */
const REFUSED_PAUSE_MS = { first: 1_000, max: 8_000 };

export type WavesOutcome =
  | { readonly kind: 'done'; readonly invalidations: readonly string[] }
  | { readonly kind: 'deferred'; readonly why: string };

export interface WavesPorts {
  readonly purger: Pick<Purger, 'purge'>;
  readonly purges: Pick<Purges, 'seen' | 'sent'>;
  readonly paces: Paces;
  readonly clock: Clock;
}

interface Waves {
  readonly id: string;
  readonly items: readonly string[];
  /** As `Purges.get` says: these waves are not sent again. */
  readonly sent: ReadonlyMap<string, string>;
  readonly lateAtMs: number;
}

/** @throws what a port throws; what was sent then and not noted is sent again under the same reference */
export async function purgeInWaves(
  { id, items, sent, lateAtMs }: Waves,
  ports: WavesPorts,
): Promise<WavesOutcome> {
  const { purges, paces, clock } = ports;
  const rates: Rates = {
    items: pace(paces, clock, 'purge-items', ITEMS),
    wildcards: pace(paces, clock, 'purge-wildcards', WILDCARDS),
    calls: pace(paces, clock, 'purge-calls', CALLS),
  };
  const waves = wavesOf(items);
  const invalidations: string[] = [];
  for (const wave of waves) {
    const reference = hash(JSON.stringify([id, wave]));
    const before = sent.get(reference);
    if (before !== undefined) {
      invalidations.push(before);
      continue;
    }
    const outcome = await purgeUntil({ id, wave, reference, lateAtMs }, rates, ports);
    if (outcome.kind === 'deferred') {
      const far = `${invalidations.length} of ${waves.length} parts of the purge are sent, the next try goes on there`;
      return { kind: 'deferred', why: `${outcome.why}; ${far}` };
    }
    await purges.sent(id, reference, outcome.invalidation);
    invalidations.push(outcome.invalidation);
  }
  return { kind: 'done', invalidations };
}

const isWildcard = (item: string) => item.endsWith('*');

/** In order, and at most one wildcard in each. */
export function wavesOf(items: readonly string[]): string[][] {
  const waves: string[][] = [];
  let wave: string[] = [];
  for (const item of items) {
    const isFull = wave.length === WAVE_ITEMS_MAX || (isWildcard(item) && wave.some(isWildcard));
    if (isFull) {
      waves.push(wave);
      wave = [];
    }
    wave.push(item);
  }
  return wave.length > 0 ? [...waves, wave] : waves;
}

interface Rates {
  readonly items: Pace;
  readonly wildcards: Pace;
  readonly calls: Pace;
}

interface Wave {
  readonly id: string;
  readonly wave: readonly string[];
  readonly reference: string;
  readonly lateAtMs: number;
}

async function purgeUntil(
  { id, wave, reference, lateAtMs }: Wave,
  rates: Rates,
  { purger, purges, clock }: WavesPorts,
): Promise<PurgeOutcome> {
  const { first, max } = REFUSED_PAUSE_MS;
  for (let pauseMs = first; ; pauseMs = Math.min(pauseMs * 2, max)) {
    await purges.seen(id, clock.now());
    if (!(await takeTurn(wave, rates, lateAtMs - clock.now()))) {
      return { kind: 'deferred', why: 'other purges come first, and time was up' };
    }
    const sentAtMs = clock.now();
    const outcome = await purger.purge(wave, reference);
    if (outcome.kind === 'accepted') {
      for (const rate of Object.values(rates)) await rate.recover();
      return outcome;
    }
    await rates.items.slow({ sentAtMs, pauseMs });
    await rates.calls.slow({ sentAtMs });
    if (wave.some(isWildcard)) await rates.wildcards.slow({ sentAtMs });
    if (clock.now() + pauseMs > lateAtMs) return outcome;
  }
}

/** @returns false when its turn would come too late; what it has taken of others is lost, no more */
async function takeTurn(
  wave: readonly string[],
  { items, wildcards, calls }: Rates,
  waitMsMax: number,
): Promise<boolean> {
  const wild = wave.filter(isWildcard).length;
  const turns = await Promise.all([
    items.take(wave.length, waitMsMax),
    calls.take(1, waitMsMax),
    wild === 0 || wildcards.take(wild, waitMsMax),
  ]);
  return turns.every(Boolean);
}
