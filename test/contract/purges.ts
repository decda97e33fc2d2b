/** What Purges promises (core/ports.ts). Every implementation runs it. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Purges, PurgeWork } from '../../core/ports';
import { parseTag } from '../../core/tags';
import { encodeUrl } from '../../core/urls';

export function purgesContract(open: () => Purges): void {
  let purges: Purges;
  beforeAll(() => {
    purges = open();
  });

  describe('a purge', () => {
    it('is unknown until it is opened', async () => {
      expect(await purges.get(id('unknown'))).toBeUndefined();
    });

    it('comes back with its work, and with its items once they are decided', async () => {
      const purge = id('whole');
      expect(await purges.open(purge, work('j'))).toEqual(work('j'));
      expect(await purges.get(purge)).toEqual({ work: work('j') });
      expect(await purges.decide(purge, ['#post:42', '/a'])).toEqual(['#post:42', '/a']);
      expect(await purges.get(purge)).toEqual({ work: work('j'), items: ['#post:42', '/a'] });
    });

    it('stays as it was opened and decided first, and says so', async () => {
      const purge = id('first');
      await purges.open(purge, work('first'));
      expect(await purges.open(purge, work('second'))).toEqual(work('first'));
      await purges.decide(purge, []);
      expect(await purges.decide(purge, ['#late'])).toEqual([]);
      expect(await purges.get(purge)).toEqual({ work: work('first'), items: [] });
    });

    it('is decided once by many at once, who all learn the same', async () => {
      const purge = id('race');
      await purges.open(purge, work('j'));
      const plans = Array.from({ length: 8 }, (_, i) => [`/${i}`]);
      const decided = await Promise.all(plans.map((items) => purges.decide(purge, items)));
      expect(new Set(decided.map((items) => JSON.stringify(items))).size).toBe(1);
      expect(plans).toContainEqual(decided[0]);
    });

    it('may be longer than an item of DynamoDB', async () => {
      const purge = id('long');
      const items = Array.from({ length: 1_000 }, (_, i) => `/${i}/${'x'.repeat(900)}`); // 0.9 MB
      await purges.open(purge, { ...work('j'), asked: Array(300).fill(work('j').asked[0]) });
      expect(await purges.decide(purge, items)).toEqual(items);
      const found = await purges.get(purge);
      expect(found?.items).toEqual(items);
      expect(found?.work.asked).toHaveLength(300);
    });
  });
}

let run = 0;
function id(what: string): string {
  run += 1;
  return `${what}-${run}`;
}

function work(job: string): PurgeWork {
  const asked = { tags: [parseTag('post:42')], urls: [encodeUrl('/a')] };
  return { epochMs: 1, asked: [{ ...asked, job, messageId: `m-${job}`, requestedAtMs: 1 }] };
}
