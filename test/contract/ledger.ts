/** What Ledger promises (core/ports.ts). Every implementation runs it. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Clock, Ledger } from '../../core/ports';

const HOUR_MS = 3_600_000;
/** A month of its own for each test. */
let month = 0;

export function ledgerContract(open: (clock: Pick<Clock, 'now'>) => Ledger): void {
  let nowMs = Date.UTC(2030, 0, 1);
  let ledger: Ledger;
  beforeAll(() => {
    ledger = open({ now: () => nowMs });
  });
  const someTime = () => {
    month += 1;
    return Date.UTC(2030, month, 15);
  };

  describe('the ledger', () => {
    it('begins every month with nothing', async () => {
      const at = someTime();
      expect(await ledger.used(at)).toBe(0);
      await ledger.charge('p', 3, at);
      expect(await ledger.used(at)).toBe(3);
      expect(await ledger.used(someTime())).toBe(0);
    });

    it('counts by UTC: the last moment of a month is not the next one', async () => {
      month += 1;
      const first = Date.UTC(2030, month, 1);
      await ledger.charge('last', 1, first - 1);
      await ledger.charge('first', 2, first);
      expect([await ledger.used(first - 1), await ledger.used(first)]).toEqual([1, 2]);
      month += 1;
    });

    it('counts a purge once, however often it is told', async () => {
      const at = someTime();
      await ledger.charge('before', 2, at);
      expect(await ledger.charge('again', 5, at)).toBe(7);
      for (let i = 0; i < 2; i += 1) {
        expect(await ledger.charge('again', 5, at)).toBeUndefined();
      }
      expect(await ledger.used(at)).toBe(7);
    });

    it('counts each of many at once, once', async () => {
      const at = someTime();
      const purges = Array.from({ length: 20 }, (_, i) => `p${i % 10}`);
      await Promise.all(purges.map((purge) => ledger.charge(purge, 2, at)));
      expect(await ledger.used(at)).toBe(20);
    });

    it('remembers what it has counted when it has tidied up', async () => {
      const at = someTime();
      for (let i = 0; i < 50; i += 1) await ledger.charge(`p${i}`, 1, at);
      nowMs += HOUR_MS;
      for (let i = 50; i < 60; i += 1) await ledger.charge(`p${i}`, 1, at);
      for (let i = 0; i < 60; i += 1) await ledger.charge(`p${i}`, 1, at);
      expect(await ledger.used(at)).toBe(60);
    });
  });
}
