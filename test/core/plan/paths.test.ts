import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Plan, plan, readEdges } from '../../../core/plan/plan';
import { isPurgeable } from '../../../core/urls';
import {
  type Edges,
  graphOf,
  itemsOf,
  options,
  planFor,
  someEdges,
  someTags,
  urlsIn,
  wantedOf,
  workOf,
} from './graph';

const byPaths = { purge: 'paths', pathsMax: 2 } as const;
const withCollateral = { ...byPaths, allowCollateral: true } as const;
const blog = ['/blog/a', '/blog/b', '/blog/c'];

describe('a plan by paths', () => {
  it('names every url, and says of the tags that they are not used', async () => {
    const made = await planFor(
      { a: ['/x', { path: '/y' }] },
      { tags: ['a', 'b'], urls: ['/x', '/z'] },
      byPaths,
    );
    expect(made.items).toEqual([
      { item: '/x', why: 'depends on a', covers: 1, sample: ['/x'] },
      { item: '/y', why: 'depends on a', covers: 1, sample: ['/y'] },
    ]);
    expect(made.skipped).toEqual([
      { asked: '/z', why: 'no live edge: it is not cached' },
      { asked: 'a', why: '2 urls, purged by their paths: tags are not used here' },
      { asked: 'b', why: 'no live edge: nothing that depends on it is cached' },
    ]);
    expect(made.covered).toBe(2);
  });

  it('has a wildcard for many urls when nothing else recorded begins so', async () => {
    const made = await planFor(
      { a: blog },
      { tags: ['a'], urls: ['/blog/b'], others: ['/shop'] },
      byPaths,
    );
    expect(made.items).toEqual([
      {
        item: '/blog/*',
        why: 'so begin 3 urls to be purged, and no other recorded url',
        covers: 3,
        sample: blog,
        collateral: { count: 0, sample: [] },
      },
    ]);
    expect(made.skipped[0]).toEqual({ asked: '/blog/b', why: 'covered by /blog/*' });
  });

  it('goes around what else is recorded, though that takes more items', async () => {
    const others = ['/blog/d'];
    expect(itemsOf(await planFor({ a: blog }, { tags: ['a'], others }, byPaths))).toEqual(blog);
  });

  it('hits others only when that is allowed and there are too many items else, and declares them', async () => {
    const asked = { tags: ['a'], others: ['/blog/d'] };
    const made = await planFor({ a: blog }, asked, withCollateral);
    expect(made.items).toEqual([
      {
        item: '/blog/*',
        why: 'so begin 3 urls to be purged, and 1 url nobody asked for',
        covers: 3,
        sample: blog,
        collateral: { count: 1, sample: ['/blog/d'] },
      },
    ]);
    const few = await planFor({ a: blog }, asked, { ...withCollateral, pathsMax: 3 });
    expect(itemsOf(few)).toEqual(blog);
  });

  it('purges the whole site only when nothing else will do: not all that it serves is recorded', async () => {
    const edges = { a: ['/x/1', '/x/2', '/y/1', '/y/2', '/y/3'] };
    expect(itemsOf(await planFor(edges, { tags: ['a'] }, byPaths))).toEqual(['/x/*', '/y/*']);
    const one = { ...byPaths, pathsMax: 1 };
    expect(itemsOf(await planFor(edges, { tags: ['a'] }, one))).toEqual(['/x/*', '/y/*']);
    const allowed = { ...one, allowCollateral: true };
    expect(itemsOf(await planFor(edges, { tags: ['a'] }, allowed))).toEqual(['/*']);
  });

  it('never cuts a character in two, nor ends a prefix with a literal asterisk', async () => {
    const escaped = { a: ['/x/%C3%A9', '/x/%C3%AA', '/x/%C3%AB'] };
    expect(itemsOf(await planFor(escaped, { tags: ['a'] }, byPaths))).toEqual(['/x/*']);
    const starred = { a: ['/x*1', '/x*2', '/x*3'] };
    expect(itemsOf(await planFor(starred, { tags: ['a'] }, byPaths))).toEqual(['/x*']);
  });

  it('reaches a url that no path can name by the longest wildcard', async () => {
    const made = await planFor({ a: ['/x/y~1', '/z'] }, { tags: ['a'] }, byPaths);
    expect(itemsOf(made)).toEqual(['/x/y*', '/z']);
    const long = `/l/${'o'.repeat(5_000)}`;
    const [item] = itemsOf(await planFor({ a: [long] }, { tags: ['a'] }, byPaths));
    expect(item).toBe(`${long.slice(0, 3_999)}*`);
  });

  it('reports it when that would hit others and must not', async () => {
    const asked = { tags: ['a'], others: ['/x/y'] };
    const made = await planFor({ a: ['/x/y~1', '/z'] }, asked, byPaths);
    expect(itemsOf(made)).toEqual(['/z']);
    expect(made.unpurgeable).toEqual([
      {
        url: '/x/y~1',
        why: 'depends on a; no path can name it, and a wildcard would hit others',
      },
    ]);
    expect(made.covered).toBe(1);
    const allowed = await planFor({ a: ['/x/y~1', '/z'] }, asked, withCollateral);
    expect(allowed.items[0]).toMatchObject({
      item: '/x/y*',
      collateral: { count: 1, sample: ['/x/y'] },
    });
  });

  it('does not take another spelling of a url asked for for another url', async () => {
    const edges = { a: ['/x/1', '/x/2'] };
    const asked = { tags: ['a'], urls: ['/x/%5B'], others: ['/x/['] };
    const made = await planFor(edges, asked, byPaths);
    expect(itemsOf(made)).toEqual(['/x/*']);
  });

  it('has no wildcard when it was not read what that would hit', async () => {
    const graph = graphOf({ a: blog }, ['/blog/d']);
    const work = workOf({ tags: ['a'] });
    const reading = await readEdges(graph, work, { ...options, ...byPaths, pathsMax: 3 });
    expect(itemsOf(plan(work, reading, { ...options, ...byPaths }))).toEqual(blog);
  });

  it('remembers of many others a count and a few', async () => {
    const others = Array.from({ length: 500 }, (_, i) => `/blog/d${i}`);
    const made = await planFor({ a: blog }, { tags: ['a'], others }, withCollateral);
    expect(made.items[0]?.collateral?.count).toBe(500);
    expect(made.items[0]?.collateral?.sample).toHaveLength(10);
  });
});

