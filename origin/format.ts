/**
 * The headers' values, written: what index.ts gives in one call, in the pieces that a middleware computes once.
 *
 *     Cache-Control: public, s-maxage=300, stale-while-revalidate=3600
 *     Cache-Tag: category:7,post:42
 *     x-isr-elapsed: 12
 * @module
 */
import { ELAPSED } from '../core/headers';
import type { Tag } from '../core/tags';
import type { Lifetime } from './index';

/** Every cache understands so much (RFC 9111 §1.2.2); more is a mistake, such as a moment in place of a span. */
const SECONDS_MAX = 2_147_483_648;

/** CloudFront takes 32,768 bytes of response head (CFDG, cloudfront-limits): half for tags, half for the rest. */
export const TAGS_LENGTH_MAX = 16_384;

/** The same set always reads the same: sorted, each tag once. */
export function formatTags(tags: Iterable<Tag>): string {
  return [...new Set(tags)].sort().join(',');
}

/** @throws RangeError when a time is no whole number of seconds */
export function formatLifetime({ sMaxAge, swr, sie }: Lifetime): string {
  const directives = ['public', `s-maxage=${seconds('sMaxAge', sMaxAge)}`];
  if (swr !== undefined) directives.push(`stale-while-revalidate=${seconds('swr', swr)}`);
  if (sie !== undefined) directives.push(`stale-if-error=${seconds('sie', sie)}`);
  return directives.join(', ');
}

function seconds(name: string, value: number): number {
  if (Number.isInteger(value) && value >= 0 && value <= SECONDS_MAX) return value;
  throw new RangeError(`${name} is ${shown(value)}: it takes whole seconds, 0 to ${SECONDS_MAX}`);
}

export interface Written {
  readonly cacheControl: string;
  readonly cacheTag: string;
  readonly elapsedMs?: number | undefined;
}

/** @throws RangeError when `elapsedMs` is negative or no number */
export function formatHeaders({
  cacheControl,
  cacheTag,
  elapsedMs,
}: Written): Record<string, string> {
  const headers: Record<string, string> = { 'Cache-Control': cacheControl };
  if (cacheTag !== '') headers['Cache-Tag'] = cacheTag;
  if (elapsedMs !== undefined) headers[ELAPSED] = formatElapsed(elapsedMs);
  return headers;
}

/** Rounded up: an age too small would hide a change. */
function formatElapsed(ms: number): string {
  if (Number.isFinite(ms) && ms >= 0) return String(Math.ceil(ms));
  throw new RangeError(`elapsedMs is ${shown(ms)}: it takes milliseconds, 0 or more`);
}

/** A value in a message. */
export function shown(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}
