/**
 * The cache key: what makes two requests one object.
 *
 *     /posts/42?page=2␀br,gzip␀de      path and raw query, normalised Accept-Encoding, the policy's headers in order
 *
 * GET and HEAD share a key; the host is no part of it (a local distribution has one). The query counts as it was
 * sent: order, case and spelling make different objects.
 * @see CFDG, understanding-the-cache-key, cache-key-understand-cache-policy, QueryStringParameters
 * @module
 */
import type { IncomingHttpHeaders } from 'node:http';

/** Stands in no url and no header value. */
const SEPARATOR = '\0';

export function keyOf(
  url: string,
  headers: IncomingHttpHeaders,
  keyHeaders: readonly string[],
): string {
  let key = url + SEPARATOR + encodingsOf(headers['accept-encoding']);
  for (const name of keyHeaders) key += SEPARATOR + (headers[name] ?? '');
  return key;
}

/** A browser sends one of a handful of values: what was worked out once is kept, up to a bound. */
const known = new Map<string | undefined, string>([[undefined, '']]);
const KNOWN_MAX = 1_000;

/**
 * Accept-Encoding as key and origin get it: `br,gzip`, `br`, `gzip`, or empty (the header is left out).
 * @see CFDG, cache-key-understand-cache-policy (compressed objects)
 */
export function encodingsOf(accepted: string | string[] | undefined): string {
  const text = Array.isArray(accepted) ? accepted.join(',') : accepted;
  const found = known.get(text);
  if (found !== undefined) return found;
  const codings = (text ?? '').toLowerCase().split(',').filter(isWanted).map(nameOf);
  const encodings = ['br', 'gzip'].filter((coding) => codings.includes(coding)).join(',');
  if (known.size < KNOWN_MAX) known.set(text, encodings);
  return encodings;
}

function nameOf(coding: string): string {
  return coding.split(';', 1)[0]?.trim() ?? '';
}

/** `gzip;q=0` refuses gzip (RFC 9110 §12.4.2). */
function isWanted(coding: string): boolean {
  return !/;[\t ]*q=0(\.0*)?[\t ]*$/.test(coding);
}

/**
 * Path and query of a request target; undefined when it names neither.
 * A `?` with nothing behind it is dropped: events show the same empty query string for both.
 */
export function urlIn(target: string): string | undefined {
  const url = target.startsWith('/') ? target : pathOfAbsolute(target);
  return url?.endsWith('?') ? url.slice(0, -1) : url;
}

/** A proxy's form, `GET http://host/path` (RFC 9112 §3.2.2). */
function pathOfAbsolute(target: string): string | undefined {
  const match = /^https?:\/\/[^/?#]+(.*)$/i.exec(target);
  if (!match) return undefined;
  const rest = match[1] as string;
  return rest.startsWith('/') ? rest : `/${rest}`;
}
