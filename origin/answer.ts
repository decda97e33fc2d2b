/**
 * May this answer be cached, and which headers say so? One ladder for every server framework.
 *
 *     may be cached    Cache-Control (the handler's own stays), Cache-Tag, x-isr-elapsed
 *     must not be      none of them, and `Cache-Control: private, no-store` when the handler said nothing
 *
 * The edge's recorder refuses all of these as well (core/cache-policy.ts); here they are refused for whatever other
 * cache stands in between, since `public, s-maxage` would invite it (RFC 9111 §3.5). test/origin/answer.test.ts holds
 * the two together.
 * @module
 */
import { parseCacheControl } from '../core/headers';
import { formatHeaders, TAGS_LENGTH_MAX } from './format';

/** An answer whose headers are about to leave. */
export interface Answer {
  readonly method: string;
  readonly status: number;
  /** The request carried `Authorization`. */
  readonly isAuthorized: boolean;
  readonly setsCookie: boolean;
  /** As the handler set it; undefined when it did not. */
  readonly cacheControl: string | undefined;
}

/** What the render said of its page. */
export interface Rendered {
  /** Its tags, as their header has them. */
  readonly cacheTag: string;
  /** False when the page depends on something that no tag could name. */
  readonly isTagged: boolean;
  /** Its lifetime, unless the handler says something else. */
  readonly defaultCacheControl: string;
}

export type Refusal =
  | 'method'
  | 'set-cookie'
  | 'directive'
  | 'authorization'
  | 'status'
  | 'tag-invalid'
  | 'tags-too-long';

export const NO_STORE = 'private, no-store';

/** Those that the edge keeps: pages, redirects, "not found", "not modified". */
const STATUSES = new Set([200, 203, 301, 302, 304, 307, 308, 404]);

/** Why the answer must not be cached; undefined when it may. The most decisive guard first. */
export function refusalOf(answer: Answer, { cacheTag, isTagged }: Rendered): Refusal | undefined {
  const { method, status, isAuthorized, setsCookie, cacheControl } = answer;
  if (method !== 'GET' && method !== 'HEAD') return 'method';
  if (setsCookie) return 'set-cookie'; // it is somebody's page
  if (forbidsStoring(cacheControl)) return 'directive';
  if (isAuthorized) return 'authorization'; // RFC 9111 §3.5
  if (!STATUSES.has(status)) return 'status';
  if (!isTagged) return 'tag-invalid'; // what it depends on could change, and no purge would find it
  if (cacheTag.length > TAGS_LENGTH_MAX) return 'tags-too-long';
  return undefined;
}

function forbidsStoring(cacheControl: string | undefined): boolean {
  if (cacheControl === undefined) return false;
  const cc = parseCacheControl(cacheControl);
  // RFC 9111 §5.2.2.5, §5.2.2.7, §5.2.2.4
  return ['no-store', 'private', 'no-cache'].some((directive) => cc[directive] !== undefined);
}

/** The headers to set on the answer, over those that it has. */
export function headersOf(
  answer: Answer,
  { cacheTag, defaultCacheControl }: Rendered,
  { refusal, elapsedMs }: { refusal: Refusal | undefined; elapsedMs: number },
): Record<string, string> {
  if (refusal) return { 'Cache-Control': answer.cacheControl ?? NO_STORE };
  const cacheControl = answer.cacheControl ?? defaultCacheControl;
  return formatHeaders({ cacheControl, cacheTag, elapsedMs });
}
