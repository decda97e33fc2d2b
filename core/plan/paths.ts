/**
 * A plan by paths alone, for a CloudFront without tags: a path for every url and, where these are too many, wildcards.
 * @module
 */
import type { Revalidation } from '../revalidation';
import type { Tag } from '../tags';
import { isPurgeable, type Url } from '../urls';
import {
  PATHS_MAX,
  type Plan,
  type PlanItem,
  type PlanOptions,
  SAMPLE_URLS,
  type Skip,
} from './contract';
import { prefixTree } from './prefix-tree';
import type { Reading } from './read';
import { coverByPaths, type PathItem } from './wildcards';
import { NO_LIVE_EDGE, NOT_CACHED, some, urlsInWords } from './words';

export function planByPaths(
  work: Revalidation,
  reading: Reading,
  { warmUrlsMax, pathsMax = PATHS_MAX, allowCollateral }: PlanOptions,
): Plan {
  const tagsOf = wantedOf(work, reading);
  const wanted = [...tagsOf.keys()];
  // without knowing what else is recorded there is no wildcard, nor need of one (others.ts)
  const isEach = !reading.others || (wanted.length <= pathsMax && wanted.every(isPurgeable));
  const { items, missed } = isEach
    ? { items: [...wanted].sort().map((url) => ({ path: url, covers: [url] })), missed: [] }
    : coverByPaths(treeOf(tagsOf, reading), { pathsMax, allowCollateral });
  const byName = wanted.filter((url) => reading.liveUrls.has(url));
  return {
    items: items.map((item) => inWords(item, tagsOf)),
    skipped: skipsOf(work, reading, items),
    unpurgeable: missed.map((url) => ({
      url,
      why: `depends on ${some(tagsOf.get(url) ?? [])}; no path can name it, and a wildcard would hit others`,
    })),
    covered: wanted.length - missed.length,
    warm: [...new Set([...byName, ...wanted])].slice(0, warmUrlsMax),
  };
}

/** The urls to be purged, with the tags that ask for it. */
export function wantedOf({ tags, urls }: Revalidation, { dependents, liveUrls }: Reading) {
  const tagsOf = new Map<Url, Tag[]>();
  for (const url of urls) if (liveUrls.has(url)) tagsOf.set(url, []);
  for (const tag of tags) {
    for (const url of dependents.get(tag)?.urls ?? []) {
      const known = tagsOf.get(url);
      if (known) known.push(tag);
      else tagsOf.set(url, [tag]);
    }
  }
  return tagsOf;
}

/** Urls that were read for other parts of the work are among this part's others. */
function treeOf(wanted: ReadonlyMap<Url, unknown>, { dependents, liveUrls, others }: Reading) {
  const tree = prefixTree(wanted.keys());
  const read = new Set([...liveUrls, ...[...dependents.values()].flatMap(({ urls = [] }) => urls)]);
  for (const url of read) {
    if (!wanted.has(url)) tree.addOthers(url, { count: 1, sample: [url] });
  }
  for (const { prefix, ...urls } of others ?? []) tree.addOthers(prefix, urls);
  return tree;
}

function inWords(
  { path, covers, collateral }: PathItem,
  tagsOf: ReadonlyMap<Url, readonly Tag[]>,
): PlanItem {
  const known = { item: path, covers: covers.length, sample: covers.slice(0, SAMPLE_URLS) };
  if (!collateral) {
    const tags = tagsOf.get(path as Url) ?? [];
    return { ...known, why: tags.length > 0 ? `depends on ${some(tags)}` : `revalidate ${path}` };
  }
  const { count } = collateral;
  const others = count === 0 ? 'no other recorded url' : `${urlsInWords(count)} nobody asked for`;
  return {
    ...known,
    collateral,
    why: `so begin ${urlsInWords(covers.length)} to be purged, and ${others}`,
  };
}

function skipsOf(
  { tags, urls }: Revalidation,
  { dependents, liveUrls }: Reading,
  items: readonly PathItem[],
): Skip[] {
  const wildcardOf = new Map(
    items
      .filter(({ collateral }) => collateral)
      .flatMap(({ path, covers }) => covers.map((url) => [url, path])),
  );
  return [
    ...urls.flatMap((url) => {
      if (!liveUrls.has(url)) return [{ asked: url, why: NOT_CACHED }];
      const wildcard = wildcardOf.get(url);
      return wildcard ? [{ asked: url, why: `covered by ${wildcard}` }] : [];
    }),
    ...tags.map((tag) => {
      const count = dependents.get(tag)?.count ?? 0;
      const why = `${urlsInWords(count)}, purged by their paths: tags are not used here`;
      return { asked: tag, why: count === 0 ? NO_LIVE_EDGE : why };
    }),
  ];
}
