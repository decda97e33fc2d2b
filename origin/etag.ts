/**
 * ETags of a body, and whether a client has it; core/etag.ts makes them cover the tags.
 * Weak, since a compressing cache in between changes the bytes and not the page (RFC 9110 §8.8.1).
 * @module
 */
import { createHash } from 'node:crypto';

export function etagOf(body: string | Uint8Array, encoding: BufferEncoding = 'utf8'): string {
  const hash = createHash('sha256');
  if (typeof body === 'string') hash.update(body, encoding);
  else hash.update(body);
  return `W/"${hash.digest('base64url').slice(0, 22)}"`;
}

/** Does the client have this very answer? Weak comparison (RFC 9110 §13.1.2, §8.8.3.2). */
export function isNoneMatched(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  if (ifNoneMatch.trim() === '*') return true;
  const known: readonly string[] = ifNoneMatch.match(/"[^"]*"/g) ?? [];
  return known.includes(etag.replace(/^W\//, ''));
}
