/**
 * A plan by tags and paths.
 *
 *     `#post:42`     covers every edge of post:42 that CloudFront knows of
 *     /posts/42      covers every edge of /posts/42, in all variants
 *
 * What has to be covered are the edges of the tags asked for, and the urls asked for. An item of another tag is no help: an
 * older copy, or another variant, may lack that tag. So some paths are forced: of a url asked for, of one that CloudFront
 * does not know by the tag. Some tags are settled by what was read (native-edges.ts). The rest is a minimum vertex cover.
 * @module
 */
import type { Revalidation } from '../revalidation';
import type { Tag } from '../tags';
import { isPurgeable, type Url } from '../urls';
import {
  type Plan,
  type PlanItem,
  type PlanOptions,
  SAMPLE_URLS,
  type Unpurgeable,
} from './contract';
import { minimumCover } from './cover';
import type { Dependents, Reading } from './read';
import { NO_LIVE_EDGE, NOT_CACHED, some, urlsInWords } from './words';

export function planNative(
  work: Revalidation,
  reading: Reading,
  { warmUrlsMax }: PlanOptions,
): Plan {
  const found = work.tags.flatMap((tag): [Tag, Dependents][] => {
    const dependents = reading.dependents.get(tag);
    return dependents && dependents.count > 0 ? [[tag, dependents]] : [];
  });
  const { forced, unpurgeable } = forcedPaths(work.urls, found, reading);
  const isOpen = (url: Url) => !forced.has(url);
  const open = new Map(found.map(([tag, { urls = [] }]) => [tag, urls.filter(isOpen)]));
  const cover = minimumCover(open);

  const items: PlanItem[] = [];
  const skipped = work.urls
    .filter((url) => !reading.liveUrls.has(url))
    .map((url) => ({ asked: url as string, why: NOT_CACHED }));
  for (const tag of work.tags) {
    const dependents = reading.dependents.get(tag);
    if (!dependents || dependents.count === 0) {
      skipped.push({ asked: tag, why: NO_LIVE_EDGE });
    } else if (!dependents.urls || cover.tags.has(tag)) {
      items.push(itemOf(tag, dependents));
    } else {
      skipped.push({ asked: tag, why: whyNone(dependents, isOpen) });
    }
  }
  const chosen = chosenPaths(cover.urls, open);
  for (const [url, why] of [...forced, ...chosen].sort(([a], [b]) => (a < b ? -1 : 1))) {
    items.push({ item: url, why, covers: 1, sample: [url] });
  }
  return { items, skipped, unpurgeable, ...urlsOf(found, forced, warmUrlsMax) };
}

/** Urls that have to go by their path, and why; and those that cannot. */
function forcedPaths(
  urls: readonly Url[],
  found: readonly (readonly [Tag, Dependents])[],
  { liveUrls }: Reading,
) {
  const forced = new Map<Url, string>();
  const unpurgeable = new Map<Url, Unpurgeable>();
  for (const url of urls) if (liveUrls.has(url)) forced.set(url, `revalidate ${url}`);
  for (const [tag, { byPath }] of found) {
    const why = `depends on ${tag}, which CloudFront does not keep for it`;
    for (const url of byPath) {
      if (forced.has(url)) continue;
      if (isPurgeable(url)) forced.set(url, why);
      else unpurgeable.set(url, { url, why: `${why}, and no path can name it` });
    }
  }
  return { forced, unpurgeable: [...unpurgeable.values()] };
}

function itemOf(tag: Tag, { native, sample }: Dependents): PlanItem {
  const why = `revalidate ${tag}: one item for ${urlsInWords(native)}`;
  return { item: `#${tag}`, why, covers: native, sample: sample.slice(0, SAMPLE_URLS) };
}

function whyNone({ urls = [], byPath }: Dependents, isOpen: (url: Url) => boolean): string {
  const paths = [...new Set([...urls, ...byPath.filter(isPurgeable)])].sort();
  if (paths.length === 0)
    return 'no path can name its urls, and CloudFront does not know them by it';
  const why = urls.some(isOpen) ? 'which are fewer than tags' : 'which are needed anyway';
  return `covered by the paths of ${some(paths)}, ${why}`;
}

/** Paths of urls that several tags share, and why. */
function chosenPaths(
  chosen: ReadonlySet<Url>,
  open: ReadonlyMap<Tag, readonly Url[]>,
): Map<Url, string> {
  const tagsOf = new Map([...chosen].map((url) => [url, [] as Tag[]]));
  for (const [tag, urls] of open) for (const url of urls) tagsOf.get(url)?.push(tag);
  return new Map(
    [...tagsOf].map(([url, tags]) => [url, `depends on ${some(tags)}: paths are fewer than tags`]),
  );
}

function urlsOf(
  found: readonly (readonly [Tag, Dependents])[],
  forced: ReadonlyMap<Url, string>,
  warmUrlsMax: number,
) {
  const known = new Set(forced.keys());
  let unsampled = 0;
  for (const [, { native, sample }] of found) {
    for (const url of sample) known.add(url);
    unsampled += native - sample.length;
  }
  return { covered: known.size + unsampled, warm: [...known].slice(0, warmUrlsMax) };
}
