/**
 * Which tags of a response CloudFront is given: it keeps 50 of an object and drops the rest silently (CFDG,
 * invalidation-by-tags).
 *
 * Each revalidation of a tag that it was not given costs a path item for this url. So it gets the tags that are
 * revalidated most often; tags of which nothing is known come last, in their own order. The choice is noted in the url's mark
 * and kept as long as that counts, or every count that changes would cost writes.
 * @module
 */
import type { TagFacts } from './ports';
import type { Tag } from './tags';

export const NATIVE_TAGS_MAX = 50;

/** @param tags sorted, without repetition @returns at most `max` of them, sorted */
export function nativeTags(
  tags: readonly Tag[],
  known: ReadonlyMap<Tag, TagFacts>,
  max: number,
): readonly Tag[] {
  if (tags.length <= max) return tags;
  const revalidations = (tag: Tag) => known.get(tag)?.revalidations ?? 0;
  return [...tags] // sorting is stable
    .sort((a, b) => revalidations(b) - revalidations(a))
    .slice(0, max)
    .sort();
}
