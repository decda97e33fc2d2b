/**
 * Keys of the one table.
 *
 *     tag#post:42#0    | url#/posts/42            an edge: that url was rendered from that tag
 *     tag#site#13      | url#/posts/42            an edge of a tag whose edges are spread: 13 follows from the url
 *     tag#post:42      | #                        the tag: its epoch, over how many shards its edges are spread
 *     urls#7           | url#/posts/42            the url: what was recorded last, its epoch; 7 follows from the url
 *     urls#3           | url#sha256:9f8…          a url too long for a key (DynamoDB: 1,024 bytes), or not ASCII, by its hash
 *     job#c6af9ac6-…   | #                        a job
 *     jobs#2026-11-25  | 1764037585000#9f86d081…  when it was requested: jobs of a day (UTC), in their order
 *     purge#9f86d081…  | #                        what is purged together; `text#…` holds its long lists
 *     purge#open       | #                        the purge that takes more
 *     ledger#2026-11   | #                        purge items of a month
 *     pace#warm        | #                        how fast the warmers go, all together
 *
 * Urls lie in sixteen partitions, in their own order: those that begin alike are found without a scan.
 * A site that shares another's table has `site#NAME#` before each of these (aws/site-keys.ts).
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
/** So begin the sort keys of urls that are too long for one, or not ASCII. */
export const HASHED_PREFIX = `${URL_PREFIX}sha256:`;
/** Partitions of the urls, and of a spread tag's edges: each takes 1,000 writes a second. */
export const SHARDS = 16;
/** Below DynamoDB's 1,024 bytes for a sort key, prefix included: a character is a byte, since what is not ASCII is hashed. */
const URL_KEY = /^[!-~]{0,1000}$/;

export const tagKey = (tag: Tag): Key => ({ pk: `tag#${tag}`, sk: SELF });
export const urlsOf = (shard: number): string => `urls#${shard}`;
export const urlKey = (url: Url): Key => ({
  pk: urlsOf(shardOf(url, SHARDS)),
  sk: urlPart(url),
});
export const jobKey = (id: string): Key => ({ pk: `job#${id}`, sk: SELF });
/** Of a day, `2026-11-25`. */
export const jobsOf = (day: string): string => `jobs#${day}`;
export const jobIndexKey = (id: string, requestedAtMs: number): Key => ({
  pk: jobsOf(dayOf(requestedAtMs)),
  sk: jobPlace(id, requestedAtMs),
});
export const purgeKey = (id: string): Key => ({ pk: `purge#${id}`, sk: SELF });
export const OPEN_PURGE_KEY: Key = purgeKey('open'); // a purge's own id is hexadecimal
/** @param month as in `2026-11` */
export const ledgerKey = (month: string): Key => ({ pk: `ledger#${month}`, sk: SELF });
export const paceKey = (name: string): Key => ({ pk: `pace#${name}`, sk: SELF });
export const edgesOf = (tag: Tag, shard: number): string => `tag#${tag}#${shard}`;
export const edgeKey = (tag: Tag, url: Url, shards: number): Key => ({
  pk: edgesOf(tag, shardOf(url, shards)),
  sk: urlPart(url),
});

/** True when the key does not hold the url itself, so that the item has to. */
export const isHashed = (url: Url): boolean => !URL_KEY.test(url);

/** `1764037585000#9f86d081884c7d65`: jobs in the order of their requests. An id may be longer than a sort key. */
export function jobPlace(id: string, requestedAtMs: number): string {
  return `${String(inRange(requestedAtMs)).padStart(MS_DIGITS, '0')}#${hash(id).slice(0, 16)}`;
}

/** The day of a moment, in UTC: `2026-11-25`. */
export function dayOf(atMs: number): string {
  return new Date(inRange(atMs)).toISOString().slice(0, 10);
}

/** Enough for the year 2286. */
const MS_DIGITS = 13;

/** A request's time comes with its message, which anybody with rights on the queue may have sent. */
function inRange(atMs: number): number {
  return Math.min(Math.max(0, Math.floor(atMs) || 0), 10 ** MS_DIGITS - 1);
}

/** The same for the same url, as long as the tag has so many shards. */
function shardOf(url: Url, shards: number): number {
  return shards === 1 ? 0 : Number.parseInt(hash(url).slice(0, 8), 16) % shards;
}

function urlPart(url: Url): string {
  return isHashed(url) ? HASHED_PREFIX + hash(url) : URL_PREFIX + url;
}
