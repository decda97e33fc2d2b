/**
 * ETags that cover the tags as well as the body: `W/"2b-Zk8…~mOuAF3"`.
 *
 * A 304 may leave a cache with the tags that it stored before (Akamai says so of itself, AWS does not say), so a page
 * whose tags changed must not be answered with one, even when its body is the same.
 * Weak, since a compressing cache in between changes the bytes and not the page (RFC 9110 §8.8.1).
 * @module
 */
import { createHash } from 'node:crypto';

/** RFC 9110 §8.8.3 */
const ETAG = /^(W\/)?"([!#-~\x80-\xff]*)"$/;

export function etagOf(body: string | Uint8Array, encoding: BufferEncoding = 'utf8'): string {
  const hash = createHash('sha256');
  if (typeof body === 'string') hash.update(body, encoding);
  else hash.update(body);
  return `W/"${hash.digest('base64url').slice(0, 22)}"`;
}

/**
 * An ETag of the body made one of body and tags; left alone when there are none, or when it is no ETag.
 * @param cacheTag the tags, as their header has them
 */
export function etagWithTags(etag: string, cacheTag: string): string {
  const match = ETAG.exec(etag);
  if (!match || cacheTag === '') return etag;
  const digest = createHash('sha256').update(cacheTag).digest('base64url').slice(0, 12);
  return `${match[1] ?? ''}"${match[2]}~${digest}"`;
}

/** Does the client have this very answer? Weak comparison (RFC 9110 §13.1.2, §8.8.3.2). */
export function isNoneMatched(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  if (ifNoneMatch.trim() === '*') return true;
  const known: readonly string[] = ifNoneMatch.match(/"[^"]*"/g) ?? [];
  return known.includes(etag.replace(/^W\//, ''));
}
