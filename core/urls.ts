/**
 * Urls: path + query as CloudFront keys it, never a host: `/posts/42?page=2`.
 *
 * CloudFront keeps a url as it was asked: `/a` and `/a/`, `?a=1&b=2` and `?b=2&a=1` are two objects
 * (CloudFront Developer Guide, LinkFormat, QueryStringParameters), so nothing is normalised here but
 * characters that no request line can hold, which are percent-encoded as every browser does it.
 * @module
 */
import { IsrError } from './errors';

declare const urled: unique symbol;
export type Url = string & { readonly [urled]: 'url' };

/** Past it an invalidation path cannot name the object (CFDG, invalidation-specifying-objects). */
export const URL_LENGTH_MAX = 4_000;
/**
 * What an invalidation path can name: visible ASCII that RFC 1738 calls safe (the rest has to be percent-encoded), no
 * second slash, no `~` (not supported, encoded or not), no `*` at the end (it would purge everything that begins so).
 * JSON Schema and JavaScript read it alike.
 * @see CFDG, invalidation-specifying-objects; RFC 1738 §2.2
 */
export const URL_PATTERN = '^/(?:(?!/)(?!.*%7[Ee])[!$-;=?-Z_a-z]*[!$-)+-;=?-Z_a-z])?$';
const VALID = new RegExp(URL_PATTERN);

/** Can a purge name this url by its path? Else only a tag reaches its copies. */
export function isPurgeable(url: string): boolean {
  return url.length <= URL_LENGTH_MAX && VALID.test(url);
}

/** What a wildcard's path can name, from its start. */
const VALID_PREFIX = /^\/(?:(?!\/)(?:(?!%7[Ee])[!$-;=?-Z_a-z])*)?/;

/**
 * How much of a url's beginning a wildcard can name: `/a~b` → 2, for `/a*`. Never a part of an escape (`%2` of `%2F`), nor a
 * `*` of the url's own at the end.
 * @param length at most so much
 * @returns the same for all urls that begin alike so far
 */
export function wildcardLength(url: string, length = url.length): number {
  const valid = VALID_PREFIX.exec(url.slice(0, length))?.[0].length ?? 0;
  let end = Math.min(valid, URL_LENGTH_MAX - 1);
  while (url[end - 1] === '*' || url[end - 1] === '%' || url[end - 2] === '%') end -= 1;
  return end;
}

/**
 * A url that somebody asks to revalidate.
 * @throws IsrError `url-invalid`, naming the place, the value and the rule
 * @example parseUrl('/posts/42?page=2', 'urls[0]')
 */
export function parseUrl(raw: string, name = 'url'): Url {
  if (isPurgeable(raw)) return raw as Url;
  const shown = JSON.stringify(raw.length > 80 ? `${raw.slice(0, 77)}…` : raw);
  throw new IsrError('url-invalid', `${name} is ${shown}: ${problemOf(raw)}`, name);
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
  if (!VALID.test(raw)) return 'a url has safe ASCII only (RFC 1738): percent-encode the rest';
  return `an invalidation path has at most ${URL_LENGTH_MAX} characters, this one ${raw.length}: revalidate by tag`;
}

/** Percent-encodes what is not visible ASCII (an unpaired surrogate becomes U+FFFD, as in the URL standard). */
export function encodeUrl(raw: string): Url {
  return raw.replace(/[^!-~]+/g, (part) => encodeURIComponent(part.toWellFormed())) as Url;
}

/** The url of a request that CloudFront saw: `uri` and `querystring` of a Lambda@Edge event. */
export function urlOf(uri: string, querystring: string): Url {
  return encodeUrl(querystring === '' ? uri : `${uri}?${querystring}`);
}
