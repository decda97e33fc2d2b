/** What Paces promises (core/ports.ts). Every implementation runs it. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { PaceState } from '../../core/pace';
import type { Paces } from '../../core/ports';

export function pacesContract(open: () => Paces): void {
  let paces: Paces;
  beforeAll(() => {
    paces = open();
  });

  describe('a pace', () => {
    it('is unknown until it is set', async () => {
      expect(await paces.get(name())).toBeUndefined();
    });

    it('comes back as it was set, to the last fraction', async () => {
      const it = name();
      const first = state({ freeAtMs: 1_800_000_000_123 + 1 / 3, perSecond: 150 / 7 });
      expect(await paces.set(it, undefined, first)).toBe(true);
      expect(await paces.get(it)).toEqual(first);
      const second = state({ freeAtMs: first.freeAtMs + 1_000 / 150, perSecond: 1e-7 });
      expect(await paces.set(it, first, second)).toBe(true);
      expect(await paces.get(it)).toEqual(second);
    });

    it('is not set by who has not seen the latest', async () => {
      const it = name();
      await paces.set(it, undefined, state({ freeAtMs: 1 }));
      expect(await paces.set(it, undefined, state({ freeAtMs: 2 }))).toBe(false);
      for (const [field, value] of Object.entries(state({ freeAtMs: 1 }))) {
        const other = state({ freeAtMs: 1, [field]: value + 1 });
        expect(await paces.set(it, other, state({ freeAtMs: 3 }))).toBe(false);
      }
      expect(await paces.get(it)).toEqual(state({ freeAtMs: 1 }));
    });

    it('is set by one of many at once', async () => {
      const it = name();
      await paces.set(it, undefined, state({ freeAtMs: 0 }));
      const set = (freeAtMs: number) =>
        paces.set(it, state({ freeAtMs: 0 }), state({ freeAtMs: freeAtMs + 1 }));
      const won = await Promise.all(Array.from({ length: 8 }, (_, at) => set(at)));
      expect(won.filter(Boolean)).toHaveLength(1);
      expect(await paces.get(it)).toEqual(state({ freeAtMs: won.indexOf(true) + 1 }));
    });

    it('is its own: another name is another pace', async () => {
      const [one, two] = [name(), name()];
      await paces.set(one, undefined, state({ freeAtMs: 1 }));
      expect(await paces.get(two)).toBeUndefined();
    });
  });
}

let run = 0;
/** A name of a test's own, so that tests and implementations share a table. */
function name(): string {
  run += 1;
  return `pace-${run}`;
}

function state(some: Partial<PaceState>): PaceState {
  return { freeAtMs: 5, perSecond: 20, slowedAtMs: 3, raisedAtMs: 4, ...some };
}
