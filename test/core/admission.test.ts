import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { admitted } from '../../core/admission';

/** Each asks for some items; what several ask for is one. */
const itemsOf = (some: readonly (readonly string[])[]) => new Set(some.flat()).size;
const many = (name: string, count: number) => Array.from({ length: count }, (_, i) => name + i);

describe('of revalidations that were gathered', () => {
  it('all are admitted where all fit, by one plan', () => {
    let plans = 0;
    const asked = Array.from({ length: 1_000 }, (_, i) => [`${i}`]);
    const counted = (some: readonly (readonly string[])[]) => {
      plans += 1;
      return itemsOf(some);
    };
    expect(admitted(asked, 1_000, counted)).toEqual(asked);
    expect(plans).toBe(1);
  });

  it('a large one keeps no small one out, before it or behind it', () => {
    const large = many('b', 40);
    expect(admitted([['a'], large, ['c'], ['d'], ['e']], 3, itemsOf)).toEqual([
      ['a'],
      ['c'],
      ['d'],
    ]);
  });

  it('one is admitted whose items are there anyway', () => {
    expect(admitted([['a', 'b'], ['c'], ['b'], ['a']], 2, itemsOf)).toEqual([
      ['a', 'b'],
      ['b'],
      ['a'],
    ]);
  });

  it('as many fit as by trying one after the other, and nobody who is left would fit', () => {
    const some = fc.array(fc.uniqueArray(fc.constantFrom(...'abcdefgh'), { minLength: 1 }), {
      maxLength: 12,
    });
    fc.assert(
      fc.property(some, fc.nat(8), (asked, room) => {
        const found = admitted(asked, room, itemsOf);
        const oneByOne: string[][] = [];
        for (const it of asked) if (itemsOf([...oneByOne, it]) <= room) oneByOne.push(it);
        expect(found).toEqual(oneByOne);
        expect(itemsOf(found)).toBeLessThanOrEqual(room);
      }),
    );
  });

  it('no more plans are made than can be afforded', () => {
    let plans = 0;
    const asked = Array.from({ length: 5_000 }, (_, i) => [`${i}`]);
    const found = admitted(asked, 10, (some) => {
      plans += 1;
      return itemsOf(some);
    });
    expect(plans).toBeLessThanOrEqual(200);
    expect(found.length).toBe(10);
  });
});
