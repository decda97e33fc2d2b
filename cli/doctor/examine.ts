/**
 * Looks at a page as a viewer does, and through the edge at its server if that is named, and asks every check.
 *
 *     isr doctor http://localhost:8000/a              a server: its checks
 *     isr doctor https://d1.cloudfront.net/a          the edge: its checks, after three requests, or four
 *     isr doctor https://d1.cloudfront.net/a --origin http://localhost:8000      both
 *
 * A CloudFront that edge-isr is not in front of hands out what its server says: then it gets both.
 * @module
 */
import { randomUUID } from 'node:crypto';
import type { CachePolicy } from '../../core/cache-policy';
import { IsrError, reasonOf } from '../../core/errors';
import { type Fields, field, parseCacheControl } from '../../core/headers';
import { tagsOf } from '../../core/tags';
import type { Answer, EdgePage, Finding, ServerPage } from './check';
import { CHECKS } from './checks';
import { TRACKING_PROBE } from './checks/query';
import { isFromCloudFront, isHit, isRecorded } from './seen';

export interface Wanted {
  readonly url: URL;
  /** The server behind the edge. */
  readonly origin?: URL;
  /** Sent with each request. */
  readonly headers: Readonly<Record<string, string>>;
  readonly policy: CachePolicy;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export interface Found extends Finding {
  readonly check: string;
}

export interface Report {
  /** Who answered: edge-isr, a CloudFront without it, or something else, which is taken for the server. */
  readonly behind: 'edge-isr' | 'cloudfront' | 'server';
  readonly status: number;
  readonly findings: readonly Found[];
}

/** @throws IsrError `origin-unreachable` */
export async function examine(wanted: Wanted): Promise<Report> {
  const { url, origin } = wanted;
  const first = await ask(url, wanted);
  const isAtEdge = isRecorded(first) || isFromCloudFront(first);
  const edge = isAtEdge ? await edgePage(first, wanted) : undefined;
  const isHidden = [first, edge?.second, edge?.unseen].some((it) => it && isRecorded(it));
  const server = origin ? await ask(at(origin, url), wanted) : isHidden ? undefined : first;
  const findings = [
    ...(edge ? found('edge', edge) : []),
    ...(server ? found('server', serverPage(server, wanted)) : []),
  ];
  const behind = isHidden ? 'edge-isr' : edge ? 'cloudfront' : 'server';
  return { behind, status: first.status, findings };
}

async function edgePage(first: Answer, wanted: Wanted): Promise<EdgePage> {
  const second = await ask(wanted.url, wanted);
  const tracked = await ask(withParameter(wanted.url, TRACKING_PROBE, 'isr-doctor'), wanted);
  if (!isHit(first) || isRecorded(first)) return { first, second, tracked };
  const unseen = withParameter(wanted.url, 'isr-doctor', randomUUID());
  return { first, second, tracked, unseen: await ask(unseen, wanted) };
}

function withParameter(url: URL, name: string, value: string): URL {
  const other = new URL(url);
  other.search += `${other.search ? '&' : '?'}${name}=${value}`;
  return other;
}

function serverPage(answer: Answer, { headers, policy }: Wanted): ServerPage {
  const request = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), [value]]),
  );
  const cc = parseCacheControl(field(answer.fields, 'cache-control') ?? '');
  return { ...answer, request, cc, sent: tagsOf(answer.fields), policy };
}

function found(of: 'edge', page: EdgePage): Found[];
function found(of: 'server', page: ServerPage): Found[];
function found(of: 'edge' | 'server', page: EdgePage | ServerPage): Found[] {
  return CHECKS.flatMap((check) => {
    if (check.of !== of) return [];
    const finding = (check.look as (page: EdgePage | ServerPage) => Finding | undefined)(page);
    return finding ? [{ check: check.name, ...finding }] : [];
  });
}

/** The same page at its server. */
function at(origin: URL, { pathname, search }: URL): URL {
  return new URL(`${pathname}${search}`, origin);
}

/** Reads the body to its end: CloudFront keeps nothing whose viewer leaves early. */
async function ask(url: URL, { headers, timeoutMs, signal }: Wanted): Promise<Answer> {
  try {
    const answer = await fetch(url, {
      headers,
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    });
    await answer.body?.pipeTo(new WritableStream());
    return { url, status: answer.status, fields: fieldsOf(answer.headers) };
  } catch (cause) {
    const { cause: why = cause } = cause as { cause?: unknown };
    throw new IsrError('origin-unreachable', `${url.href}: ${reasonOf(why)}`, 'url', { cause });
  }
}

function fieldsOf(headers: Headers): Fields {
  const cookies = headers.getSetCookie();
  const fields: Record<string, readonly string[]> = {};
  for (const [name, value] of headers) fields[name] = name === 'set-cookie' ? cookies : [value];
  return fields;
}
