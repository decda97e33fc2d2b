/**
 * Header names of our own, and the grammars of HTTP fields that the rules read.
 *
 * Fields arrive as `{ 'cache-control': ['s-maxage=60', 'public'] }`: lower-case names, one value a field line.
 * Parsers never throw: what cannot be parsed counts as absent.
 * @module
 */

/** Lower-case field names; every field line its own value, in order. */
export type Fields = Readonly<Record<string, readonly string[]>>;

/** Origin → edge: whole or decimal milliseconds from the start of the render to its headers. */
export const ELAPSED = 'x-isr-elapsed';
/** Warmer → edge: the job that warms. */
export const WARM = 'x-isr-warm';
/** Edge → CloudFront: the cache tags, comma-separated (the distribution's CacheTagConfig.HeaderName). */
export const NATIVE_TAGS = 'x-isr-tags';
/** Edge → everyone: when the render began, in ms since 1970, by AWS's clock. The one header meant for viewers. */
export const RENDERED_AT = 'x-isr-rendered-at';
/** Edge → logs: what the recorder ruled and why, as in `capped; reason=fence`. Never reaches a viewer. */
export const RULING = 'x-isr-ruling';
/** CloudFront → recorder: its configuration, as an origin custom header (Lambda@Edge has no environment). */
export const CONFIG = 'x-isr-config';
/** Viewer-request function → key and origin: which variant this viewer gets; what a viewer sends under these names is lost. */
export const LOCALE = 'x-isr-locale';
export const DEVICE = 'x-isr-device';

/** All lines of a field as one value (RFC 9110 §5.3); undefined when the field is absent. */
export function field(fields: Fields, name: string): string | undefined {
  return fields[name]?.join(', ');
}

/** Directive names in lower case; a bare directive is `true`. */
export type CacheControl = Readonly<Record<string, string | true>>;

// RFC 9110 §5.6.2 (token), §5.6.4 (quoted-string), RFC 9111 §5.2 (cache-directive)
const DIRECTIVE =
  /([!#$%&'*+\-.^_`|~\w]+)(?:=(?:([!#$%&'*+\-.^_`|~\w]+)|"((?:[^"\\]|\\.)*)"))?[\t ]*(?=,|$)/y;
const SEPARATOR = /[\t ,]*/y;
const JUNK = /(?:"(?:[^"\\]|\\.)*"|[^",]|")*?(?=,|$)/y;

/**
 * Parses Cache-Control by its grammar: quoted commas do not split, junk loses only itself.
 * Of a directive given twice the first counts (RFC 9111 §4.2.1).
 * @example parseCacheControl('s-maxage=60, private="a, b"') // { 's-maxage': '60', private: 'a, b' }
 */
export function parseCacheControl(value: string): CacheControl {
  const directives: Record<string, string | true> = Object.create(null);
  for (let at = 0; at < value.length; ) {
    at = skip(SEPARATOR, value, at);
    if (at >= value.length) break;
    DIRECTIVE.lastIndex = at;
    const match = DIRECTIVE.exec(value);
    if (!match) {
      at = Math.max(skip(JUNK, value, at), at + 1);
      continue;
    }
    at = DIRECTIVE.lastIndex;
    const name = (match[1] as string).toLowerCase();
    directives[name] ??= match[2] ?? match[3]?.replace(/\\(.)/g, '$1') ?? true;
  }
  return directives;
}

function skip(pattern: RegExp, value: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(value) ? pattern.lastIndex : at;
}

/** Largest delta-seconds that a cache has to understand (RFC 9111 §1.2.2). */
const SECONDS_MAX = 2_147_483_648;

/** A directive's delta-seconds (RFC 9111 §1.2.2); undefined when it is absent, bare or no whole number. */
export function secondsOf(cc: CacheControl, directive: string): number | undefined {
  const value = cc[directive];
  if (typeof value !== 'string' || !/^\d+$/.test(value)) return undefined;
  return Math.min(Number(value), SECONDS_MAX);
}

/** A comma-separated list of field names, as in Vary, in lower case. */
export function listOf(value: string | undefined): string[] {
  return (value ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter(Boolean);
}
