/**
 * CloudFront Function, viewer-request: makes requests for the same page the same, before the cache key is made.
 *
 *     /posts/42?page=2&utm_source=x   →  /posts/42?page=2
 *     Accept-Language: de-AT, en;q=0.5 →  x-isr-locale: de
 *     User-Agent: … iPhone … Mobile …  →  x-isr-device: mobile
 *
 * What is left of the query stays as it was sent, in its order and spelling. Viewers cannot set the two headers.
 * The runtime knows ES 5.1 and some of what came later (CFDG, functions-javascript-runtime-20): const, arrows and
 * templates, but neither `for…of` nor destructuring; the build refuses them. Nothing is imported: `SITE` is put in front
 * (core/viewer-rules.ts).
 * @module
 */
import type { ViewerRules } from '../core/viewer-rules';

declare const SITE: ViewerRules;

interface Header {
  value: string;
}

interface ViewerRequest {
  method: string;
  /** As it is assigned, the whole query without its question mark. */
  querystring: unknown;
  headers: Record<string, Header>;
  rawQueryString(): string | undefined;
}

export function handler(event: { request: ViewerRequest }): ViewerRequest {
  const request = event.request;
  const headers = request.headers;
  if (request.method === 'GET' || request.method === 'HEAD') dropTracking(request);
  if (SITE.locales.length > 0) headers['x-isr-locale'] = { value: localeOf(headers) };
  if (SITE.devices.length > 0) headers['x-isr-device'] = { value: deviceOf(headers) };
  return request;
}

function dropTracking(request: ViewerRequest): void {
  const query = request.rawQueryString();
  if (!query) return;
  const kept = query.split('&').filter((pair) => !isDropped(pair.split('=')[0] as string));
  const left = kept.join('&');
  if (left !== query) request.querystring = left;
}

function isDropped(name: string): boolean {
  return SITE.drop.some((it) =>
    it.slice(-1) === '*' ? name.indexOf(it.slice(0, -1)) === 0 : name === it,
  );
}

/** Lookup (RFC 4647 §3.4): of the viewer's ranges, best first, the first that is one of ours, or begins with one. */
function localeOf(headers: Record<string, Header>): string {
  const accepted = headers['accept-language'] ? headers['accept-language'].value : '';
  const ranges = accepted
    .toLowerCase()
    .split(',')
    .map((text, at) => {
      const parts = text.split(';');
      const q = parts.length > 1 ? Number((parts[1] as string).replace(/^\s*q=/, '')) : 1;
      return { range: (parts[0] as string).trim(), q, at };
    })
    .filter((it) => it.q > 0)
    .sort((a, b) => b.q - a.q || a.at - b.at);
  for (let at = 0; at < ranges.length; at += 1) {
    const subtags = (ranges[at] as { range: string }).range.split('-');
    for (; subtags.length > 0; subtags.pop()) {
      const range = subtags.join('-');
      const found = SITE.locales.filter((locale) => locale.toLowerCase() === range)[0];
      if (found) return found;
    }
  }
  return SITE.locales[0] as string;
}

/** What is none of ours counts as the first. */
function deviceOf(headers: Record<string, Header>): string {
  const agent = headers['user-agent'] ? headers['user-agent'].value : '';
  const kind = /iPad|Tablet|PlayBook|Silk|Android(?!.*Mobi)/i.test(agent)
    ? 'tablet'
    : /Mobi|iPhone|iPod/i.test(agent)
      ? 'mobile'
      : 'desktop';
  return SITE.devices.filter((device) => device === kind)[0] || (SITE.devices[0] as string);
}