const PATHS = [
  ...[
    '/a',
    '/a/1',
    '/a/2',
    '/a/2?q',
    '/a/2?r',
    '/a/%C3%A9',
    '/a/%C3%AA',
    '/a/%41',
    '/a/..',
    '/a/.b',
  ],
  ...['/b~', '/b~/c', '/b', '/c*', '/c*d', '/c*e', '/d//1', '//e'],
];

function purgedBy(item: string, urls: Iterable<string>): string[] {
  return [...urls].filter((url) =>
    item.endsWith('*') ? url.startsWith(item.slice(0, -1)) : url === item,
  );
}

/** Beginnings of a url that can be named with an asterisk behind, but for the whole site's. */
function prefixesOf(url: string): string[] {
  return Array.from({ length: url.length - 1 }, (_, at) => url.slice(0, at + 2)).filter(
    (prefix) => isPurgeable(prefix) && isWhole(prefix),
  );
}

/** No character is cut. */
function isWhole(prefix: string): boolean {
  try {
    return decodeURIComponent(prefix).length > 0;
  } catch {
    return false;
  }
}

/** By urls: the shortest beginning that no other recorded url has, when it saves something; else the url itself. */
function fewestCleanItems(wanted: ReadonlySet<string>, recorded: ReadonlySet<string>): Set<string> {
  const items = [...wanted].flatMap((url) => {
    const isClean = (prefix: string) =>
      purgedBy(`${prefix}*`, recorded).every((it) => wanted.has(it));
    const clean = prefixesOf(url).find(isClean);
    const isShared = clean !== undefined && purgedBy(`${clean}*`, wanted).length > 1;
    if (isShared || (clean !== undefined && !isPurgeable(url))) return [`${clean}*`];
    return isPurgeable(url) ? [url] : [];
  });
  return new Set(items);
}

