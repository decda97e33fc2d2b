/**
 * The edges of the tags asked for, as far as a plan by tags and paths has to know them.
 *
 *     a tag on 1,000,000 urls, 3 tags asked for    its item is taken: a count and some urls to warm are kept
 *     a tag on 2 urls                              both are kept: their paths may be fewer, if others share them
 *
 * With T tags asked for, a tag with more than T urls that no forced path covers is in every smallest cover (Buss's rule:
 * without it they all go by path, which is more than all the tags together). So at most T + 1 such urls are kept of a tag,
 * and its further edges are only counted. This holds for each part of the work too, which has fewer tags and forces fewer
 * paths.
 *
 * Together at most `edgesMax` are kept. A tag for which there is no room is read again, in the company of the others like it:
 * it is taken as soon as one of its urls has been taken for no other (a maximal matching); else all its urls were taken for
 * others, and are kept: at most T²/4 together. M tags taken so mean M edges without a common end, for which every cover has
 * M members; and the smallest cover of what is kept is no larger than that of everything. Together that is at most twice the
 * best, which is less than H(n) times from n = 4 edges on.
 * @see J. F. Buss, J. Goldsmith, SIAM J. Comput. 22 (1993) 560–572; on matchings, M. R. Garey, D. S. Johnson, Computers and
 *   Intractability (1979) 134
 * @module
 */
import { inParallel } from '../parallel';
import type { Graph } from '../ports';
import type { Tag } from '../tags';
import { isPurgeable, type Url } from '../urls';
import { type ReadOptions, SAMPLE_URLS } from './contract';
import type { Dependents } from './read';

const READS_AT_ONCE = 10;
/** Up to so many kept edges a plan is the cheapest there is; they take some 30 MB. */
export const EDGES_MAX = 200_000;
/** Of all tags together so many urls are kept to warm, but at least some of each. */
const SAMPLED_MAX = 200_000;

/** A tag while it is read. */
interface Tally {
  readonly tag: Tag;
  count: number;
  untilSeconds: number;
  readonly byPath: Set<Url>;
  readonly sample: Url[];
  /** Its native urls, as long as they are kept. */
  urls: Set<Url> | undefined;
  /** Why they are not kept: one of them has no path that could name it; there are more than T; there was no room. */
  settled: 'unnameable' | 'many' | 'no-room' | undefined;
  /** How many of `urls` no forced path covers. */
  open: number;
  /** So many paths were forced when its reading began. */
  readonly forcedThen: number;
}

/** All tags while they are read. */
interface Tallying {
  readonly edges: (tag: Tag) => ReturnType<Graph['edges']>;
  readonly tagCount: number;
  readonly sampleMax: number;
  /** How many more urls may be kept. */
  room: number;
  /** Urls that go by their path whatever else is planned. */
  readonly forced: Set<Url>;
  /** Urls by which a tag without room was taken. */
  readonly taken: Set<Url>;
}

/** @param liveUrls those asked for by name: their paths are forced */
export async function readNativeEdges(
  graph: Pick<Graph, 'edges'>,
  { tags, liveUrls }: { readonly tags: readonly Tag[]; readonly liveUrls: ReadonlySet<Url> },
  { nowSeconds, warmUrlsMax, edgesMax = EDGES_MAX }: ReadOptions,
): Promise<Map<Tag, Dependents>> {
  const fair = Math.max(SAMPLE_URLS, Math.floor(SAMPLED_MAX / tags.length));
  const all: Tallying = {
    edges: (tag) => graph.edges(tag, nowSeconds),
    tagCount: tags.length,
    sampleMax: Math.min(warmUrlsMax, fair),
    room: edgesMax,
    forced: new Set(liveUrls),
    taken: new Set(),
  };
  const tallies = await inParallel(tags, READS_AT_ONCE, (tag) => read(tag, all));
  // more paths were forced while it was found to have many urls: perhaps theirs
  const doubtful = tallies.filter(
    ({ settled, forcedThen }) => settled === 'many' && forcedThen < all.forced.size,
  );
  await inParallel(doubtful, READS_AT_ONCE, (tally) => readAgain(tally, all));
  const crowded = tallies.filter(({ settled }) => settled === 'no-room');
  await inParallel(crowded, READS_AT_ONCE, (tally) => takeOrKeep(tally, all));
  return new Map(tallies.map((tally) => [tally.tag, dependentsOf(tally)]));
}

async function read(tag: Tag, all: Tallying): Promise<Tally> {
  const { forced, sampleMax } = all;
  const tally: Tally = {
    tag,
    count: 0,
    untilSeconds: 0,
    byPath: new Set(),
    sample: [],
    urls: new Set(),
    settled: undefined,
    open: 0,
    forcedThen: forced.size,
  };
  for await (const page of all.edges(tag)) {
    tally.count += page.length;
    for (const edge of page) {
      tally.untilSeconds = Math.max(tally.untilSeconds, edge.untilSeconds);
      if (edge.byPath) {
        tally.byPath.add(edge.url);
        if (isPurgeable(edge.url)) forced.add(edge.url);
      } else {
        if (tally.sample.length < sampleMax) tally.sample.push(edge.url);
        if (tally.urls) keep(edge.url, tally.urls, { tally, all });
      }
    }
  }
  return tally;
}

/** Now that all forced paths are known. What has become `byPath` meanwhile is of a render after the epoch. */
async function readAgain(tally: Tally, all: Tallying): Promise<void> {
  Object.assign(tally, { urls: new Set(), settled: undefined, open: 0 });
  for await (const page of all.edges(tally.tag)) {
    for (const { url } of page) {
      if (!tally.urls) return;
      if (!tally.byPath.has(url)) keep(url, tally.urls, { tally, all });
    }
  }
}

function keep(
  url: Url,
  urls: Set<Url>,
  { tally, all }: { readonly tally: Tally; readonly all: Tallying },
): void {
  if (urls.has(url)) return;
  const isOpen = !all.forced.has(url);
  if (!isPurgeable(url)) tally.settled = 'unnameable';
  else if (isOpen && tally.open === all.tagCount) tally.settled = 'many';
  else if (all.room === 0) tally.settled = 'no-room';
  if (tally.settled) {
    tally.urls = undefined;
    all.room += urls.size;
    return;
  }
  urls.add(url);
  all.room -= 1;
  if (isOpen) tally.open += 1;
}

/** A tag for which there was no room. */
async function takeOrKeep(tally: Tally, { edges, forced, taken }: Tallying): Promise<void> {
  const urls = new Set<Url>();
  for await (const page of edges(tally.tag)) {
    for (const { url } of page) {
      if (tally.byPath.has(url)) continue;
      if (!forced.has(url) && !(taken.has(url) && isPurgeable(url))) {
        taken.add(url);
        return;
      }
      urls.add(url);
    }
  }
  tally.urls = urls;
}

function dependentsOf({ count, untilSeconds, byPath, sample, urls: kept }: Tally): Dependents {
  const urls = kept && [...kept];
  const native = urls?.length ?? count - byPath.size;
  return { count, untilSeconds, native, byPath: [...byPath], urls, sample: urls ?? sample };
}
