/**
 * What may be cached, and for how long: the ladder of refusals, then the lifetime.
 *
 * The origin speaks `s-maxage=300, stale-while-revalidate=3600`. RFC 9111 §5.2.2.10 lets `s-maxage` imply
 * `proxy-revalidate`, so some caches never serve stale under it: the recorder writes the lifetime out as
 * `max-age=300, stale-while-revalidate=3600, stale-if-error=0`, which CloudFront documents. `stale-if-error` is always
 * there: without it CloudFront serves an expired copy on errors until MaxTTL (CFDG, HTTPStatusCodes).
 * @module
 */
import {
  type CacheControl,
  DEVICE,
  type Fields,
  field,
  LOCALE,
  listOf,
  parseCacheControl,
  secondsOf,
} from './headers';

/** A response as the origin-response trigger sees it: no body. */
export interface Rendered {
  readonly method: string;
  readonly status: number;
  /** What CloudFront sent to the origin. */
  readonly request: Fields;
  readonly response: Fields;
}

export interface CachePolicy {
  /** Request headers in the cache key, lower case. Accept-Encoding is always in it. */
  readonly keyHeaders: readonly string[];
  /** CloudFront caps every directive with it. */
  readonly maxTtlSeconds: number;
  /** A bare `stale-while-revalidate` counts as this. */
  readonly defaultSwrSeconds: number;
  /** Of a response that says nothing of how long it is fresh. @default - it is not kept */
  readonly defaults?: Lifetime;
}

/** Whole seconds. */
export interface Lifetime {
  readonly freshSeconds: number;
  /** stale-while-revalidate */
  readonly staleSeconds: number;
  /** stale-if-error */
  readonly errorSeconds: number;
}

export type Refusal =
  | 'method'
  | 'status'
  | 'set-cookie'
  | 'directive'
  | 'authorization'
  | 'partial'
  | 'vary'
  | 'empty'
  | 'no-lifetime';

export type Verdict =
  | { readonly kind: 'refuse'; readonly reason: Refusal; readonly detail?: string }
  | { readonly kind: 'keep'; readonly lifetime: Lifetime };

/** Cacheable by CloudFront when the response says so, and a page (CFDG, HTTPStatusCodes, http-3xx-status-codes). */
export const STATUSES: ReadonlySet<number> = new Set([200, 203, 301, 302, 304, 307, 308, 404]);

/** A framework asks for a piece of a page under the page's own url; these headers tell the two apart. */
export const PARTIALS: readonly string[] = [
  'rsc',
  'next-router-prefetch',
  'next-router-segment-prefetch',
  'next-router-state-tree',
  'next-url',
];

/** May this response be cached, and how long? The most decisive guard first. */
export function judge(rendered: Rendered, policy: CachePolicy): Verdict {
  const { method, status, request, response } = rendered;
  const cc = parseCacheControl(field(response, 'cache-control') ?? '');
  if (method !== 'GET' && method !== 'HEAD') return refuse('method', method);
  if (response['set-cookie']) return refuse('set-cookie'); // it is somebody's page
  const forbids = ['no-store', 'private', 'no-cache'].find(
    (directive) => cc[directive] !== undefined,
  );
  if (forbids) return refuse('directive', forbids); // RFC 9111 §5.2.2.4, §5.2.2.5, §5.2.2.7
  if (request.authorization && !isKeyed('authorization', policy)) return refuse('authorization'); // RFC 9111 §3.5
  const partial = PARTIALS.find((name) => request[name] && !isKeyed(name, policy));
  if (partial) return refuse('partial', partial);
  const varies = listOf(field(response, 'vary')).find(
    (name) => !isKeyed(name, policy) && !PARTIALS.includes(name),
  );
  if (varies) return refuse('vary', varies); // Vary adds nothing to CloudFront's key: it would be served to the wrong people
  if (!STATUSES.has(status)) return refuse('status', String(status));
  if (status === 200 && field(response, 'content-length') === '0') return refuse('empty');
  const lifetime = lifetimeOf(response, cc, policy);
  return lifetime.freshSeconds > 0 ? { kind: 'keep', lifetime } : refuse('no-lifetime');
}

function refuse(reason: Refusal, detail?: string): Verdict {
  return detail === undefined ? { kind: 'refuse', reason } : { kind: 'refuse', reason, detail };
}

/** What a viewer sends, and what the viewer-request function has made of it; the origin sees the latter alone. */
const STANDS_FOR: Readonly<Record<string, string>> = {
  'accept-language': LOCALE,
  'user-agent': DEVICE,
};

export function isKeyed(name: string, { keyHeaders }: CachePolicy): boolean {
  return (
    name === 'accept-encoding' ||
    keyHeaders.includes(name) ||
    keyHeaders.includes(STANDS_FOR[name] ?? name)
  );
}

/**
 * How long CloudFront may keep a response, and how long it may serve it stale; each capped by MaxTTL.
 * @see RFC 9111 §4.2.1 (s-maxage, max-age, Expires), RFC 5861 §3, §4
 */
function lifetimeOf(response: Fields, cc: CacheControl, policy: CachePolicy): Lifetime {
  const said = freshnessOf(response, cc);
  const defaults = said === undefined ? policy.defaults : undefined;
  // RFC 9111 §5.2.2.2, §5.2.2.8: said in so many words, they forbid every stale answer
  const strict = cc['must-revalidate'] !== undefined || cc['proxy-revalidate'] !== undefined;
  const bare = cc['stale-while-revalidate'] === true ? policy.defaultSwrSeconds : undefined;
  const swr = bare ?? secondsOf(cc, 'stale-while-revalidate') ?? defaults?.staleSeconds ?? 0;
  const sie = secondsOf(cc, 'stale-if-error') ?? defaults?.errorSeconds ?? 0;
  const cap = (seconds: number) => Math.min(seconds, policy.maxTtlSeconds);
  return {
    freshSeconds: cap(said ?? defaults?.freshSeconds ?? 0),
    staleSeconds: strict ? 0 : cap(swr),
    errorSeconds: strict ? 0 : cap(sie),
  };
}

/** A directive that is there but unreadable makes the response stale (RFC 9111 §4.2.1): 0, not the next rule. Undefined when none is. */
export function freshnessOf(response: Fields, cc: CacheControl): number | undefined {
  for (const directive of ['s-maxage', 'max-age']) {
    if (cc[directive] !== undefined) return secondsOf(cc, directive) ?? 0;
  }
  // both dates are the origin's own: no clock is compared across machines
  const expires = Date.parse(field(response, 'expires') ?? '');
  const date = Date.parse(field(response, 'date') ?? '');
  const seconds = Math.floor((expires - date) / 1_000);
  if (Number.isNaN(seconds)) return response.expires ? 0 : undefined;
  return Math.max(seconds, 0);
}

/** How long CloudFront can serve a copy that lives so long: its edges have to outlive it. */
export function servedSeconds({ freshSeconds, staleSeconds, errorSeconds }: Lifetime): number {
  return freshSeconds + Math.max(staleSeconds, errorSeconds);
}

/** The lifetime in the form that CloudFront documents. */
export function formatLifetime({ freshSeconds, staleSeconds, errorSeconds }: Lifetime): string {
  return `max-age=${freshSeconds}, stale-while-revalidate=${staleSeconds}, stale-if-error=${errorSeconds}`;
}

/** What the cache is told when it shall keep nothing, and not fall back on an older copy either. */
export const KEEP_NOTHING = 'private, no-store, stale-if-error=0';
