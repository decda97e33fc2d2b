/**
 * What else is recorded beside the urls asked for: what a wildcard would hit.
 *
 * Streamed: of a million other urls, a count and a few of them are kept where they leave the prefix tree of the urls asked
 * for. That is enough for each part of the work, whose tree has no prefix that this one has not.
 * @module
 */
import type { Graph } from '../ports';
import { isPurgeable, spellingsOf, type Url } from '../urls';
import type { Urls } from './contract';
import { prefixTree } from './prefix-tree';

/** Recorded urls that were not asked for and that begin so. */
export interface Others extends Urls {
  readonly prefix: string;
}

/** @returns undefined where every url asked for can go by a path of its own */
export async function readOthers(
  graph: Pick<Graph, 'urls'>,
  wanted: ReadonlySet<Url>,
  { nowSeconds, pathsMax }: { readonly nowSeconds: number; readonly pathsMax: number },
): Promise<Others[] | undefined> {
  if (wanted.size <= pathsMax && [...wanted].every(isPurgeable)) return undefined;
  const tree = prefixTree(wanted);
  const asked = new Set([...wanted].flatMap(spellingsOf)); // in whatever spelling it is recorded
  for await (const page of graph.urls(tree.root.prefix, nowSeconds)) {
    for (const url of page) {
      if (!asked.has(url)) tree.addOthers(url, { count: 1, sample: [url] });
    }
  }
  return tree.nodes
    .filter(({ others }) => others > 0)
    .map(({ prefix, others, othersSample }) => ({ prefix, count: others, sample: othersSample }));
}
