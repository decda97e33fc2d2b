import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readEdges } from '../../../core/plan/plan';
import { parseTag } from '../../../core/tags';
import { isPurgeable, type Url } from '../../../core/urls';
import {
  type Asked,
  type Edges,
  graphOf,
  itemsOf,
  options,
  pathOf,
  planFor,
  someEdges,
  someTags,
  wantedOf,
  workOf,
} from './graph';

describe('a plan by tags and paths', () => {
  it('purges a tag by one item, however many urls depend on it', async () => {
    const made = await planFor({ list: ['/a', '/b', '/c'] }, { tags: ['list'] });
    expect(made.items).toEqual([
      {
        item: '#list',
        why: 'revalidate list: one item for 3 urls',
        covers: 3,
        sample: ['/a', '/b', '/c'],
      },
    ]);
    expect(made.covered).toBe(3);
  });

  it('has no item for a tag or url without a live edge, and says so', async () => {
    const made = await planFor({}, { tags: ['post:1'], urls: ['/a'] });
    expect(made.items).toEqual([]);
    expect(made.skipped).toEqual([
      { asked: '/a', why: expect.stringContaining('no live edge') },
      { asked: 'post:1', why: expect.stringContaining('no live edge') },
    ]);
  });

  it('purges a url by its path', async () => {
    expect(itemsOf(await planFor({ list: ['/a'] }, { urls: ['/a'] }))).toEqual(['/a']);
  });

  it('names the path of a requested url also when a requested tag is on it: an older copy may lack the tag', async () => {
    const made = await planFor({ list: ['/a', '/b'] }, { tags: ['list'], urls: ['/a'] });
    expect(itemsOf(made)).toEqual(['#list', '/a']);
    expect(made.skipped).toEqual([]);
  });

  it.each(['/[é', '/%5b%c3%a9', '/%5B%C3%A9'])(
    'sends the path of a requested url that may be recorded in another spelling: %s',
    async (recorded) => {
      const made = await planFor({}, { urls: ['/%5B%C3%A9'], others: [recorded] });
      expect(itemsOf(made)).toEqual(['/%5B%C3%A9']);
    },
  );

  it('names the path of a url that CloudFront does not know by the tag', async () => {
    const made = await planFor({ list: ['/a', { path: '/b' }] }, { tags: ['list'] });
    expect(itemsOf(made)).toEqual(['#list', '/b']);
    expect(made.items.map(({ covers }) => covers)).toEqual([1, 1]);
    expect(made.covered).toBe(2);
  });

  it('names a path once, whoever asks for it', async () => {
    const edges = { a: [{ path: '/x' }], b: [{ path: '/x' }] };
    expect(itemsOf(await planFor(edges, { tags: ['a', 'b'], urls: ['/x'] }))).toEqual(['/x']);
  });

  it('takes the path of a url that several tags share, and says of the tags what covers them', async () => {
    const made = await planFor({ a: ['/x'], b: ['/x'] }, { tags: ['a', 'b'] });
    expect(made.items).toEqual([
      { item: '/x', why: 'depends on a, b: paths are fewer than tags', covers: 1, sample: ['/x'] },
    ]);
    expect(made.skipped).toEqual([
      { asked: 'a', why: 'covered by the paths of /x, which are fewer than tags' },
      { asked: 'b', why: 'covered by the paths of /x, which are fewer than tags' },
    ]);
  });

  it('takes the tag where a path costs as much: it covers what is recorded meanwhile', async () => {
    expect(itemsOf(await planFor({ a: ['/x'] }, { tags: ['a'] }))).toEqual(['#a']);
  });

  it('needs no item for a tag whose urls are named anyway', async () => {
    const edges = { a: ['/x'], b: [{ path: '/x' }] };
    const made = await planFor(edges, { tags: ['a', 'b'] });
    expect(itemsOf(made)).toEqual(['/x']);
    expect(made.skipped[0]).toEqual({
      asked: 'a',
      why: 'covered by the paths of /x, which are needed anyway',
    });
  });

  it('takes the tags of a url that no path can name, though its path would be cheaper', async () => {
    const made = await planFor({ a: ['/~x'], b: ['/~x'] }, { tags: ['a', 'b'] });
    expect(itemsOf(made)).toEqual(['#a', '#b']);
    expect(made.unpurgeable).toEqual([]);
  });

  it('reports a url that neither a path nor a tag can reach', async () => {
    const made = await planFor({ a: [{ path: '/~x' }] }, { tags: ['a'] });
    expect(made.items).toEqual([]);
    expect(made.unpurgeable).toEqual([
      { url: '/~x', why: expect.stringContaining('no path can name it') },
    ]);
    expect(made.skipped).toEqual([
      { asked: 'a', why: expect.stringContaining('no path can name') },
    ]);
  });

  it('keeps no more urls to warm than the limit, and counts the others', async () => {
    const urls = Array.from({ length: 50 }, (_, i) => `/${i}`);
    const made = await planFor({ list: urls }, { tags: ['list'] }, { warmUrlsMax: 10 });
    expect(made.warm).toHaveLength(10);
    expect(made.covered).toBe(50);
  });

  it('warms first what was asked for by name', async () => {
    const edges = { list: ['/a', '/b', '/c'] };
    const made = await planFor(edges, { tags: ['list'], urls: ['/c'] }, { warmUrlsMax: 2 });
    expect(made.warm).toEqual(['/c', '/a']);
  });

  it('reads a tag again when paths that were forced later may be its own', async () => {
    const many = Array.from({ length: 6 }, (_, i) => `/${i}`);
    // b is still being read when a is found to have more urls than there are tags
    const edges = { a: many, b: ['/x', '/y', '/z', ...many.map((path) => ({ path }))] };
    expect(itemsOf(await planFor(edges, { tags: ['a', 'b'] }))).toEqual(['#b', ...many]);
  });

  it('keeps of each tag no more urls than there are tags, and one more', async () => {
    const edges = { a: Array.from({ length: 1_000 }, (_, i) => `/${i}`), b: ['/1', '/2'] };
    const asked = workOf({ tags: ['a', 'b'] });
    const { dependents } = await readEdges(graphOf(edges), asked, { ...options, warmUrlsMax: 5 });
    const [a, b] = [dependents.get(parseTag('a')), dependents.get(parseTag('b'))];
    expect(a).toMatchObject({ count: 1_000, native: 1_000, urls: undefined });
    expect(a?.sample).toHaveLength(5);
    expect(b?.urls).toEqual(['/1', '/2']);
  });
});

