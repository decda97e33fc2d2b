import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dynamoPaces } from '../../aws/paces';
import { type PaceLimits, type PaceState, pace, recovered, slowed, take } from '../../core/pace';
import type { Paces } from '../../core/ports';
import { simulateDynamo } from '../simulation/dynamo';
import { createWorld, type World } from '../simulation/world';

const NOW = 1_800_000_000_000;
const LIMITS: PaceLimits = { perSecond: 20, burst: 5, perSecondMin: 1 };

const limitsOf = fc.record({
  perSecond: fc.double({ min: 0.5, max: 500, noNaN: true }),
  burst: fc.integer({ min: 1, max: 200 }),
  perSecondMin: fc.double({ min: 0.01, max: 0.5, noNaN: true }),
});

type Act = { readonly afterMs: number } & (
  | { readonly kind: 'take'; readonly count: number }
  | { readonly kind: 'slow'; readonly sentMsAgo: number; readonly pauseMs: number }
  | { readonly kind: 'recover' }
);

const afterMs = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 3_000 }));
const acts = fc.array(
  fc.oneof<fc.Arbitrary<Act>[]>(
    fc.record({
      afterMs,
      kind: fc.constant('take' as const),
      count: fc.integer({ min: 1, max: 20 }),
    }),
    fc.record({
      afterMs,
      kind: fc.constant('slow' as const),
      sentMsAgo: fc.integer({ min: 0, max: 10_000 }),
      pauseMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 5_000 })),
    }),
    fc.record({ afterMs, kind: fc.constant('recover' as const) }),
  ),
  { maxLength: 120 },
);

interface Grant {
  readonly atMs: number;
  readonly count: number;
}

/** Every window that begins and ends with a grant holds at most max(burst, largest take) + perSecond × its length. */
function expectPaced(grants: readonly Grant[], { burst, perSecond }: PaceLimits, lateMs = 0) {
  const sorted = [...grants].sort((a, b) => a.atMs - b.atMs);
  const most = Math.max(burst, ...grants.map(({ count }) => count));
  for (let from = 0; from < sorted.length; from += 1) {
    let tokens = 0;
    for (let to = from; to < sorted.length; to += 1) {
      tokens += sorted[to]?.count ?? 0;
      const windowMs = (sorted[to]?.atMs ?? 0) - (sorted[from]?.atMs ?? 0) + lateMs;
      const allowed = most + (perSecond * windowMs) / 1_000 + 1e-3; // ms since 1970 have few bits for fractions
      if (tokens > allowed)
        throw new Error(`${tokens} tokens in ${windowMs} ms: ${allowed} at most`);
    }
  }
}

describe('a pace', () => {
  it('lets a burst go at once, and then one after another', () => {
    let state: PaceState | undefined;
    const waits = Array.from({ length: 8 }, () => {
      const taken: ReturnType<typeof take> = take(state, 1, NOW, LIMITS);
      state = taken.state;
      return taken.waitMs;
    });
    expect(waits).toEqual([0, 0, 0, 0, 0, 50, 100, 150]);
  });

  it('lets nobody wait who comes alone, however slow it has become', () => {
    const slow = { freeAtMs: NOW - 1, perSecond: 1, slowedAtMs: NOW - 60_000, raisedAtMs: 0 };
    expect(take(slow, 1, NOW, { ...LIMITS, burst: 1 }).waitMs).toBe(0);
  });

  it('never gives more than a burst and its rate, in any window, whatever happens to it', () => {
    fc.assert(
      fc.property(limitsOf, acts, (limits, history) => {
        let nowMs = NOW;
        let state: PaceState | undefined;
        const grants: Grant[] = [];
        for (const act of history) {
          nowMs += act.afterMs;
          if (act.kind === 'recover') state = recovered(state, nowMs, limits);
          else if (act.kind === 'slow')
            state = slowed(
              state,
              { sentAtMs: nowMs - act.sentMsAgo, pauseMs: act.pauseMs },
              nowMs,
              limits,
            );
          else {
            const taken = take(state, act.count, nowMs, limits);
            expect(Number.isFinite(taken.waitMs) && taken.waitMs >= 0).toBe(true);
            state = taken.state;
            grants.push({ atMs: nowMs + taken.waitMs, count: act.count });
          }
          expect(state.perSecond).toBeLessThanOrEqual(limits.perSecond);
          expect(state.perSecond).toBeGreaterThanOrEqual(limits.perSecondMin);
        }
        expectPaced(grants, limits);
      }),
      { numRuns: 1_000 },
    );
  });

  it('that a wrong clock has set far ahead does not stop for good', () => {
    const state = { freeAtMs: NOW + 86_400_000, perSecond: 20, slowedAtMs: 0, raisedAtMs: 0 };
    expect(take(state, 1, NOW, LIMITS).waitMs).toBe(0);
  });
});

