/**
 * The site through its edge, as a viewer sees it; nothing but the site is ever asked.
 *
 * The url goes into the request as it is, never resolved: CloudFront keys `/a/../b` as itself, and `//elsewhere/` is a
 * path. Redirects are not followed. Bodies are read to their end, since CloudFront does not cache what its viewer left
 * early; one that is longer than the bound is left, and said to be.
 *
 * Every address is looked at as it is about to be dialled, so a name that resolves to another one the second time gains
 * nothing. Public addresses only; or, for the edge of `isr dev`, loopback only.
 * @module
 */
import { type LookupAddress, lookup } from 'node:dns';
import http from 'node:http';
import https from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { IsrError } from '../core/errors';
import { RENDERED_AT, WARM } from '../core/headers';
import type { Clock, Site, SiteAnswer } from '../core/ports';
import type { Url } from '../core/urls';
import type { Variant } from '../core/variants';
import { isLoopback, isPublic } from './private-addresses';
import { viewerHeaders } from './viewer-headers';

/** From the request to the end of the body. */
const TIMEOUT_MS = 10_000;
/** CloudFront compresses up to 10 MB (CFDG, ServingCompressedFiles); pages are far below. */
const BODY_BYTES_MAX = 50_000_000;

export interface SiteOptions {
  /** `https://d111111abcdef8.cloudfront.net` */
  readonly edgeUrl: string;
  /** The edge is `isr dev`, on this machine: loopback is dialled, and nothing else. */
  readonly edgeIsLocal: boolean;
  /** @default 10000 */
  readonly timeoutMs?: number;
  /** @default 50,000,000 */
  readonly bodyBytesMax?: number;
  /** @default - the machine's own resolver */
  readonly resolve?: Resolve;
}

export type Resolve = (
  hostname: string,
  told: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

interface Asked {
  readonly url: Url;
  readonly variant: Variant;
  readonly job: string;
}

/** @throws IsrError `config-invalid` when the edge's url names an address that must not be dialled */
export function siteAt(options: SiteOptions, clock: Pick<Clock, 'now'>): Site {
  const { edgeUrl, edgeIsLocal, timeoutMs = TIMEOUT_MS, bodyBytesMax = BODY_BYTES_MAX } = options;
  const { protocol, hostname, port } = new URL(edgeUrl);
  const isAllowed = edgeIsLocal ? isLoopback : isPublic;
  const host = hostname.replace(/^\[|\]$/g, ''); // IPv6
  if (isIP(host) !== 0 && !isAllowed(host)) {
    throw new IsrError('config-invalid', `the edge is at ${edgeUrl}: ${forbidden(host)}`);
  }
  const { request: send, Agent } = protocol === 'https:' ? https : http;
  const agent = new Agent({
    keepAlive: true,
    lookup: checkedLookup(options.resolve ?? systemResolve, isAllowed),
  });

  function ask({ url, variant, job }: Asked, told: Told): void {
    if (!url.startsWith('/')) throw new Error(`${url} is no path of this site`); // the form of a proxy's request
    const request = send({
      agent,
      hostname: host,
      port,
      path: bytesOf(url),
      headers: { ...viewerHeaders(variant), [WARM]: job },
      signal: AbortSignal.timeout(timeoutMs),
    });
    request.on('error', (error) => told.failed(named(error, timeoutMs)));
    request.on('response', (response) => {
      const answer = answerOf(response, clock.now());
      let bytes = 0;
      response.on('error', (error) => told.failed(named(error, timeoutMs)));
      response.on('end', () => told.answered(answer));
      response.on('data', (part: Buffer) => {
        bytes += part.length;
        if (bytes <= bodyBytesMax) return;
        told.answered({ ...answer, isCut: true });
        request.destroy();
      });
    });
    request.end();
  }

  return {
    fetch: (url, variant, job) =>
      new Promise<SiteAnswer>((answered, failed) => {
        ask({ url, variant, job }, { answered, failed });
      }),
  };
}

/** A request line holds bytes, Node writes a character for each: what a viewer asked unencoded is asked so again. */
function bytesOf(path: string): string {
  return Buffer.from(path).toString('latin1');
}

interface Told {
  readonly answered: (answer: SiteAnswer) => void;
  readonly failed: (error: Error) => void;
}

const systemResolve: Resolve = (hostname, told) => lookup(hostname, { all: true }, told);

/** One forbidden address among a name's is enough: the name is not to be trusted. */
function checkedLookup(resolve: Resolve, isAllowed: (address: string) => boolean): LookupFunction {
  return (hostname, options, told) => {
    resolve(hostname, (error, addresses) => {
      const bad = addresses?.find(({ address }) => !isAllowed(address));
      const refused = bad && new Error(`${hostname} resolves to ${forbidden(bad.address)}`);
      const [first] = addresses ?? [];
      if (error || refused || !first) told(error ?? refused ?? new Error(`no ${hostname}`), []);
      else if (options.all) told(null, addresses);
      else told(null, first.address, first.family);
    });
  };
}

function forbidden(address: string): string {
  return `${address}, which the warmer does not dial`;
}

function named(error: Error, timeoutMs: number): Error {
  if (error.name !== 'AbortError' && error.name !== 'TimeoutError') return error;
  return new Error(`no whole answer within ${timeoutMs} ms`, { cause: error });
}

function answerOf({ statusCode, headers }: http.IncomingMessage, nowMs: number): SiteAnswer {
  const retryAfterMs = retryAfter(headers['retry-after'], nowMs);
  return {
    status: statusCode ?? 0,
    renderedAtMs: renderedAt(headers, nowMs),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}

/** The recorder's own word; without it the cache's: Age counts whole seconds since the origin answered. */
function renderedAt(headers: http.IncomingHttpHeaders, nowMs: number): number | undefined {
  const told = Number(headers[RENDERED_AT] ?? Number.NaN);
  if (Number.isFinite(told)) return told;
  const { age } = headers;
  return age !== undefined && /^\d+$/.test(age) ? nowMs - (Number(age) + 1) * 1_000 : undefined;
}

/** Seconds or a date (RFC 9110 §10.2.3); what cannot be read counts as absent. */
function retryAfter(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined) return undefined;
  const ms = /^\d+$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - nowMs;
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}