const PATHS = ['/1', '/2', '/3', '/4', '/5', '/6', '/~7'];
const requestable = fc.uniqueArray(fc.constantFrom(...PATHS.filter(isPurgeable)));

/** What the items purge: edges, for a tag item does not reach copies that lack the tag. */
function isCovered(items: ReadonlySet<string>, tag: string, edge: string | { path: string }) {
  return items.has(pathOf(edge)) || (typeof edge === 'string' && items.has(`#${tag}`));
}

/** The fewest items there are, by trying every set of tags. */
function fewestItems(edges: Edges, { tags = [], urls = [] }: Asked): number {
  const own = tags.flatMap((tag) => (edges[tag] ?? []).map((edge) => ({ tag, edge })));
  const forced = [...wantedOf(edges, { urls })];
  let fewest = Number.POSITIVE_INFINITY;
  for (let set = 0; set < 2 ** tags.length; set += 1) {
    const taken = new Set(tags.filter((_, at) => set & (1 << at)));
    const rest = own.filter(({ tag, edge }) => typeof edge !== 'string' || !taken.has(tag));
    const isPossible = rest.every(({ edge }) => typeof edge !== 'string' || isPurgeable(edge));
    const paths = new Set([...forced, ...rest.map(({ edge }) => pathOf(edge)).filter(isPurgeable)]);
    if (isPossible) fewest = Math.min(fewest, taken.size + paths.size);
  }
  return fewest;
}

