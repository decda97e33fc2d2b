/**
 * The planner: which purge items cover every cached copy of what was asked for, and nothing else.
 *
 *     no live edge       no item: nothing is cached (sound, because of the fence)
 *     a tag              one item, `#post:42`, whatever it covers, with all variants
 *     a tag's url that CloudFront does not know by the tag (it keeps 50 of an object)    its path as well
 *     a url              its path, also when a requested tag is on it: an older copy, or another variant, may lack the tag
 *
 * Reading is streamed: of a tag with a million urls a count and some urls to warm are kept.
 * @module
 */
import { inParallel } from '../parallel';
import type { Graph } from '../ports';
import type { Revalidation } from '../revalidation';
import type { Tag } from '../tags';
import { spellingsOf, type Url } from '../urls';

const READS_AT_ONCE = 10;

export interface PlanItem {
  /** `#post:42` or `/posts/42`, as CloudFront takes it. */
  readonly item: string;
  readonly why: string;
  /** How many recorded urls it covers. */
  readonly covers: number;
}

/** A requested tag or url that needs no item of its own. */
export interface Skip {
  readonly asked: string;
  readonly why: string;
}

export interface Plan {
  readonly items: readonly PlanItem[];
  readonly skipped: readonly Skip[];
  /** Urls that depend on what was asked for; beyond the warm limit overlaps may count twice. */
  readonly covered: number;
  readonly warm: readonly Url[];
}

/** What the graph says about a tag. */
export interface Dependents {
  readonly count: number;
  /** Urls that CloudFront knows by this tag. */
  readonly native: number;
  readonly byPath: readonly Url[];
  /** At most `warmUrlsMax` of them. */
  readonly sample: readonly Url[];
}

/** Everything that a plan needs to know, read at one moment. */
export interface Reading {
  readonly dependents: ReadonlyMap<Tag, Dependents>;
  readonly liveUrls: ReadonlySet<Url>;
}

export interface ReadOptions {
  readonly nowSeconds: number;
  readonly warmUrlsMax: number;
}

type EdgeReader = Pick<Graph, 'edges' | 'isLive'>;

/** Reads the edges, after the epochs were written: that order is the fence's. */
export async function readEdges(
  graph: EdgeReader,
  { tags, urls }: Revalidation,
  options: ReadOptions,
): Promise<Reading> {
  const dependents = await inParallel(tags, READS_AT_ONCE, async (tag) => {
    return [tag, await readDependents({ graph, tag }, options)] as const;
  });
  const live = await inParallel(urls, READS_AT_ONCE, async (url) => {
    const live = await Promise.all(
      spellingsOf(url).map((spelling) => graph.isLive(spelling, options.nowSeconds)),
    );
    return live.includes(true) ? [url] : [];
  });
  return { dependents: new Map(dependents), liveUrls: new Set(live.flat()) };
}

async function readDependents(
  { graph, tag }: { graph: EdgeReader; tag: Tag },
  { nowSeconds, warmUrlsMax }: ReadOptions,
): Promise<Dependents> {
  let count = 0;
  const byPath: Url[] = [];
  const sample: Url[] = [];
  for await (const page of graph.edges(tag, nowSeconds)) {
    count += page.length;
    for (const edge of page) {
      if (edge.byPath) byPath.push(edge.url);
      if (sample.length < warmUrlsMax) sample.push(edge.url);
    }
  }
  return { count, native: count - byPath.length, byPath, sample };
}

export function plan(
  { tags, urls }: Revalidation,
  { dependents, liveUrls }: Reading,
  warmUrlsMax: number,
): Plan {
  const items = new Map<string, PlanItem>();
  const skipped: Skip[] = [];
  const warm = new Set<Url>();
  let unsampled = 0;

  for (const tag of tags) {
    const found = dependents.get(tag);
    if (!found || found.count === 0) {
      skipped.push({ asked: tag, why: 'no live edge: nothing that depends on it is cached' });
      continue;
    }
    const { native, byPath, sample, count } = found;
    const item = `#${tag}`;
    if (native > 0) items.set(item, { item, why: `revalidate ${tag}`, covers: native });
    for (const url of byPath) {
      items.set(url, {
        item: url,
        why: `depends on ${tag}, which CloudFront does not keep for it`,
        covers: 1,
      });
    }
    for (const url of sample) warm.add(url);
    unsampled += count - sample.length;
  }

  for (const url of urls) {
    if (!liveUrls.has(url)) {
      skipped.push({ asked: url, why: 'no live edge: it is not cached' });
      continue;
    }
    items.set(url, items.get(url) ?? { item: url, why: `revalidate ${url}`, covers: 1 });
    warm.add(url);
  }

  return {
    items: [...items.values()],
    skipped,
    covered: warm.size + unsampled,
    warm: [...warm].slice(0, warmUrlsMax),
  };
}
