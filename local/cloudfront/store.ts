/**
 * The cache: copies by key, bounded by bytes, least recently used first out.
 *
 *     byKey   the copy of a key
 *     byUrl   all variants of a url       /posts/42   →  br,gzip | gzip | …
 *     byTag   all copies with a tag       post:42     →  /posts/42, /posts, /
 *
 * The two indexes hold exactly the copies that byKey holds: `dispose` takes out what leaves it, for whatever reason.
 * An exact path and a tag are looked up; a wildcard walks all urls (20 ms for 10⁶; CloudFront takes one a second).
 * @see CFDG, invalidation-specifying-objects, invalidation-by-tags, invalidation-specifying-tags
 * @module
 */
import { LRUCache } from 'lru-cache';
import type { Lifetime } from './lifetime';
import type { Note } from './options';

/** A response as the cache keeps it. */
export interface Copy {
  readonly key: string;
  readonly url: string;
  readonly status: number;
  /** Header lines as they were stored, name after value. */
  readonly lines: readonly string[];
  /** Header lines as every viewer gets them, worked out once. */
  readonly head: readonly string[];
  readonly body: Buffer;
  /** Lower case. */
  readonly tags: readonly string[];
  readonly note: Note;
  readonly etag: string | undefined;
  readonly lastModified: string | undefined;
  readonly isConfirmable: boolean;
  /** When the origin answered: Age counts from here. */
  readonly answeredAtMs: number;
  readonly freshUntilMs: number;
  /** stale-while-revalidate */
  readonly staleUntilMs: number;
  /** So long it may answer for a failing origin. */
  readonly errorUntilMs: number;
  /** The origin has just failed, and is not asked again before. */
  retryAtMs: number;
}

/** The moments at which the windows of a lifetime end. */
export function untilsOf(lifetime: Lifetime, answeredAtMs: number) {
  const freshUntilMs = answeredAtMs + lifetime.freshSeconds * 1_000;
  return {
    answeredAtMs,
    freshUntilMs,
    staleUntilMs: freshUntilMs + lifetime.staleSeconds * 1_000,
    errorUntilMs: freshUntilMs + lifetime.errorSeconds * 1_000,
    isConfirmable: lifetime.isConfirmable,
  };
}

export interface Store {
  get(key: string): Copy | undefined;
  put(copy: Copy): void;
  delete(key: string): void;
  /**
   * Drops what an invalidation item names: `/path`, `/prefix*` or `#tag`.
   * @returns how many copies it dropped
   */
  invalidate(item: string): number;
}

/**
 * Paths that may drop nothing, and so drop nothing here: a percent-encoded character that needs no encoding (`~` is not
 * supported, encoded or not), empty and dot segments.
 * @see CFDG, invalidation-specifying-objects; RFC 1738 §2.2
 */
const NAMES_NOTHING =
  /^[^?]*\/(\/|\.\.?([/?]|$))|%(?!2[0235]|3[CE]|5[B-E]|60|7[BCD]|[89A-F][\dA-F])/i;

/** What a copy costs beside its strings and its body. */
const COPY_OVERHEAD_BYTES = 1_024;

export function createStore({ maxBytes }: { maxBytes: number }): Store {
  const byUrl = new Map<string, Copy[]>();
  const byTag = new Map<string, Set<Copy>>();

  const enter = (copy: Copy) => {
    byUrl.set(copy.url, [...(byUrl.get(copy.url) ?? []), copy]);
    for (const tag of copy.tags) {
      const copies = byTag.get(tag);
      if (copies) copies.add(copy);
      else byTag.set(tag, new Set([copy]));
    }
  };
  const leave = (copy: Copy) => {
    const variants = byUrl.get(copy.url)?.filter((other) => other !== copy) ?? [];
    if (variants.length > 0) byUrl.set(copy.url, variants);
    else byUrl.delete(copy.url);
    for (const tag of copy.tags) {
      const copies = byTag.get(tag);
      copies?.delete(copy);
      if (copies?.size === 0) byTag.delete(tag);
    }
  };
  const byKey = new LRUCache<string, Copy>({
    maxSize: maxBytes,
    sizeCalculation: bytesOf,
    dispose: leave,
  });

  function covered(item: string): Iterable<Copy> {
    if (item.startsWith('#')) return byTag.get(item.slice(1).toLowerCase()) ?? [];
    if (NAMES_NOTHING.test(item)) return [];
    return item.endsWith('*') ? startingWith(item.slice(0, -1)) : (byUrl.get(item) ?? []);
  }

  function* startingWith(prefix: string): Iterable<Copy> {
    for (const [url, copies] of byUrl) if (url.startsWith(prefix)) yield* copies;
  }

  /** Taking a million copies out one by one would hold the event loop for seconds. */
  function clear(): number {
    const { size } = byKey;
    byUrl.clear();
    byTag.clear();
    byKey.clear();
    return size;
  }

  return {
    get: (key) => byKey.get(key),
    put(copy) {
      byKey.set(copy.key, copy);
      if (byKey.peek(copy.key) === copy) enter(copy); // else it is larger than the whole cache
    },
    delete: (key) => {
      byKey.delete(key);
    },
    invalidate(item) {
      if (item === '/*') return clear();
      const copies = [...covered(item)]; // first collected: deleting changes the indexes
      for (const { key } of copies) byKey.delete(key);
      return copies.length;
    },
  };
}

function bytesOf({ key, lines, head, body }: Copy): number {
  const characters = [...lines, ...head].reduce((sum, { length }) => sum + length, key.length);
  return characters + body.byteLength + COPY_OVERHEAD_BYTES;
}

/** CFDG, invalidation-by-tags: the rest is silently not stored. */
const TAGS_MAX = 50;
const TAG = /^[!-+\--~]{1,256}$/;

/** The cache tags in a header's value, lower case; what is no tag is left out. */
export function cacheTagsIn(value: string | undefined): string[] {
  const tags = (value ?? '')
    .split(',')
    .map((tag) => tag.trim().toLowerCase())
    .filter((tag) => TAG.test(tag));
  return [...new Set(tags)].slice(0, TAGS_MAX);
}
