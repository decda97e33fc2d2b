/**
 * Variants: the cached forms of one url, told apart by the request headers in the cache key.
 *
 *     {"accept-encoding":"br,gzip","accept-language":"de"}     its id: those headers, as the origin was sent them
 *
 * The url's record notes which were seen, and until when a copy of each may be cached: the warmer fetches these and no
 * others. Noting is bounded: a url has eight, and a ninth is not noted while they live, so that a miss never writes
 * because another variant has just pushed it out. A variant that is forgotten costs a warm, never a page.
 * @module
 */
import { type Fields, field, listOf } from './headers';

/** Header names in lower case. */
export type Variant = Readonly<Record<string, string>>;

/** By id: until when (seconds since 1970) a copy of it may be in some cache. */
export type Variants = Readonly<Record<string, number>>;

export const VARIANTS_MAX = 8;
/** A record is read by every miss, and DynamoDB counts every 4 KB of it; visible ASCII is what a header may hold. */
const NOTABLE = /^[ -~]{2,256}$/;
/** What most browsers are served (CFDG, cache-key-understand-cache-policy): warmed when nothing was noted. */
const USUAL: Variant = { 'accept-encoding': 'br,gzip' };

/**
 * The id of the variant that this request asked for.
 * @param request as CloudFront sent it to the origin
 * @returns undefined when it must not, or cannot, be written down: it holds a secret, is long, or no visible ASCII
 */
export function variantOf(request: Fields, keyHeaders: readonly string[]): string | undefined {
  if (request.authorization) return undefined; // a secret
  const variant: Record<string, string> = {};
  const accepted = listOf(field(request, 'accept-encoding'));
  const encodings = ['br', 'gzip'].filter((it) => accepted.includes(it)).join();
  if (encodings) variant['accept-encoding'] = encodings;
  for (const name of keyHeaders) {
    const value = field(request, name);
    if (value !== undefined && name !== 'host') variant[name] = value; // the warmer has an address
  }
  const id = JSON.stringify(variant);
  return NOTABLE.test(id) ? id : undefined;
}

export interface Seen {
  /** Undefined is never noted. */
  readonly variant: string | undefined;
  readonly nowSeconds: number;
  /** A note that lives so long is good enough. */
  readonly neededSeconds: number;
  /** How long a new one lives. */
  readonly untilSeconds: number;
}

/** The notes with this variant among them; the very same object when there is nothing to write. */
export function withVariant(variants: Variants, seen: Seen): Variants {
  const { variant, nowSeconds, neededSeconds, untilSeconds } = seen;
  if (variant === undefined || (variants[variant] ?? 0) >= neededSeconds) return variants;
  const others = Object.entries(variants).filter(
    ([id, until]) => id !== variant && until > nowSeconds,
  );
  if (others.length >= VARIANTS_MAX) return variants;
  return { ...Object.fromEntries(others), [variant]: untilSeconds };
}

/** What to warm of a url: the variants of which a copy may be cached, else the usual one; always in the same order. */
export function variantsToWarm(variants: Variants, nowSeconds: number): readonly Variant[] {
  const live = Object.entries(variants)
    .filter(([, untilSeconds]) => untilSeconds > nowSeconds)
    .map(([id]) => id)
    .sort();
  return live.length > 0 ? live.map((id) => JSON.parse(id) as Variant) : [USUAL];
}

/** As a problem names it: ` (accept-language: de)`; nothing for the usual one. */
export function describe(variant: Variant): string {
  const told = Object.entries(variant).filter(([name, value]) => USUAL[name] !== value);
  const encoding = variant['accept-encoding'] === undefined ? ['no encoding'] : [];
  const parts = [...told.map(([name, value]) => `${name}: ${value}`), ...encoding];
  return parts.length > 0 ? ` (${parts.join(', ')})` : '';
}
