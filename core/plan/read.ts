/**
 * What a plan has to know of the graph, read at one moment.
 *
 * By tags and paths the memory does not grow with the urls (native-edges.ts). By paths alone every url has to be known by
 * its name, and what else is recorded where wildcards may be needed (others.ts).
 * @module
 */
import { inParallel } from '../parallel';
import type { Graph } from '../ports';
import type { Revalidation } from '../revalidation';
import type { Tag } from '../tags';
import { spellingsOf, type Url } from '../urls';
import { PATHS_MAX, type ReadOptions } from './contract';
import { readNativeEdges } from './native-edges';
import { type Others, readOthers } from './others';

const READS_AT_ONCE = 10;

/** What the graph says about a tag. */
export interface Dependents {
  /** Its edges; one that was read in two shards may count twice. */
  readonly count: number;
  /** When the last of its edges expires. */
  readonly untilSeconds: number;
  /** Edges by which CloudFront knows it as well. */
  readonly native: number;
  /** Urls that depend on it without CloudFront knowing: each has to go by its path. */
  readonly byPath: readonly Url[];
  /** All its native urls (by paths: all its urls); undefined when it is settled that the tag's item is taken. */
  readonly urls: readonly Url[] | undefined;
  /** Some of its native urls, or all. */
  readonly sample: readonly Url[];
}

/** Everything that a plan needs to know, for the work that was read and for each part of it. */
export interface Reading {
  readonly dependents: ReadonlyMap<Tag, Dependents>;
  /** Of the urls asked for, those of which a copy may be in some cache. */
  readonly liveUrls: ReadonlySet<Url>;
  /** By paths only, and where wildcards may be needed: recorded urls that were not asked for. */
  readonly others: readonly Others[] | undefined;
}

/**
 * Reads the edges, after the epochs were written: that order is the fence's.
 * @throws what the graph throws
 */
export async function readEdges(
  graph: Pick<Graph, 'edges' | 'isLive' | 'urls'>,
  { tags, urls }: Revalidation,
  options: ReadOptions,
): Promise<Reading> {
  const { nowSeconds, purge, pathsMax = PATHS_MAX } = options;
  const live = await inParallel(urls, READS_AT_ONCE, async (url) => {
    const spellings = await Promise.all(
      spellingsOf(url).map((spelling) => graph.isLive(spelling, nowSeconds)),
    );
    return spellings.includes(true) ? [url] : [];
  });
  const liveUrls = new Set(live.flat());
  if (purge === 'native') {
    const dependents = await readNativeEdges(graph, { tags, liveUrls }, options);
    return { dependents, liveUrls, others: undefined };
  }
  const all = await inParallel(tags, READS_AT_ONCE, async (tag): Promise<[Tag, Dependents]> => {
    return [tag, await readAllEdges(graph, tag, nowSeconds)];
  });
  const wanted = new Set(liveUrls);
  for (const [, { urls = [] }] of all) for (const url of urls) wanted.add(url);
  const others = await readOthers(graph, wanted, { nowSeconds, pathsMax });
  return { dependents: new Map(all), liveUrls, others };
}

async function readAllEdges(
  graph: Pick<Graph, 'edges'>,
  tag: Tag,
  nowSeconds: number,
): Promise<Dependents> {
  const all = new Set<Url>();
  let until = 0;
  for await (const page of graph.edges(tag, nowSeconds)) {
    for (const { url, untilSeconds } of page) {
      all.add(url);
      until = Math.max(until, untilSeconds);
    }
  }
  const urls = [...all];
  const counts = { count: urls.length, untilSeconds: until, native: 0 };
  return { ...counts, byPath: [], urls, sample: urls };
}