/** The fewest others hit by at most so many items, by trying every choice; the whole site's wildcard aside. */
function leastCollateral(wanted: ReadonlySet<string>, recorded: ReadonlySet<string>, max: number) {
  const candidates = [
    ...new Set(
      [...wanted].flatMap((url) => [
        ...prefixesOf(url).map((it) => `${it}*`),
        ...(isPurgeable(url) ? [url] : []),
      ]),
    ),
  ];
  const choose = (left: readonly string[], items: number): number => {
    const [url] = left;
    if (url === undefined) return 0;
    if (items === 0) return Number.POSITIVE_INFINITY;
    const costs = candidates
      .filter((item) => purgedBy(item, [url]).length > 0)
      .map((item) => {
        const others = purgedBy(item, recorded).filter((it) => !wanted.has(it));
        const rest = left.filter((it) => purgedBy(item, [it]).length === 0);
        return others.length + choose(rest, items - 1);
      });
    return Math.min(Number.POSITIVE_INFINITY, ...costs);
  };
  return choose([...wanted], max); // what two of them hit, a wider one hits with one item less
}

const collateralOf = (made: Plan) =>
  made.items.reduce((sum, { collateral }) => sum + (collateral?.count ?? 0), 0);

describe('for any graph and any work, by paths', () => {
  const some = fc.uniqueArray(fc.constantFrom(...PATHS));
  const few = fc.constantFrom(1, 2, 3, 50);

  function setOf(edges: Edges, others: readonly string[], tags: readonly string[]) {
    return { wanted: wantedOf(edges, { tags }), recorded: new Set([...urlsIn(edges), ...others]) };
  }

  it('a plan covers what was asked for, hits nothing else, and reports only what has no clean wildcard', async () => {
    await fc.assert(
      fc.asyncProperty(
        someEdges(PATHS),
        someTags,
        some,
        few,
        async (edges, tags, others, pathsMax) => {
          const { wanted, recorded } = setOf(edges, others, tags);
          const made = await planFor(edges, { tags, others }, { ...byPaths, pathsMax });
          const purged = itemsOf(made).flatMap((item) => purgedBy(item, recorded));
          const reported = made.unpurgeable.map(({ url }) => url as string);
          expect(new Set([...purged, ...reported])).toEqual(wanted);
          expect(made.covered).toBe(wanted.size - reported.length);
          for (const item of itemsOf(made))
            expect(item).toSatisfy((it: string) => isPurgeable(it) || isPurgeable(it.slice(0, -1)));
          const clean = fewestCleanItems(wanted, recorded);
          const reachable = [...clean].flatMap((item) => purgedBy(item, wanted));
          expect(reported.filter((url) => reachable.includes(url))).toEqual([]);
          if (made.items.length > pathsMax) expect(made.items).toHaveLength(clean.size);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('a plan that may hit others hits as few as can be within its limit, and says how many', async () => {
    await fc.assert(
      fc.asyncProperty(
        someEdges(PATHS.slice(0, -1)),
        someTags,
        some,
        few,
        async (edges, tags, others, pathsMax) => {
          const { wanted, recorded } = setOf(edges, others, tags);
          const given = { ...withCollateral, pathsMax };
          const made = await planFor(edges, { tags, others }, given);
          const purged = new Set(itemsOf(made).flatMap((item) => purgedBy(item, recorded)));
          expect([...wanted].filter((url) => !purged.has(url))).toEqual([]);
          expect(made.items.length).toBeLessThanOrEqual(pathsMax);
          expect(made.unpurgeable).toEqual([]);
          expect(collateralOf(made)).toBe(purged.size - wanted.size);
          const least = leastCollateral(wanted, recorded, pathsMax);
          if (least === Number.POSITIVE_INFINITY) expect(itemsOf(made)).toEqual(['/*']);
          else expect(collateralOf(made)).toBe(least);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('a part of the work is planned from the same reading, as if it had been read alone', async () => {
    await fc.assert(
      fc.asyncProperty(
        ...[someEdges(PATHS), someTags, some, few, fc.boolean()],
        async (edges, tags, others, pathsMax, allowCollateral) => {
          const part = { tags: tags.slice(0, Math.ceil(tags.length / 2)) };
          const given = { ...byPaths, pathsMax, allowCollateral };
          const made = await planFor(edges, { tags, others, part }, given);
          const known = [...others, ...urlsIn(edges)];
          const alone = await planFor(edges, { ...part, others: known }, given);
          const withoutSample = ({ items, ...rest }: Plan) => ({
            ...rest,
            items: items.map((it) => ({ ...it, collateral: it.collateral?.count })),
          });
          expect(withoutSample(made)).toEqual(withoutSample(alone));
        },
      ),
      { numRuns: 500 },
    );
  });
});
