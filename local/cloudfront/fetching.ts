/**
 * One fetch for one key: origin → function → lifetime → cache, and what its viewers get of it (origin-group.ts has the
 * first two).
 *
 *     origin's answer          the function runs, then
 *       304, to our condition    the copy gets the new headers and lives on; its tags stay as they were
 *       500–599                  an expired copy that may still be served is; else the error, kept as error caching says
 *       anything else            takes the copy's place, or removes it when it may not be kept
 *     no answer                like a 5xx, without the function
 *     the function fails       502 or 503; the copy stays where it is
 *
 * @see CFDG, Expiration, HTTPStatusCodes, RequestAndResponseBehaviorCustomOrigin
 * @module
 */
import { reasonOf } from '../../core/errors';
import { RULING } from '../../core/headers';
import { FunctionFailure } from './lambda-edge';
import { type Lifetime, lifetimeOf } from './lifetime';
import type { Note, Result, Settings } from './options';
import { type OriginAnswer, OriginFailure } from './origin-fetch';
import { askOrigins, type Origins } from './origin-group';
import { type Ask, conditionsOf, isCacheable } from './origin-request';
import { fieldOf, flatOf, isHopByHop, type Line, linesOf, without } from './raw-headers';
import { discard, type SharedBody, shareBody } from './shared-body';
import { type Copy, cacheTagsIn, type Store, untilsOf } from './store';
import { errorPage, headOf } from './viewer';

export interface Workshop {
  readonly settings: Settings;
  readonly origins: Origins;
  readonly store: Store;
}

/** A copy to answer with, stored or not. */
export interface FromCopy {
  readonly kind: 'copy';
  readonly copy: Copy;
  readonly result: Result;
  readonly error?: string;
  /** Others who wait for the same key may have it too. */
  readonly isShared: boolean;
}

/** An answer that is still coming in. */
export interface Streaming {
  readonly kind: 'streaming';
  readonly status: number;
  readonly head: readonly string[];
  readonly note: Note;
  readonly answeredAtMs: number;
  readonly body: SharedBody;
  readonly isShared: boolean;
  readonly isStored: boolean;
  /** Its place in the cache has been taken, or will not be. */
  readonly settled: Promise<void>;
}

export type Outcome = FromCopy | Streaming;

/** @param stale the expired copy of this key, if there is one; asked about with its validators */
export async function fetchThrough(
  ask: Ask,
  stale: Copy | undefined,
  signal: AbortSignal,
  workshop: Workshop,
): Promise<Outcome> {
  const { settings, origins } = workshop;
  const conditions = conditionsOf(stale);
  const asked: Ask = { ...ask, lines: [...ask.lines, ...conditions] };
  let ruled: OriginAnswer | undefined;
  try {
    ruled = await askOrigins(asked, signal, origins);
    const isConfirmed = ruled.status === 304 && conditions.length > 0 && stale !== undefined;
    if (isConfirmed) return confirmed(stale, ruled, workshop);
    const fallback = ruled.status >= 500 ? fallbackOf(stale, settings) : undefined;
    if (!fallback) return streaming(ask, ruled, workshop);
    void discard(ruled.body);
    return fallback;
  } catch (thrown) {
    ruled?.body.destroy();
    if (signal.aborted)
      return edgeMade(ask, { status: 502, error: 'nobody waits for it' }, workshop);
    if (thrown instanceof FunctionFailure) return functionFailed(ask, thrown, workshop);
    return fallbackOf(stale, settings, reasonOf(thrown)) ?? originFailed(ask, thrown, workshop);
  }
}

/** An expired copy that may answer for a failing origin; for error caching's minimum, the origin is left in peace. */
function fallbackOf(
  stale: Copy | undefined,
  { now, errorCachingMinSeconds }: Settings,
  error?: string,
): FromCopy | undefined {
  const nowMs = now();
  if (!stale || nowMs >= Math.max(stale.errorUntilMs, stale.staleUntilMs)) return undefined;
  stale.retryAtMs = nowMs + errorCachingMinSeconds * 1_000;
  const fallback = { kind: 'copy', copy: stale, result: 'RefreshHit', isShared: true } as const;
  return error === undefined ? fallback : { ...fallback, error };
}

/** A 304: the stored headers are updated by it (RFC 9111 §3.2), the body and the tags are not. */
function confirmed(stale: Copy, ruled: OriginAnswer, workshop: Workshop): FromCopy {
  const { settings, store } = workshop;
  void discard(ruled.body);
  const news = without(storable(ruled.lines), (name) => name.startsWith('content-'));
  const named = new Set(news.map(([name]) => name.toLowerCase()));
  const lines = [...without(linesOf(stale.lines), (name) => named.has(name)), ...news];
  const nowMs = settings.now();
  const lifetime = lifetimeOf({ status: stale.status, lines }, settings, nowMs);
  const copy = copyOf({ ...stale, lines, nowMs, lifetime }, settings);
  if (lifetime) store.put(copy);
  else store.delete(stale.key);
  const isShared = lifetime !== undefined && lifetime.freshSeconds > 0;
  return { kind: 'copy', copy, result: 'RefreshHit', isShared };
}