describe('for any graph and any work', () => {
  const any = [someEdges(PATHS), someTags, requestable, fc.constantFrom(0, 4, 6, 100)] as const;

  it('a plan covers every edge that was asked for, or says what it cannot, and hits nothing else', async () => {
    await fc.assert(
      fc.asyncProperty(...any, async (edges, tags, urls, edgesMax) => {
        const made = await planFor(edges, { tags, urls }, { edgesMax });
        const items = new Set(itemsOf(made));
        expect(made.items.length).toBe(items.size);
        const lost = new Set<string>(made.unpurgeable.map(({ url }) => url));
        for (const tag of tags) {
          for (const edge of edges[tag] ?? []) {
            expect(isCovered(items, tag, edge) || lost.has(pathOf(edge))).toBe(true);
          }
        }
        const wanted = wantedOf(edges, { tags, urls });
        for (const url of wantedOf(edges, { urls })) expect(items.has(url)).toBe(true);
        for (const item of items) {
          if (item.startsWith('#')) expect(tags).toContain(item.slice(1));
          else expect(wanted.has(item) && isPurgeable(item)).toBe(true);
        }
        const said = [...items, ...made.skipped.map(({ asked }) => asked)];
        expect(said).toEqual(expect.arrayContaining([...urls]));
        for (const tag of tags) expect(said.includes(`#${tag}`) || said.includes(tag)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('a plan has the fewest items', async () => {
    await fc.assert(
      fc.asyncProperty(someEdges(PATHS), someTags, requestable, async (edges, tags, urls) => {
        const made = await planFor(edges, { tags, urls });
        expect(made.items.length).toBe(fewestItems(edges, { tags, urls }));
      }),
      { numRuns: 1_000 },
    );
  });

  it('a plan of more edges than are kept has at most twice the fewest, less than H(n) times', async () => {
    await fc.assert(
      fc.asyncProperty(...any, async (edges, tags, urls, edgesMax) => {
        const made = await planFor(edges, { tags, urls }, { edgesMax });
        expect(made.items.length).toBeLessThanOrEqual(2 * fewestItems(edges, { tags, urls }));
      }),
      { numRuns: 1_000 },
    );
  });

  it('a part of the work is planned from the same reading: covered as surely, and with the fewest items', async () => {
    await fc.assert(
      fc.asyncProperty(...any, fc.nat(31), async (edges, tags, urls, edgesMax, chosen) => {
        const part = {
          tags: tags.filter((_, at) => chosen & (1 << at)),
          urls: urls.filter((_, at) => chosen & (1 << at)),
        };
        const made = await planFor(edges, { tags, urls, part }, { edgesMax });
        const items = new Set(itemsOf(made));
        const lost = new Set<string>(made.unpurgeable.map(({ url }) => url));
        for (const tag of part.tags) {
          for (const edge of edges[tag] ?? []) {
            expect(isCovered(items, tag, edge) || lost.has(pathOf(edge))).toBe(true);
          }
        }
        for (const item of items) {
          if (item.startsWith('#')) expect(part.tags).toContain(item.slice(1));
          else expect(wantedOf(edges, part).has(item)).toBe(true);
        }
        if (edgesMax === 100) expect(made.items.length).toBe(fewestItems(edges, part));
      }),
      { numRuns: 1_000 },
    );
  });

  it('the items do not depend on the order in which the edges come', async () => {
    await fc.assert(
      fc.asyncProperty(someEdges(PATHS), someTags, async (edges, tags) => {
        const reversed = Object.fromEntries(
          Object.entries(edges).map(([tag, urls]) => [tag, [...urls].reverse()]),
        );
        const there = itemsOf(await planFor(edges, { tags }));
        expect(itemsOf(await planFor(reversed, { tags }))).toEqual(there);
      }),
    );
  });
});

describe('a tag that is being spread', () => {
  it('may show a url twice, and is planned as if once', async () => {
    const twice = graphOf({ a: ['/x', '/x', '/x'], b: ['/x'] });
    const reading = await readEdges(twice, workOf({ tags: ['a', 'b'] }), options);
    expect(reading.dependents.get(parseTag('a'))?.urls).toEqual(['/x' as Url]);
  });
});