describe('a pace that was too much for the other side', () => {
  it('is halved once by twenty failures at once, and again by what was sent a second later', () => {
    let state: PaceState | undefined;
    for (let i = 0; i < 20; i += 1) state = slowed(state, { sentAtMs: NOW - i }, NOW + i, LIMITS);
    expect(state?.perSecond).toBe(10);
    state = slowed(state, { sentAtMs: NOW + 999 }, NOW + 11_000, LIMITS);
    expect(state?.perSecond).toBe(10);
    state = slowed(state, { sentAtMs: NOW + 1_000 }, NOW + 1_200, LIMITS);
    expect(state?.perSecond).toBe(5);
  });

  it('has a floor', () => {
    let state: PaceState | undefined;
    for (let i = 1; i < 20; i += 1) {
      state = slowed(state, { sentAtMs: NOW + i * 2_000 }, NOW + i * 2_000, LIMITS);
    }
    expect(state?.perSecond).toBe(LIMITS.perSecondMin);
  });

  it('has no burst left', () => {
    const state = slowed(undefined, { sentAtMs: NOW }, NOW, LIMITS);
    expect(take(state, 1, NOW, LIMITS).waitMs).toBe(100);
  });

  it('pauses as long as it was told, also when that is no news for its rate', () => {
    let state = slowed(undefined, { sentAtMs: NOW, pauseMs: 3_000 }, NOW, LIMITS);
    expect(take(state, 1, NOW, LIMITS).waitMs).toBe(3_100);
    state = slowed(state, { sentAtMs: NOW, pauseMs: 5_000 }, NOW, LIMITS);
    expect(take(state, 1, NOW, LIMITS).waitMs).toBe(5_100);
    expect(state.perSecond).toBe(10);
  });

  it('recovers by a twentieth of its limit a second, up to it', () => {
    let state = slowed(undefined, { sentAtMs: NOW }, NOW, LIMITS);
    const rates = [999, 1_000, 1_001, 2_000].map((ms) => {
      state = recovered(state, NOW + ms, LIMITS);
      return state.perSecond;
    });
    expect(rates).toEqual([10, 11, 11, 12]);
    for (let s = 3; s < 30; s += 1) state = recovered(state, NOW + s * 1_000, LIMITS);
    expect(state.perSecond).toBe(LIMITS.perSecond);
  });
});

describe('workers that share a pace', () => {
  /** Slow answers of the store are added to a window: see test/simulation/dynamo.ts. */
  const LATE_MS = 1_300;

  it('keep it together, in any interleaving', async () => {
    for (let seed = 1; seed <= 60; seed += 1) {
      const world = createWorld(seed);
      const limits = { ...LIMITS, perSecond: world.random.pick([2, 20, 150]) };
      const grants: Grant[] = [];
      const paces = storeOf(world);
      const worker = async () => {
        const own = paceOf(world, paces, limits);
        const lane = async () => {
          for (let i = 0; i < 6; i += 1) {
            await world.sleep(world.random.below(300));
            const count = world.random.between(1, 3);
            expect(await own.take(count)).toBe(true);
            grants.push({ atMs: world.now(), count });
            if (world.random.chance(0.1)) await own.slow({ sentAtMs: world.now() });
            else await own.recover();
          }
        };
        await Promise.all([lane(), lane(), lane(), lane()]);
      };
      await during(world, () => Promise.all([worker(), worker(), worker()]));
      expect(grants).toHaveLength(72);
      expectPaced(grants, limits, LATE_MS);
    }
  });

  it('take nothing when their turn would come too late', async () => {
    const world = createWorld(1);
    const own = paceOf(world, storeOf(world), { perSecond: 1, burst: 1, perSecondMin: 1 });
    const waits = [undefined, 500, 5_000, 0];
    const taken = await during(world, () => Promise.all(waits.map((ms) => own.take(1, ms))));
    expect(taken).toEqual([true, false, true, false]);
  });

  it('write once for all lanes that wait, and nothing for a recovery at full speed', async () => {
    const world = createWorld(1);
    let writes = 0;
    const store = storeOf(world);
    const counted: Paces = {
      ...store,
      set: (...args) => {
        writes += 1;
        return store.set(...args);
      },
    };
    const own = paceOf(world, counted, LIMITS);
    await during(world, async () => {
      await Promise.all(Array.from({ length: 8 }, () => own.take(1)));
      await own.recover();
    });
    expect(writes).toBe(1);
  });

  it('are told when the store fails, each of them, and go on when it is back', async () => {
    const world = createWorld(1);
    const dynamo = simulateDynamo(world);
    const clock = { now: world.now, sleep: world.sleep };
    const own = pace(dynamoPaces(dynamo.client(), 'graph', clock), clock, 'warm', LIMITS);
    dynamo.outage = 'refuses';
    const failed = await during(world, () => Promise.allSettled([own.take(1), own.take(1)]));
    expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    dynamo.outage = undefined;
    expect(await during(world, () => own.take(1))).toBe(true);
  });
});

/** Does something in a world that goes on until nothing is left to happen. */
async function during<T>(world: World, work: () => Promise<T>): Promise<T> {
  const done = world.sleep(0).then(work);
  await world.run(world.now() + 3_600_000);
  return done;
}

/** Over the real adapter and a DynamoDB whose calls overtake each other. */
function storeOf(world: World): Paces {
  return dynamoPaces(simulateDynamo(world).client(), 'graph', { now: world.now });
}

function paceOf(world: World, paces: Paces, limits: PaceLimits) {
  return pace(paces, { now: world.now, sleep: world.sleep }, 'warm', limits);
}
