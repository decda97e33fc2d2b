/** What Purges promises (core/ports.ts). Every implementation runs it. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Joining, Purges } from '../../core/ports';
import { parseTag } from '../../core/tags';
import { encodeUrl, type Url } from '../../core/urls';

export function purgesContract(open: () => Purges): void {
  let purges: Purges;
  beforeAll(() => {
    purges = open();
  });

  describe('the purge that takes more', () => {
    it('is the one that was announced last, by whoever knew the one before', async () => {
      const before = await purges.current();
      const [one, two] = [id('one'), id('two')];
      expect(await purges.announce(one, before)).toBe(true);
      expect(await purges.current()).toBe(one);
      expect(await purges.announce(two, before)).toBe(false);
      expect(await purges.announce(two, one)).toBe(true);
      expect(await purges.current()).toBe(two);
    });

    it('is one, whoever announces at the same time', async () => {
      const before = await purges.current();
      const ids = Array.from({ length: 8 }, () => id('race'));
      const announced = await Promise.all(ids.map((it) => purges.announce(it, before)));
      expect(announced.filter(Boolean)).toHaveLength(1);
      expect(await purges.current()).toBe(ids[announced.indexOf(true)]);
    });
  });

  describe('a purge', () => {
    it('takes whoever joins until it is closed, and nobody afterwards', async () => {
      const purge = id('whole');
      await purges.open(purge, joining('a', ['1', '2']));
      expect(await purges.join(purge, joining('b', ['3'], 20))).toBe(true);
      expect(await purges.progress(purge)).toEqual({ joinedAtMs: 20, joins: 2 });
      expect(await purges.close(purge, 500, 1)).toBe(false); // one has joined since
      expect(await purges.close(purge, 1_000, 2)).toBe(true);
      expect(await purges.close(purge, 2_000, 2)).toBe(false);
      expect(await purges.join(purge, joining('c', ['4'], 30))).toBe(false);
      const { epochMs, asked, decision } = await purges.get(purge);
      expect([epochMs, decision]).toEqual([1_000, undefined]);
      expect(asked.map(({ job }) => job)).toEqual(['1', '2', '3']);
      expect(asked[0]).toEqual(joining('a', ['1']).asked[0]);
    });

    it('has a message once, in whatever company it has joined', async () => {
      const purge = id('twice');
      await purges.open(purge, joining('a', ['1', '2']));
      await purges.join(purge, joining('a', ['1', '2']));
      await purges.join(purge, joining('b', ['2', '3']));
      await close(purge);
      const { asked } = await purges.get(purge);
      expect(asked.map(({ job }) => job)).toEqual(['1', '2', '3']);
    });

    it('that nobody has opened, or that is forgotten, takes nobody', async () => {
      const purge = id('forgotten');
      expect(await purges.join(purge, joining('a', ['1']))).toBe(false);
      expect(await purges.progress(purge)).toEqual({ joinedAtMs: 0, joins: 0 });
    });

    it('may be opened twice by who does not know that it has, but not when it is closed', async () => {
      const purge = id('again');
      await purges.open(purge, joining('a', ['1']));
      await purges.open(purge, joining('a', ['1']));
      await close(purge);
      await purges.open(purge, joining('b', ['2']));
      expect((await purges.get(purge)).asked.map(({ job }) => job)).toEqual(['1']);
    });

    it('knows what CloudFront has taken of it', async () => {
      const purge = await closed('sent');
      expect((await purges.get(purge)).sent).toEqual(new Map());
      await purges.decide(purge, { items: ['/a', '/b'], usedBefore: 0 });
      await purges.sent(purge, 'r1', 'I1');
      await purges.sent(purge, 'r2', 'I2');
      await purges.sent(purge, 'r1', 'I1');
      const sent = new Map([
        ['r1', 'I1'],
        ['r2', 'I2'],
      ]);
      expect((await purges.get(purge)).sent).toEqual(sent);
    });

    it('loses none of many who join at once', async () => {
      const purge = id('many');
      await purges.open(purge, joining('first', []));
      const all = Array.from({ length: 40 }, (_, i) => String(i));
      await Promise.all(all.map((it) => purges.join(purge, joining(it, [it]))));
      await close(purge);
      const { asked } = await purges.get(purge);
      expect(asked.map(({ job }) => job).sort()).toEqual(all.sort());
    });

    it('that was not closed cannot be carried out', async () => {
      await expect(purges.get(id('open'))).rejects.toThrow('is not closed');
    });

    it('is decided once by many at once, who all learn the same', async () => {
      const purge = await closed('decided');
      const plans = Array.from({ length: 8 }, (_, i) => ({ items: [`/${i}`], usedBefore: i }));
      const decided = await Promise.all(plans.map((it) => purges.decide(purge, it)));
      expect(new Set(decided.map((it) => JSON.stringify(it))).size).toBe(1);
      expect(plans).toContainEqual(decided[0]);
      expect((await purges.get(purge)).decision).toEqual(decided[0]);
    });

    it('may be refused to some', async () => {
      const purge = await closed('refused');
      const refused = [{ work: 'a94a8fe5', reason: 'no budget' }];
      const collateral = { '/a*': { count: 2, sample: ['/ab' as Url] } };
      const unpurgeable = [{ url: '/~' as Url, why: 'no path can name it' }];
      const decision = { items: ['/a*'], usedBefore: 7, refused, collateral, unpurgeable };
      expect(await purges.decide(purge, decision)).toEqual(decision);
      expect(await purges.decide(purge, { items: ['/late'], usedBefore: 0 })).toEqual(decision);
    });

    it('may be longer than an item of DynamoDB', async () => {
      const purge = id('long');
      const { asked } = joining('x', ['j']);
      const many = Array.from({ length: 300 }, (_, i) => ({ ...asked[0], messageId: `m${i}` }));
      await purges.open(purge, { id: 'x', atMs: 1, asked: many as typeof asked });
      await close(purge);
      const items = Array.from({ length: 1_000 }, (_, i) => `/${i}/${'x'.repeat(900)}`); // 0.9 MB
      const decision = { items, usedBefore: 0 };
      expect(await purges.decide(purge, decision)).toEqual(decision);
      const found = await purges.get(purge);
      expect(found.decision?.items).toEqual(items);
      expect(found.asked).toHaveLength(300);
    });

    it('is taken over by one, from whoever was seen last; and is done at some time', async () => {
      const purge = await closed('claim');
      const { seenAtMs = -1 } = await purges.progress(purge);
      expect(seenAtMs).toBeGreaterThan(0);
      const claims = await Promise.all([5, 6, 7].map((at) => purges.claim(purge, at, seenAtMs)));
      expect(claims.filter(Boolean)).toHaveLength(1);
      await purges.seen(purge, 8);
      expect(await purges.claim(purge, 9, seenAtMs)).toBe(false);
      await purges.done(purge, 10);
      await purges.done(purge, 11);
      expect(await purges.progress(purge)).toMatchObject({ seenAtMs: 8, doneAtMs: 10 });
    });
  });

  async function close(purge: string): Promise<void> {
    const { joins } = await purges.progress(purge);
    expect(await purges.close(purge, 1_000, joins)).toBe(true);
  }

  async function closed(what: string): Promise<string> {
    const purge = id(what);
    await purges.open(purge, joining('a', ['1']));
    await close(purge);
    return purge;
  }
}

let run = 0;
function id(what: string): string {
  run += 1;
  return `${what}-${run}`;
}

function joining(name: string, jobs: readonly string[], atMs = 10): Joining {
  const work = { tags: [parseTag('post:42')], urls: [encodeUrl('/a')] };
  const asked = jobs.map((job) => ({ ...work, job, messageId: `m-${job}`, requestedAtMs: 1 }));
  return { id: name, atMs, asked };
}
