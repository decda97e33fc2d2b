/**
 * What the origin is asked: of the viewer's request, the cache key and nothing more.
 *
 * Headers in the key are forwarded, no other of a GET: no cookie, no Authorization, no Accept-Language, no condition
 * of the viewer's own. Other methods keep what describes their body.
 * @see CFDG, RequestAndResponseBehaviorCustomOrigin (request headers), controlling-origin-requests
 * @module
 */
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { encodingsOf } from './key';
import type { Settings } from './options';
import type { Line } from './raw-headers';
import type { Copy } from './store';

/** One request to the origin, free of the viewer that caused it. */
export interface Ask {
  readonly key: string;
  readonly url: string;
  readonly method: string;
  readonly lines: readonly Line[];
  readonly clientIp: string;
  readonly body: Readable | null;
  readonly id: string;
}

/** Beside the key, of methods that carry a body: what the construct's origin request policy names, and its length. */
const PASSED = ['content-type', 'content-length'];

export function askOf(
  viewer: IncomingMessage,
  { key, url, id }: { key: string; url: string; id: string },
  settings: Settings,
): Ask {
  const isPassed = !isCacheable(viewer.method);
  const clientIp = (viewer.socket.remoteAddress ?? '').replace(/^::ffff:/, '');
  const names = [...settings.keyHeaders, ...(isPassed ? PASSED : [])];
  const own: Line[] = [
    ['Host', settings.origin.host],
    ['User-Agent', 'Amazon CloudFront'],
    ['Via', settings.via],
    ['X-Forwarded-For', joined(viewer.headers['x-forwarded-for'], clientIp)],
    ['X-Amz-Cf-Id', id],
  ];
  const encodings = encodingsOf(viewer.headers['accept-encoding']);
  const lines = [
    ...own,
    ...names.flatMap((name) => forwarded(viewer, name)),
    ...(encodings === '' ? [] : [['Accept-Encoding', encodings] as const]),
  ];
  const custom = Object.keys(settings.customHeaders).map((name) => name.toLowerCase());
  return {
    key,
    url,
    method: isPassed ? (viewer.method ?? 'GET') : 'GET',
    lines: lines.filter(([name]) => !custom.includes(name.toLowerCase())),
    clientIp,
    body: hasBody(viewer) ? viewer : null,
    id,
  };
}

/** Always cached, under one key (CFDG, understanding-the-cache-key). */
export function isCacheable(method: string | undefined): boolean {
  return method === 'GET' || method === 'HEAD';
}

export function hasBody({ headers }: IncomingMessage): boolean {
  const length = headers['content-length'];
  return headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}

/** What asks the origin to confirm a copy instead of sending it again. */
export function conditionsOf(copy: Copy | undefined): Line[] {
  if (!copy?.isConfirmable) return [];
  const { etag, lastModified } = copy;
  return [
    ...(etag === undefined ? [] : [['If-None-Match', etag] as const]),
    ...(lastModified === undefined ? [] : [['If-Modified-Since', lastModified] as const]),
  ];
}

function forwarded({ headers }: IncomingMessage, name: string): Line[] {
  const value = headers[name];
  if (value === undefined || name === 'x-forwarded-for') return [];
  return [[titleCase(name), Array.isArray(value) ? value.join(', ') : value]];
}

/** CFDG, …CustomOrigin (client IP addresses): the viewer's address goes to the end. */
function joined(forwardedFor: string | string[] | undefined, clientIp: string): string {
  return forwardedFor === undefined ? clientIp : `${forwardedFor},${clientIp}`;
}

function titleCase(name: string): string {
  return name.replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());
}