function streaming(ask: Ask, ruled: OriginAnswer, workshop: Workshop): Streaming {
  const { settings, store } = workshop;
  const { status } = ruled;
  const nowMs = settings.now();
  const lines = storable(ruled.lines);
  const length = lengthOf(ruled);
  const isSmall = (length ?? 0) <= settings.maxObjectBytes;
  const lifetime =
    isCacheable(ask.method) && isSmall
      ? lifetimeOf({ status, lines: ruled.lines }, settings, nowMs)
      : undefined;
  // whatever the origin says below 500 is newer than the copy, and ends it
  if (!lifetime && status < 500 && isCacheable(ask.method)) store.delete(ask.key);
  const body = shareBody(ruled.body, lifetime ? settings.maxObjectBytes : 0);
  const tags = cacheTagsIn(settings.tagHeader && fieldOf(lines, settings.tagHeader));
  const settled = body.whole.then((whole) => {
    if (!whole || !lifetime) return;
    store.put(copyOf({ ...ask, status, lines, body: whole, tags, nowMs, lifetime }, settings));
  });
  return {
    kind: 'streaming',
    status,
    head: headOf({ lines, length, nowMs }, settings),
    note: noteOf(lines, tags),
    answeredAtMs: nowMs,
    body,
    isShared: lifetime !== undefined && lifetime.freshSeconds > 0,
    isStored: lifetime !== undefined,
    settled,
  };
}

function storable(lines: readonly Line[]): Line[] {
  const isGone = isHopByHop(lines);
  return without(lines, (name) => isGone(name) || name === 'set-cookie');
}

/** What the head announces of the body; undefined when there is none, or when it comes in chunks. */
function lengthOf({ status, lines }: OriginAnswer): number | undefined {
  const length = fieldOf(lines, 'content-length');
  return status === 204 || status === 304 || length === undefined ? undefined : Number(length);
}

interface Material extends Pick<Copy, 'key' | 'url' | 'status' | 'body' | 'tags'> {
  readonly lines: readonly Line[];
  readonly nowMs: number;
  readonly lifetime: Lifetime | undefined;
}

/** Without a lifetime it serves those who wait, and is never stored. */
const NO_LIFETIME: Lifetime = {
  freshSeconds: 0,
  staleSeconds: 0,
  errorSeconds: 0,
  isConfirmable: false,
};

function copyOf(material: Material, settings: Settings): Copy {
  const { key, url, status, lines, body, tags, nowMs, lifetime } = material;
  const dated: readonly Line[] = fieldOf(lines, 'date')
    ? lines
    : [...lines, ['Date', new Date(nowMs).toUTCString()]];
  return {
    key,
    url,
    status,
    lines: flatOf(dated),
    head: headOf({ lines: dated, length: body.byteLength, nowMs }, settings),
    body,
    tags,
    note: noteOf(dated, tags),
    etag: fieldOf(lines, 'etag'),
    lastModified: fieldOf(lines, 'last-modified'),
    ...untilsOf(lifetime ?? NO_LIFETIME, nowMs),
    retryAtMs: 0,
  };
}

function noteOf(lines: readonly Line[], tags: readonly string[]): Note {
  const ruling = fieldOf(lines, RULING);
  const ttl = fieldOf(lines, 'cache-control');
  return {
    ...(ruling === undefined ? {} : { ruling }),
    ...(tags.length === 0 ? {} : { tags }),
    ...(ttl === undefined ? {} : { ttl }),
  };
}

function originFailed(ask: Ask, thrown: unknown, workshop: Workshop): FromCopy {
  const status = thrown instanceof OriginFailure ? thrown.status : 502;
  return edgeMade(ask, { status, error: reasonOf(thrown), isCached: true }, workshop);
}

function functionFailed(
  ask: Ask,
  { status, result, message }: FunctionFailure,
  workshop: Workshop,
) {
  return edgeMade(ask, { status, result, error: message }, workshop);
}

interface EdgeError {
  readonly status: number;
  readonly error: string;
  readonly result?: Result;
  /** Error caching applies to it. */
  readonly isCached?: boolean;
}

/** An error that the edge itself answers with; all who wait get it, or they would storm an origin that is down. */
function edgeMade(
  ask: Ask,
  { status, error, result = 'Error', isCached = false }: EdgeError,
  { settings, store }: Workshop,
): FromCopy {
  const nowMs = settings.now();
  const lines: Line[] = [['Content-Type', 'text/html']];
  const isKept = isCached && isCacheable(ask.method);
  const lifetime = isKept ? lifetimeOf({ status, lines }, settings, nowMs) : undefined;
  const body = errorPage(status, error);
  const copy = copyOf({ ...ask, status, lines, body, tags: [], nowMs, lifetime }, settings);
  if (lifetime) store.put(copy);
  return { kind: 'copy', copy, result, error, isShared: true };
}
