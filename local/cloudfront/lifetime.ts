/**
 * How long CloudFront keeps a response. Its own rules, not RFC 9111's: a kept library for those would honour the
 * viewer's directives and Vary, and knows no MinTTL and no error caching.
 *
 *     MinTTL 0    s-maxage, else max-age, else Expires, at most MaxTTL; none of them: DefaultTTL
 *     MinTTL > 0  the same, at least MinTTL, and no-store, private, no-cache cannot prevent it
 *     stale       stale-while-revalidate and stale-if-error, each at most MaxTTL; without stale-if-error an expired copy
 *                 still answers for a failing origin until MaxTTL, even one that was never to be cached at all
 *     errors      404, 414, 500–504: the larger of the minimum and max-age; 400, 403, 405, 412, 415: only max-age
 *
 * @see CFDG, Expiration, HTTPStatusCodes, http-3xx-status-codes, RequestAndResponseBehaviorCustomOrigin
 * @module
 */
import { type CacheControl, listOf, parseCacheControl, secondsOf } from '../../core/headers';
import { fieldOf, type Line } from './raw-headers';

/** The cache policy's MinTTL, DefaultTTL and MaxTTL. */
export interface Ttl {
  readonly minSeconds: number;
  readonly defaultSeconds: number;
  readonly maxSeconds: number;
}

/** Whole seconds, the two windows counted from the end of freshness. */
export interface Lifetime {
  readonly freshSeconds: number;
  /** stale-while-revalidate */
  readonly staleSeconds: number;
  /** So long an expired copy may answer for an origin that fails. */
  readonly errorSeconds: number;
  /** An expired copy is confirmed with If-None-Match; else the origin is asked for the whole. */
  readonly isConfirmable: boolean;
}

export interface Answered {
  readonly status: number;
  readonly lines: readonly Line[];
}

export interface LifetimePolicy {
  readonly ttl: Ttl;
  readonly errorCachingMinSeconds: number;
}

/** @returns undefined when nothing of it may be kept */
export function lifetimeOf(
  { status, lines }: Answered,
  policy: LifetimePolicy,
  nowMs: number,
): Lifetime | undefined {
  const cc = parseCacheControl(fieldOf(lines, 'cache-control') ?? '');
  if (status >= 400) return errorLifetime({ status, lines }, cc, policy);
  if (status === 206 || status === 304) return undefined; // a part, and an answer to somebody's condition
  const isTemporary = status === 307 || status === 308; // CFDG, http-3xx-status-codes
  if (isTemporary && fieldOf(lines, 'cache-control') === undefined) return undefined;
  return pageLifetime(lines, cc, policy.ttl, nowMs);
}

function pageLifetime(
  lines: readonly Line[],
  cc: CacheControl,
  ttl: Ttl,
  nowMs: number,
): Lifetime | undefined {
  const { minSeconds, maxSeconds } = ttl;
  const isVaried = minSeconds === 0 && listOf(fieldOf(lines, 'vary')).includes('*');
  const isForbidden = forbids(cc);
  const freshSeconds = isVaried ? 0 : isForbidden ? minSeconds : freshness(lines, cc, ttl, nowMs);
  const sie = secondsOf(cc, 'stale-if-error');
  const lifetime = {
    freshSeconds,
    staleSeconds: isForbidden
      ? 0
      : Math.min(secondsOf(cc, 'stale-while-revalidate') ?? 0, maxSeconds),
    errorSeconds: Math.min(sie ?? Math.max(maxSeconds - freshSeconds, 0), maxSeconds),
    // what was not to be stored is no copy to confirm; `Vary: *` is asked for whole (CFDG, …CustomOrigin)
    isConfirmable: hasValidator(lines) && !isVaried && !cc['no-store'] && !cc.private,
  };
  const isUseful = lifetime.isConfirmable && maxSeconds > 0;
  return isUseful || servedSeconds(lifetime) > 0 ? lifetime : undefined;
}

function servedSeconds({ freshSeconds, staleSeconds, errorSeconds }: Lifetime): number {
  return freshSeconds + Math.max(staleSeconds, errorSeconds);
}

/** `no-cache="Set-Cookie"` keeps back one field, not the page (CFDG, Cookies). */
function forbids(cc: CacheControl): boolean {
  return cc['no-store'] !== undefined || cc.private !== undefined || cc['no-cache'] === true;
}

function freshness(
  lines: readonly Line[],
  cc: CacheControl,
  { minSeconds, defaultSeconds, maxSeconds }: Ttl,
  nowMs: number,
): number {
  const asked = askedSeconds(cc) ?? expiresSeconds(lines, nowMs);
  if (asked === undefined) return Math.max(minSeconds, defaultSeconds);
  return Math.max(Math.min(asked, maxSeconds), minSeconds);
}

/** A directive that is there but unreadable makes the response stale (RFC 9111 §4.2.1): 0, not the next rule. */
function askedSeconds(cc: CacheControl): number | undefined {
  const directive = ['s-maxage', 'max-age'].find((name) => cc[name] !== undefined);
  return directive === undefined ? undefined : (secondsOf(cc, directive) ?? 0);
}

/** Measured by the origin's own Date where it sends one (RFC 9111 §4.2.1). */
function expiresSeconds(lines: readonly Line[], nowMs: number): number | undefined {
  const expires = fieldOf(lines, 'expires');
  if (expires === undefined) return undefined;
  const sentMs = Date.parse(fieldOf(lines, 'date') ?? '');
  const seconds = Math.floor(
    (Date.parse(expires) - (Number.isNaN(sentMs) ? nowMs : sentMs)) / 1_000,
  );
  return Number.isNaN(seconds) ? 0 : Math.max(seconds, 0); // `Expires: 0` has expired
}

/** CFDG, HTTPStatusCodes: kept even when the origin says nothing, or no-store. */
const KEPT_ERRORS = new Set([404, 414, 500, 501, 502, 503, 504]);
/** Kept only when the origin says max-age or s-maxage. Every other error is in neither list. */
const ASKED_ERRORS = new Set([400, 403, 405, 412, 415]);

function errorLifetime(
  { status, lines }: Answered,
  cc: CacheControl,
  { ttl, errorCachingMinSeconds }: LifetimePolicy,
): Lifetime | undefined {
  const isKept = KEPT_ERRORS.has(status);
  if (!isKept && !ASKED_ERRORS.has(status)) return undefined;
  const asked = forbids(cc) ? 0 : Math.min(askedSeconds(cc) ?? 0, ttl.maxSeconds);
  const freshSeconds = isKept ? Math.max(errorCachingMinSeconds, asked) : asked;
  if (freshSeconds === 0) return undefined;
  const window = (directive: string) => Math.min(secondsOf(cc, directive) ?? 0, ttl.maxSeconds);
  return {
    freshSeconds,
    staleSeconds: window('stale-while-revalidate'),
    errorSeconds: window('stale-if-error'),
    isConfirmable: hasValidator(lines),
  };
}

function hasValidator(lines: readonly Line[]): boolean {
  return (fieldOf(lines, 'etag') ?? fieldOf(lines, 'last-modified')) !== undefined;
}
