/**
 * Keys of the one table.
 *
 *     tag#post:42#0    | url#/posts/42            an edge: that url was rendered from that tag
 *     tag#site#13      | url#/posts/42            an edge of a tag whose edges are spread: 13 follows from the url
 *     tag#post:42      | #                        the tag: its epoch, over how many shards its edges are spread
 *     urls#7           | url#/posts/42            the url: what was recorded last, its epoch; 7 follows from the url
 *     urls#3           | url#sha256:9f8…          a url too long for a key (DynamoDB: 1,024 bytes), by its hash
 *     job#c6af9ac6-…   | #                        a job
 *     purge#9f86d081…  | #                        what is purged together; `text#…` holds its long lists
 *     pace#warm        | #                        how fast the warmers go, all together
 *
 * Urls lie in sixteen partitions, in their own order: those that begin alike are found without a scan.
 * A tag may hold `#`: the edges of `a` share a partition with the epoch of `a#0`, but never a sort key.
 * @module
 */
import { hash } from './hash';
import type { Tag } from './tags';
import type { Url } from './urls';

export interface Key {
  readonly pk: string;
  readonly sk: string;
}

export const SELF = '#';
export const URL_PREFIX = 'url#';
/** So begin the sort keys of urls that are too long for one. */
export const HASHED_PREFIX = `${URL_PREFIX}sha256:`;
/** Partitions of the urls, and of a spread tag's edges: each takes 1,000 writes a second. */
export const SHARDS = 16;
/** Below DynamoDB's 1,024 bytes for a sort key, prefix included. A recorded url is ASCII: a character is a byte. */
const URL_KEY_MAX = 1_000;

export const tagKey = (tag: Tag): Key => ({ pk: `tag#${tag}`, sk: SELF });
export const urlsOf = (shard: number): string => `urls#${shard}`;
export const urlKey = (url: Url): Key => ({
  pk: urlsOf(shardOf(url, SHARDS)),
  sk: urlPart(url),
});
export const jobKey = (id: string): Key => ({ pk: `job#${id}`, sk: SELF });
export const purgeKey = (id: string): Key => ({ pk: `purge#${id}`, sk: SELF });
export const paceKey = (name: string): Key => ({ pk: `pace#${name}`, sk: SELF });
export const edgesOf = (tag: Tag, shard: number): string => `tag#${tag}#${shard}`;
export const edgeKey = (tag: Tag, url: Url, shards: number): Key => ({
  pk: edgesOf(tag, shardOf(url, shards)),
  sk: urlPart(url),
});

/** True when the key does not hold the url itself, so that the item has to. */
export const isHashed = (url: Url): boolean => url.length > URL_KEY_MAX;

/** The same for the same url, as long as the tag has so many shards. */
function shardOf(url: Url, shards: number): number {
  return shards === 1 ? 0 : Number.parseInt(hash(url).slice(0, 8), 16) % shards;
}

function urlPart(url: Url): string {
  return isHashed(url) ? HASHED_PREFIX + hash(url) : URL_PREFIX + url;
}
