import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { awakeClock } from '../../core/gather';
import type { PaceState } from '../../core/pace';
import type { Clock, Paces, Purges } from '../../core/ports';
import { purgeInWaves, wavesOf } from '../../core/waves';
import { createWorld } from '../simulation/world';

/** A world whose time passes when everybody waits (test/simulation), and paces in memory. */
function stage() {
  const world = createWorld(1);
  const clock: Clock = { now: () => Math.floor(world.now()), sleep: (ms) => world.sleep(ms) };
  const states = new Map<string, PaceState>();
  const paces: Paces = {
    get: async (name) => states.get(name),
    set: async (name, before, after) => {
      if (states.get(name) !== before) return false;
      states.set(name, after);
      return true;
    },
  };
  const whole = async <T>(work: Promise<T>): Promise<T> => {
    await new Promise((resolve) => setImmediate(resolve)); // to where it first waits
    await world.run(world.now() + 3_600_000);
    return work;
  };
  const seenAtMs: number[] = [];
  const sent = new Map<string, string>();
  const purges: Pick<Purges, 'seen' | 'sent'> = {
    seen: async (_, atMs) => void seenAtMs.push(atMs),
    sent: async (_, reference, invalidation) => void sent.set(reference, invalidation),
  };
  return { clock, paces, purges, sent, seenAtMs, whole };
}

const paths = (count: number) => Array.from({ length: count }, (_, i) => `/${i}`);

describe('waves', () => {
  it('are as large as CloudFront takes in a second, and have one wildcard each at most', () => {
    const item = fc.oneof(
      { weight: 5, arbitrary: fc.constant('/a') },
      { weight: 1, arbitrary: fc.constant('/a*') },
    );
    fc.assert(
      fc.property(fc.array(item, { maxLength: 700 }), (items) => {
        const waves = wavesOf(items);
        expect(waves.flat()).toEqual(items);
        for (const wave of waves) {
          expect(wave.length).toBeGreaterThan(0);
          expect(wave.length).toBeLessThanOrEqual(150);
          expect(wave.filter((it) => it.endsWith('*')).length).toBeLessThanOrEqual(1);
        }
      }),
    );
  });

  it('of several workers stay within what CloudFront takes from all of them together', async () => {
    const { clock, paces, purges, whole } = stage();
    const sent: { atMs: number; items: number; wildcards: number }[] = [];
    const purger = {
      purge: async (items: readonly string[]) => {
        const wildcards = items.filter((it) => it.endsWith('*')).length;
        sent.push({ atMs: clock.now(), items: items.length, wildcards });
        return { kind: 'accepted', invalidation: `I${sent.length}` } as const;
      },
    };
    const items = [...paths(800), '/a*', '/b*', '/c*'];
    const lateAtMs = clock.now() + 600_000;
    const workers = ['one', 'two', 'three'].map((id) =>
      purgeInWaves({ id, items, lateAtMs, sent: new Map() }, { purger, paces, purges, clock }),
    );
    for (const outcome of await whole(Promise.all(workers))) expect(outcome.kind).toBe('done');
    for (const { atMs } of sent) {
      const within = sent.filter((it) => it.atMs >= atMs && it.atMs < atMs + 10_000);
      const sum = (of: 'items' | 'wildcards') => within.reduce((total, it) => total + it[of], 0);
      expect(sum('items')).toBeLessThanOrEqual(150 + 10 * 150);
      expect(sum('wildcards')).toBeLessThanOrEqual(1 + 10);
    }
  });

  it('are deferred when their turn would come too late', async () => {
    const { clock, paces, purges, sent, whole } = stage();
    const purger = { purge: async () => ({ kind: 'accepted', invalidation: 'I' }) as const };
    const lateAtMs = clock.now() + 2_000;
    const work = { id: 'x', items: paths(1_000), lateAtMs, sent };
    let endedAtMs = 0;
    const ended = purgeInWaves(work, { purger, paces, purges, clock }).finally(() => {
      endedAtMs = clock.now();
    });
    expect(await whole(ended)).toEqual({
      kind: 'deferred',
      why: 'other purges come first, and time was up; 3 of 7 parts of the purge are sent, the next try goes on there',
    });
    expect(endedAtMs).toBeLessThanOrEqual(lateAtMs);
  });

  it('that were taken are not sent again: a long purge ends in several tries, each wave sent once', async () => {
    const { clock, paces, purges, sent, whole } = stage();
    const items: string[] = [];
    const purger = {
      async purge(wave: readonly string[]) {
        items.push(...wave);
        return { kind: 'accepted', invalidation: `I${items.length}` } as const;
      },
    };
    const work = () => ({ id: 'x', items: paths(1_000), lateAtMs: clock.now() + 2_000, sent });
    let tries = 0;
    const untilDone = async () => {
      for (;;) {
        tries += 1;
        const outcome = await purgeInWaves(work(), { purger, paces, purges, clock });
        if (outcome.kind === 'done') return outcome.invalidations;
      }
    };
    expect(await whole(untilDone())).toEqual(
      [150, 300, 450, 600, 750, 900, 1_000].map((it) => `I${it}`),
    );
    expect(items).toEqual(paths(1_000));
    expect(tries).toBeGreaterThan(1);
  });

  it('whose turn is far away keep saying that somebody waits for it', async () => {
    const { clock, paces, purges, seenAtMs, sent, whole } = stage();
    const purger = { purge: async () => ({ kind: 'accepted', invalidation: 'I' }) as const };
    await purgeAheadBy(100_000);
    const work = { id: 'x', items: paths(10), lateAtMs: clock.now() + 200_000, sent };
    const gatherPorts = { purges: purges as Purges, clock };
    const awake = awakeClock('x', gatherPorts);
    expect((await whole(purgeInWaves(work, { purger, paces, purges, clock: awake }))).kind).toBe(
      'done',
    );
    expect((seenAtMs.at(-1) ?? 0) - (seenAtMs[0] ?? 0)).toBeGreaterThan(80_000);
    const gaps = seenAtMs.slice(1).map((atMs, at) => atMs - (seenAtMs[at] ?? 0));
    expect(Math.max(...gaps)).toBeLessThanOrEqual(20_000);

    function purgeAheadBy(ms: number) {
      const freeAtMs = clock.now() + ms;
      return paces.set('purge-items', undefined, {
        freeAtMs,
        perSecond: 150,
        slowedAtMs: 0,
        raisedAtMs: 0,
      });
    }
  });

  it('slow down when CloudFront refuses, for all who share the pace, and recover', async () => {
    const { clock, paces, purges, sent, whole } = stage();
    let refusals = 3;
    const purger = {
      purge: async () => {
        refusals -= 1;
        return refusals >= 0
          ? ({ kind: 'deferred', why: 'TooManyInvalidationsInProgress' } as const)
          : ({ kind: 'accepted', invalidation: 'I' } as const);
      },
    };
    const beganMs = clock.now();
    const work = { id: 'x', items: paths(10), lateAtMs: beganMs + 100_000, sent };
    let endedAtMs = 0;
    const ended = purgeInWaves(work, { purger, paces, purges, clock }).finally(() => {
      endedAtMs = clock.now();
    });
    expect((await whole(ended)).kind).toBe('done');
    expect(endedAtMs - beganMs).toBeGreaterThan(6_000); // 1 + 2 + 4 s
    expect((await paces.get('purge-items'))?.perSecond).toBeLessThan(150);
  });
});
