/**
 * What the viewer is sent.
 *
 *     stored headers − Set-Cookie, hop-by-hop, what Vary must not promise  → response headers policy → CloudFront's own
 *
 * All that does not change from hit to hit is worked out when a copy is stored (`headOf`); a hit adds Age, X-Cache and
 * X-Amz-Cf-Id.
 * @see CFDG, RequestAndResponseBehaviorCustomOrigin (response headers), Cookies, modifying-response-headers
 * @module
 */
import { randomBytes } from 'node:crypto';
import {
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import type { Result, Settings } from './options';
import { fieldOf, flatOf, isHopByHop, type Line, linesOf, without } from './raw-headers';
import type { Copy } from './store';

/** One viewer's request, on its way to an answer. */
export interface Exchange {
  readonly viewer: IncomingMessage;
  readonly reply: ServerResponse;
  readonly method: string;
  readonly url: string;
  readonly id: string;
  /** Of performance.now(). */
  readonly startedMs: number;
}

export type HeadSettings = Pick<Settings, 'keyHeaders' | 'viewerHeaders' | 'via' | 'now'>;

/** @param length of the body, in bytes; undefined when it is not known yet, or when there is none */
export function headOf(
  { lines, length, nowMs }: { lines: readonly Line[]; length: number | undefined; nowMs: number },
  settings: HeadSettings,
): string[] {
  const { remove, set } = settings.viewerHeaders;
  const isGone = isHopByHop(lines);
  const replaced = new Set([...remove, ...Object.keys(set).map((name) => name.toLowerCase())]);
  const kept = without(
    lines,
    (name) => OWN.has(name) || isGone(name) || name.startsWith('x-edge-'),
  );
  const varied = kept.flatMap((line) => visibleVary(line, settings.keyHeaders));
  return flatOf([
    ...without(varied, (name) => replaced.has(name) || name.startsWith('x-amz-cf-')),
    ...Object.entries(set),
    ...(fieldOf(lines, 'date') ? [] : [['Date', new Date(nowMs).toUTCString()] as const]),
    ...(length === undefined ? [] : [['Content-Length', String(length)] as const]),
    ['Via', [fieldOf(lines, 'via'), settings.via].filter(Boolean).join(', ')],
    ['X-Amz-Cf-Pop', POP],
  ]);
}

/** CloudFront's own to say; cookies are not forwarded here, so none are handed out (CFDG, Cookies). */
const OWN = new Set(['age', 'content-length', 'set-cookie', 'via', 'x-cache']);
const POP = 'LOC50-P1';

/** Vary shows Accept-Encoding, Cookie and what is forwarded; the rest is taken out of it. */
function visibleVary([name, value]: Line, keyHeaders: readonly string[]): Line[] {
  if (name.toLowerCase() !== 'vary') return [[name, value]];
  const isShown = (field: string) =>
    field === '*' ||
    field === 'accept-encoding' ||
    field === 'cookie' ||
    keyHeaders.includes(field);
  const shown = value
    .split(',')
    .map((field) => field.trim())
    .filter((field) => isShown(field.toLowerCase()));
  return shown.length === 0 ? [] : [[name, shown.join(', ')]];
}

/** Answers from the cache. */
export function sendCopy(
  { viewer, reply, id }: Exchange,
  copy: Copy,
  result: Result,
  nowMs: number,
) {
  const head = copy.head.slice();
  head.push('Age', ageOf(copy, nowMs), 'X-Cache', cacheWord(result), 'X-Amz-Cf-Id', id);
  if (isUnchanged(viewer.headers, copy)) {
    reply.writeHead(304, withoutBody(head));
    reply.end();
    return;
  }
  reply.writeHead(copy.status, head);
  reply.end(viewer.method === 'HEAD' ? undefined : copy.body);
}

export function ageOf({ answeredAtMs }: Pick<Copy, 'answeredAtMs'>, nowMs: number): string {
  return String(Math.max(Math.floor((nowMs - answeredAtMs) / 1_000), 0));
}

export function cacheWord(result: Result): string {
  return `${result} from cloudfront`;
}

/** Does the viewer hold this very copy? If-None-Match decides before If-Modified-Since (RFC 9110 §13.2.2). */
function isUnchanged(headers: IncomingHttpHeaders, { status, etag, lastModified }: Copy): boolean {
  const match = headers['if-none-match'];
  const since = headers['if-modified-since'];
  if ((match === undefined && since === undefined) || status !== 200) return false;
  if (match !== undefined) return etag !== undefined && isListed(etag, match);
  return lastModified !== undefined && Date.parse(lastModified) <= Date.parse(since ?? '');
}

/** The weak comparison (RFC 9110 §8.8.3.2). */
function isListed(etag: string, list: string): boolean {
  const opaque = (tag: string) => tag.trim().replace(/^W\//, '');
  return list.trim() === '*' || list.split(',').map(opaque).includes(opaque(etag));
}

/** A 304 describes no body (RFC 9110 §15.4.5). */
function withoutBody(head: readonly string[]): string[] {
  return flatOf(without(linesOf(head), (name) => name.startsWith('content-')));
}

/** The body of an answer that the edge makes itself. */
export function errorPage(status: number, why: string): Buffer {
  const title = `${status} ${STATUS_CODES[status] ?? 'Error'}`;
  return Buffer.from(
    `<!doctype html>\n<title>${title}</title>\n<h1>${title}</h1>\n<p>${escapeHtml(why)}</p>\n<p>Generated by cloudfront (local)</p>\n`,
  );
}

function escapeHtml(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}

/** Answers a request that the edge refuses by itself. */
export function sendRefusal(
  { reply, method, id }: Exchange,
  { status, why }: { status: number; why: string },
  settings: HeadSettings,
) {
  const body = errorPage(status, why);
  const lines: Line[] = [['Content-Type', 'text/html']];
  const head = headOf({ lines, length: body.byteLength, nowMs: settings.now() }, settings);
  reply.writeHead(status, [...head, 'X-Cache', cacheWord('Error'), 'X-Amz-Cf-Id', id]);
  reply.end(method === 'HEAD' ? undefined : body);
}

/** Ids of requests, as X-Amz-Cf-Id shows them: 56 characters, unique; a counter, since a hit pays for each. */
export function createIds(): () => string {
  const seed = randomBytes(33).toString('base64url').slice(0, 44);
  let count = 0;
  return () => {
    count += 1;
    return `${seed}${count.toString(36).padStart(10, '0')}==`;
  };
}
