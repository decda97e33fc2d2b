/**
 * Urls: path + query as CloudFront keys it, never a host: `/posts/42?page=2`.
 *
 * CloudFront stores a url exactly as it was asked (CFDG, LinkFormat): `/a` and `/a/`, `/%C3%A9` and `/%c3%a9`, `?a=1&b=2`
 * and `?b=2&a=1` are two objects. So nothing is normalised: a url is what the event shows, character by character, and
 * two that CloudFront may keep apart are never one. docs/urls.md has the table, with a source for each class.
 * @module
 */
import { IsrError } from './errors';
import { quote } from './quote';

declare const urled: unique symbol;
export type Url = string & { readonly [urled]: 'url' };

/** Past it an invalidation path cannot name the object (CFDG, invalidation-specifying-objects). */
export const URL_LENGTH_MAX = 4_000;
/** Percent-encodings that an invalidation path may have: unsafe characters (RFC 1738 §2.2, but `~`), and non-ASCII. */
const ENCODED = '%(?:2[0235]|3[CEce]|5[B-Eb-e]|60|7[B-Db-d]|[89A-Fa-f][\\dA-Fa-f])';
/**
 * What an invalidation path surely names: safe characters, and the others percent-encoded. With anything else encoded
 * "CloudFront will not invalidate"; `~` does not work, encoded or not; a `*` at the end would purge all that begins so.
 * Whether `//` and dot segments are normalised there is not said; a `?` with nothing behind it is in no event.
 * JSON Schema, Java and JavaScript read it alike.
 * @see CFDG, invalidation-specifying-objects; RFC 1738 §2.2
 */
export const URL_PATTERN = `^(?!.*\\*$)(?![^?]*(?:/(?:/|\\.\\.?(?:[/?]|$))|\\?$))/(?:[!$&-;=?-Z_a-z]|${ENCODED})*$`;
const VALID = new RegExp(URL_PATTERN);
const OTHER_ENCODED = new RegExp(`(?!${ENCODED})%[\\dA-Fa-f]{2}`);

/** Can a purge name this url by its path? Else only a tag reaches its copies. */
export function isPurgeable(url: string): boolean {
  return url.length <= URL_LENGTH_MAX && VALID.test(url);
}

/** Characters that a path can name, from its start; and a segment that it cannot. */
const NAMEABLE = new RegExp(`^/(?:[!$&-;=?-Z_a-z]|${ENCODED})*`);
const ODD_SEGMENT = /^[^?]*?\/(?=\/|\.\.?[/?])/;
/** A character that is encoded in several bytes (UTF-8), of which some are missing. */
const IS_CUT = /%(?:[C-Fc-f].|[Ee].%..|[Ff].%..|[Ff].%..%..)$/;

/**
 * How much of a url's beginning a wildcard can name: `/a~b` → 2, for `/a*`. What comes before the asterisk could be purged
 * by itself, so that it does not end in a part of a character, nor in an asterisk of the url's own.
 * @param length at most so much
 * @returns the same for all urls that begin alike so far
 */
export function wildcardLength(url: string, length = url.length): number {
  let part = NAMEABLE.exec(url.slice(0, Math.min(length, URL_LENGTH_MAX - 1)))?.[0] ?? '';
  part = ODD_SEGMENT.exec(part)?.[0] ?? part;
  while (part.length > 1 && (!isPurgeable(part) || IS_CUT.test(part))) part = part.slice(0, -1);
  return part.length;
}

/**
 * A url that somebody asks to revalidate.
 * @throws IsrError `url-invalid`, naming the place, the value and the rule
 * @example parseUrl('/posts/42?page=2', 'urls[0]')
 */
export function parseUrl(raw: string, name = 'url'): Url {
  if (isPurgeable(raw)) return raw as Url;
  throw new IsrError('url-invalid', `${name} is ${quote(raw)}: ${problemOf(raw)}`, name);
}

function problemOf(raw: string): string {
  if (/^[a-z][a-z\d+.-]*:/i.test(raw)) return 'a url is a path without scheme and host';
  if (/^\/[/\\]/.test(raw))
    return 'a url that begins with two slashes names a host: begin with one';
  if (!raw.startsWith('/')) return 'a url begins with a slash';
  if (raw.includes('#')) return 'a fragment never reaches a server: leave it out';
  if (/~|%7e/i.test(raw)) return 'CloudFront cannot purge a path with a tilde: revalidate by tag';
  if (raw.endsWith('*'))
    return 'wildcards are not taken: revalidate a tag that all these pages share';
  if (/^[^?]*\?$/.test(raw)) return 'an empty query is no query: leave the question mark out';
  if (/^[^?]*\/(\/|\.\.?([/?]|$))/.test(raw))
    return 'CloudFront may not purge a path with empty or dot segments: revalidate by tag';
  const encoded = OTHER_ENCODED.exec(raw)?.[0];
  if (encoded !== undefined)
    return `CloudFront purges no path that has ${encoded}, which needs no encoding: revalidate by tag`;
  if (!VALID.test(raw))
    return 'a url has safe ASCII only (RFC 1738): percent-encode the rest, or revalidate by tag';
  return `an invalidation path has at most ${URL_LENGTH_MAX} characters, this one ${raw.length}: revalidate by tag`;
}

/** A url as somebody types it: percent-encodes what is not visible ASCII, as every browser does. */
export function encodeUrl(raw: string): Url {
  return raw.replace(/[^!-~]+/g, (part) => encodeURIComponent(part.toWellFormed())) as Url;
}

/** The url of a request that CloudFront saw: `uri` and `querystring` of a Lambda@Edge event, as they are. */
export function urlOf(uri: string, querystring: string): Url {
  return (querystring === '' ? uri : `${uri}?${querystring}`) as Url;
}

/**
 * What a purgeable url may be recorded as. CFDG tells everybody to name `/a[1]` and `/é` by their encoded form, and does
 * not say whether a viewer who asks for them unencoded (or with `%c3` for `%C3`) is handed the same object: if so, it was
 * recorded as whoever came first spelled it.
 * @returns the url itself first
 * @example spellingsOf('/%5B%C3%A9' as Url) // ['/%5B%C3%A9', '/%5b%c3%a9', '/[é']
 */
export function spellingsOf(url: Url): Url[] {
  if (!url.includes('%')) return [url];
  const recased = (change: (hex: string) => string) => url.replace(/%../g, change);
  const upper = recased((hex) => hex.toUpperCase());
  const lower = recased((hex) => hex.toLowerCase());
  const raw = url.replace(/(?:%(?!2[035])..)+/g, decoded); // space, # and % stand in no url for themselves
  return [...new Set([url, upper, lower, raw])] as Url[];
}

/** As an event shows these bytes: UTF-8, or else taken for ISO 8859-1 (CFDG, edge-function-restrictions-all). */
function decoded(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return encoded.replace(/%(..)/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
  }
}
