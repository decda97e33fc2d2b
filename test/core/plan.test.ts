import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plan, readEdges } from '../../core/plan/plan';
import type { Edge, Graph } from '../../core/ports';
import type { Revalidation } from '../../core/revalidation';
import { parseTag, type Tag } from '../../core/tags';
import { encodeUrl } from '../../core/urls';

type Edges = Readonly<Record<string, readonly (string | { path: string })[]>>;

/** `{ 'post:1': ['/a', { path: '/b' }] }`: /b carries the tag without CloudFront knowing it. */
async function planFor(
  edges: Edges,
  asked: { tags?: string[]; urls?: string[] },
  warmUrlsMax = 100,
) {
  const work: Revalidation = {
    tags: (asked.tags ?? []).map((tag) => parseTag(tag)),
    urls: (asked.urls ?? []).map(encodeUrl),
  };
  const reading = await readEdges(graphOf(edges), work, { nowSeconds: 0, warmUrlsMax });
  return plan(work, reading, warmUrlsMax);
}

function graphOf(edges: Edges): Pick<Graph, 'edges' | 'isLive'> {
  const all = Object.values(edges).flat().map(pathOf);
  return {
    async *edges(tag: Tag): AsyncGenerator<readonly Edge[]> {
      for (const it of edges[tag] ?? [])
        yield [{ url: encodeUrl(pathOf(it)), byPath: typeof it !== 'string' }];
    },
    isLive: async (url) => all.includes(url),
  };
}

const pathOf = (it: string | { path: string }) => (typeof it === 'string' ? it : it.path);
const items = (it: Awaited<ReturnType<typeof planFor>>) => it.items.map(({ item }) => item);

describe('a plan', () => {
  it('purges a tag by one item, however many urls depend on it', async () => {
    const made = await planFor({ list: ['/a', '/b', '/c'] }, { tags: ['list'] });
    expect(made.items).toEqual([{ item: '#list', why: 'revalidate list', covers: 3 }]);
    expect(made.covered).toBe(3);
  });

  it('has no item for a tag or url without a live edge, and says so', async () => {
    const made = await planFor({}, { tags: ['post:1'], urls: ['/a'] });
    expect(made.items).toEqual([]);
    expect(made.skipped).toEqual([
      { asked: 'post:1', why: expect.stringContaining('no live edge') },
      { asked: '/a', why: expect.stringContaining('no live edge') },
    ]);
  });

  it('purges a url by its path', async () => {
    expect(items(await planFor({ list: ['/a'] }, { urls: ['/a'] }))).toEqual(['/a']);
  });

  it('names the path of a requested url also when a requested tag is on it: an older copy may lack the tag', async () => {
    const made = await planFor({ list: ['/a', '/b'] }, { tags: ['list'], urls: ['/a'] });
    expect(items(made)).toEqual(['#list', '/a']);
    expect(made.skipped).toEqual([]);
  });

  it.each(['/[é', '/%5b%c3%a9', '/%5B%C3%A9'])(
    'sends the path of a requested url that may be recorded in another spelling: %s',
    async (recorded) => {
      const graph = { ...graphOf({}), isLive: async (url: string) => url === recorded };
      const work = { tags: [], urls: [encodeUrl('/%5B%C3%A9')] };
      const reading = await readEdges(graph, work, { nowSeconds: 0, warmUrlsMax: 1 });
      expect(items(plan(work, reading, 1))).toEqual(['/%5B%C3%A9']);
    },
  );

  it('names the path of a url that CloudFront does not know by the tag', async () => {
    const made = await planFor({ list: ['/a', { path: '/b' }] }, { tags: ['list'] });
    expect(items(made)).toEqual(['#list', '/b']);
    expect(items(await planFor({ list: [{ path: '/b' }] }, { tags: ['list'] }))).toEqual(['/b']);
  });

  it('names a path once, whoever asks for it', async () => {
    const edges = { a: [{ path: '/x' }], b: [{ path: '/x' }] };
    expect(items(await planFor(edges, { tags: ['a', 'b'], urls: ['/x'] }))).toEqual(['/x']);
  });

  it('keeps no more urls to warm than the limit, and counts the others', async () => {
    const urls = Array.from({ length: 50 }, (_, i) => `/${i}`);
    const made = await planFor({ list: urls }, { tags: ['list'] }, 10);
    expect(made.warm).toHaveLength(10);
    expect(made.covered).toBe(50);
  });

  it('covers every url that depends on what was asked for, and no other, with no item to spare', async () => {
    const tag = fc.constantFrom('a', 'b', 'c', 'd');
    const path = fc.constantFrom('/1', '/2', '/3', '/4', '/5');
    const edge = fc.oneof(
      path,
      path.map((it) => ({ path: it })),
    );
    const graph = fc.dictionary(tag, fc.uniqueArray(edge, { selector: pathOf }));
    const some = <T>(of: fc.Arbitrary<T>) => fc.uniqueArray(of);
    await fc.assert(
      fc.asyncProperty(graph, some(tag), some(path), async (edges, tags, urls) => {
        const made = items(await planFor(edges, { tags, urls }));
        const live = new Set(Object.values(edges).flat().map(pathOf));
        const wanted = new Set([
          ...tags.flatMap((it) => (edges[it] ?? []).map(pathOf)),
          ...urls.filter((url) => live.has(url)),
        ]);
        const purged = new Set(
          made.flatMap((item) =>
            item.startsWith('#')
              ? (edges[item.slice(1)] ?? []).filter((it) => typeof it === 'string').map(pathOf)
              : [item],
          ),
        );
        expect(purged).toEqual(wanted);
        expect(made.length).toBe(new Set(made).size);
      }),
    );
  });
});
