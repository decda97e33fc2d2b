import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { minimumCover } from '../../../core/plan/cover';
import type { Tag } from '../../../core/tags';
import type { Url } from '../../../core/urls';

const graph = fc
  .array(fc.uniqueArray(fc.nat(30), { maxLength: 6 }), { maxLength: 40 })
  .map(
    (rows) => new Map(rows.map((urls, at) => [`t${at}` as Tag, urls.map((it) => `/${it}` as Url)])),
  );

/** A largest matching the simple way: one augmenting path after another (H. W. Kuhn). */
function matchingSize(urlsOf: ReadonlyMap<Tag, readonly Url[]>): number {
  const partner = new Map<Url, Tag>();
  const augment = (tag: Tag, seen: Set<Url>): boolean =>
    (urlsOf.get(tag) ?? []).some((url) => {
      if (seen.has(url)) return false;
      seen.add(url);
      const other = partner.get(url);
      if (other !== undefined && !augment(other, seen)) return false;
      partner.set(url, tag);
      return true;
    });
  return [...urlsOf.keys()].filter((tag) => augment(tag, new Set())).length;
}

describe('a minimum cover', () => {
  it('touches every edge, with as many members as a largest matching has edges', () => {
    fc.assert(
      fc.property(graph, (urlsOf) => {
        const { tags, urls } = minimumCover(urlsOf);
        for (const [tag, its] of urlsOf) {
          expect(its.every((url) => tags.has(tag) || urls.has(url))).toBe(true);
        }
        expect(tags.size + urls.size).toBe(matchingSize(urlsOf));
      }),
    );
  });

  it('prefers tags', () => {
    const edges = new Map([
      ['a', ['/1']],
      ['b', ['/1', '/2']],
    ] as [Tag, Url[]][]);
    expect([...minimumCover(edges).tags]).toEqual(['a', 'b']);
  });

  it('takes a chain of 20,000 tags without running out of stack', () => {
    const chain = Array.from({ length: 20_000 }, (_, at): [Tag, Url[]] => {
      return [`t${at}` as Tag, [`/${at + 1}`, `/${at}`] as Url[]];
    });
    chain.push(['end' as Tag, ['/20000' as Url]]);
    expect(minimumCover(new Map(chain)).tags.size).toBe(20_001);
  });
});
