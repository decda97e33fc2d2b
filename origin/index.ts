/**
 * What an origin says of a page: what it depends on, how long it may live, how long its render has taken.
 *
 *     tag('post', 42)                                                        // 'post:42'
 *     isrHeaders({ tags: ['post:42'], sMaxAge: 300, swr: 3600, elapsedMs: 12 })
 *     // { 'Cache-Control': 'public, s-maxage=300, stale-while-revalidate=3600',
 *     //   'Cache-Tag': 'post:42',
 *     //   'x-isr-elapsed': '12' }
 *
 * The headers are right by themselves: behind Varnish, nginx or nothing they mean the same. fixtures/headers.json holds
 * them as cases, for this SDK and for those in other languages.
 * @module
 */
import { parseTag, type Tag } from '../core/tags';
import { formatHeaders, formatLifetime, formatTags, shown, TAGS_LENGTH_MAX } from './format';

export type { Tag } from '../core/tags';

/** How long caches may keep a page; whole seconds. */
export interface Lifetime {
  /** How long it is fresh (`s-maxage`, RFC 9111 §5.2.2.10); 0 means that every viewer asks the origin. */
  readonly sMaxAge: number;
  /**
   * How long an old page may be served while a new one is rendered (`stale-while-revalidate`, RFC 5861 §3).
   * @default - not at all
   */
  readonly swr?: number;
  /**
   * How long an old page may be served when the origin fails (`stale-if-error`, RFC 5861 §4).
   * @default - not at all
   */
  readonly sie?: number;
}

/** A page, as far as caches have to know it. */
export interface IsrPage extends Lifetime {
  /** What the page depends on. @default - nothing: it can be revalidated by its url only */
  readonly tags?: readonly string[];
  /**
   * Milliseconds from the start of the render, before the first read of data, to these headers. The edge needs it to
   * tell whether the page may be older than a change.
   * @default - left out: the edge then takes the render for as long as its `renderBudget` (10 s)
   */
  readonly elapsedMs?: number;
}

/**
 * Names a record as a tag: `tag('post', 42)` is `post:42`.
 *
 * What a tag may not hold (white space, a comma, what is not ASCII), `%`, and a colon in `kind`, are percent-encoded
 * as UTF-8: `tag('author', 'Zoë, M.')` is `author:zo%c3%ab%2c%20m.`. The first colon ends the kind, and
 * `decodeURIComponent` gives back what is on either side of it, but for its case: tags have none (CloudFront), so ids
 * that differ in nothing else share a tag, and a purge of one purges both.
 *
 * @param kind what it is: `post`
 * @param id   which one, in whatever form names it for good: a number, a UUID, a slug
 * @throws TypeError when one of them is empty, or no string and no number (a record in place of its id)
 * @throws IsrError  `tag-invalid` when the tag has more than 256 characters: use an id, not a title
 */
export function tag(kind: string, id: string | number | bigint): Tag {
  const parts = { kind, id };
  for (const [name, part] of Object.entries(parts)) {
    const problem = problemOf(part);
    if (problem) throw new TypeError(`${name} is ${shown(part)}: ${problem}`);
  }
  return parseTag(`${escapePart(kind).replaceAll(':', '%3a')}:${escapePart(String(id))}`);
}

function problemOf(part: unknown): string | undefined {
  if (part === '') return 'it takes at least one character';
  if (typeof part === 'string' || typeof part === 'bigint' || Number.isFinite(part)) return;
  return 'it takes a string or a number';
}

function escapePart(raw: string): string {
  // `!` and `'` and the like are no trouble in a tag, so encodeURIComponent may leave them
  return raw.toWellFormed().replace(/[^!-~]+|[,%]/g, encodeURIComponent);
}

/**
 * The headers that tell the edge, and every other cache, about a page.
 *
 * @returns `Cache-Control`, `Cache-Tag` (when there are tags: lower case, sorted, each once) and `x-isr-elapsed`
 * (when it was given: whole milliseconds, rounded up, since an age too small would hide a change)
 * @throws IsrError   `tag-invalid`, naming the tag's place
 * @throws RangeError when a time is no whole number of seconds, or the tags are too long for a header
 * @see RFC 9111 §5.2.2, RFC 5861
 */
export function isrHeaders({ tags = [], elapsedMs, ...lifetime }: IsrPage): Record<string, string> {
  const cacheTag = formatTags(tags.map((raw, i) => parseTag(raw, `tags[${i}]`)));
  if (cacheTag.length > TAGS_LENGTH_MAX) {
    throw new RangeError(
      `tags take ${cacheTag.length} characters together, at most ${TAGS_LENGTH_MAX}: name what they have in common`,
    );
  }
  return formatHeaders({ cacheControl: formatLifetime(lifetime), cacheTag, elapsedMs });
}
