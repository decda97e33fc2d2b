/**
 * A graph as a table of tags, and what a plan's items do to it.
 *
 *     { 'post:1': ['/a', { path: '/b' }] }     /b depends on post:1 without CloudFront knowing
 */
import fc from 'fast-check';
import type { Plan, ReadOptions } from '../../../core/plan/plan';
import { plan, readEdges } from '../../../core/plan/plan';
import type { Edge, Graph } from '../../../core/ports';
import type { Revalidation } from '../../../core/revalidation';
import { parseTag, type Tag } from '../../../core/tags';
import { encodeUrl, type Url } from '../../../core/urls';

export type Edges = Readonly<Record<string, readonly (string | { path: string })[]>>;

export interface Asked {
  readonly tags?: readonly string[];
  readonly urls?: readonly string[];
}

export const pathOf = (it: string | { path: string }) => (typeof it === 'string' ? it : it.path);
export const itemsOf = (it: Plan) => it.items.map(({ item }) => item);
export const urlsIn = (edges: Edges): Set<string> =>
  new Set(Object.values(edges).flat().map(pathOf));

export const options: ReadOptions = {
  nowSeconds: 0,
  warmUrlsMax: 100,
  purge: 'native',
  allowCollateral: false,
};

export const workOf = ({ tags = [], urls = [] }: Asked): Revalidation => ({
  tags: tags.map((tag) => parseTag(tag)),
  urls: urls.map(encodeUrl),
});

/** Each edge comes in a page of its own; the recorded urls are those with an edge, and `others`. */
export function graphOf(
  edges: Edges,
  others: readonly string[] = [],
): Pick<Graph, 'edges' | 'isLive' | 'urls'> {
  const urls = new Set([...urlsIn(edges), ...others]);
  return {
    async *edges(tag: Tag): AsyncGenerator<readonly Edge[]> {
      for (const it of edges[tag] ?? [])
        yield [{ url: pathOf(it) as Url, byPath: typeof it !== 'string', untilSeconds: 600 }];
    },
    isLive: async (url) => urls.has(url),
    async *urls(prefix) {
      for (const url of urls) if (url.startsWith(prefix)) yield [url as Url];
    },
  };
}

/** @param part of what was asked for, to be planned from the same reading */
export async function planFor(
  edges: Edges,
  asked: Asked & { readonly part?: Asked; readonly others?: readonly string[] },
  given: Partial<ReadOptions> = {},
): Promise<Plan> {
  const all = { ...options, ...given };
  const reading = await readEdges(graphOf(edges, asked.others), workOf(asked), all);
  return plan(workOf(asked.part ?? asked), reading, all);
}

/** The urls that were asked for. */
export function wantedOf(edges: Edges, { tags = [], urls = [] }: Asked): Set<string> {
  const live = urlsIn(edges);
  return new Set([
    ...tags.flatMap((tag) => (edges[tag] ?? []).map(pathOf)),
    ...urls.filter((url) => live.has(url)),
  ]);
}

const TAGS = ['a', 'b', 'c', 'd', 'e'];
export const someTags = fc.uniqueArray(fc.constantFrom(...TAGS));

/** Some of these paths under each of some tags, a tenth of them without CloudFront knowing. */
export function someEdges(paths: readonly string[]): fc.Arbitrary<Edges> {
  const path = fc.constantFrom(...paths);
  const edge = fc.oneof(
    { weight: 9, arbitrary: path },
    { weight: 1, arbitrary: path.map((it) => ({ path: it })) },
  );
  return fc.dictionary(
    fc.constantFrom(...TAGS),
    fc.uniqueArray(edge, { selector: pathOf, maxLength: 8 }),
  );
}
