/**
 * ETags that name the tags as well as the body: `W/"2b-Zk8…~9f86d081884c7d65"`.
 *
 * A 304 may leave a cache with the tags that it stored before (Akamai says so of itself, AWS does not say). So a page whose
 * tags changed must not be confirmed by one. The SDK's ETags end in `~` and the id of their tag set; an ETag of anybody
 * else is given that ending at the edge, where its origin no longer knows it, and answers in full.
 * @module
 */
import { type Tag, tagSetId } from './tags';

/** RFC 9110 §8.8.3 */
const ETAG = /^(W\/)?"([!#-~\x80-\xff]*)"$/;

/** @returns undefined when it is no ETag */
export function etagWithTags(etag: string, sorted: readonly Tag[]): string | undefined {
  const match = ETAG.exec(etag);
  return match ? `${match[1] ?? ''}"${match[2]}~${tagSetId(sorted)}"` : undefined;
}

/** In front of an ETag, where no server that cuts off an ending finds its own. */
const UNCONFIRMED = 'not-modified~';

/**
 * For a copy that was renewed and may carry other tags: it still names its body, names no tags that it did not name
 * before, and is one that its origin does not know, and answers in full.
 * @returns undefined when it is no ETag
 */
export function etagUnconfirmed(etag: string): string | undefined {
  const match = ETAG.exec(etag);
  if (!match) return undefined;
  const [, weak = '', opaque = ''] = match;
  return opaque.startsWith(UNCONFIRMED) ? etag : `${weak}"${UNCONFIRMED}${opaque}"`;
}

/** Does it say that its page came with these very tags? */
export function isEtagOf(etag: string, sorted: readonly Tag[]): boolean {
  return ETAG.test(etag) && etag.endsWith(`~${tagSetId(sorted)}"`);
}
