/**
 * What a local distribution is told, and what it makes of it: every default has its place here.
 * @module
 */
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { CloudFrontResponseEvent } from 'aws-lambda';
import { parseOrigin } from '../origin-address';
import type { Ttl } from './lifetime';

export interface CloudFrontOptions {
  /** The server that renders: `http://host[:port]` or `https://host[:port]`. */
  readonly origin: string;
  /**
   * The second origin of a group: it is asked when the first cannot be reached, is late, or answers one of these.
   * @default - there is one origin
   */
  readonly failover?: { readonly origin: string; readonly statuses?: readonly number[] };
  /** @default '127.0.0.1' */
  readonly host?: string;
  /** 0 takes any free one. */
  readonly port: number;
  readonly distributionId: string;
  /**
   * Origin custom headers: sent to the origin in place of the viewer's, and shown to the function under
   * `request.origin.custom.customHeaders`.
   * @default - none
   */
  readonly customHeaders?: Readonly<Record<string, string>>;
  /**
   * Request headers in the cache key, lower case. What is in the key is forwarded, and nothing else of the viewer's.
   * Accept-Encoding, normalised, is always in it.
   * @default - none
   */
  readonly keyHeaders?: readonly string[];
  /** The cache policy's lifetimes. @default 0, 0, 31,536,000 */
  readonly ttl?: Ttl;
  /** Error caching minimum TTL, in seconds, of every status. @default 0, as the construct sets it (CloudFront: 10) */
  readonly errorCachingMinSeconds?: number;
  /** CacheTagConfig.HeaderName. @default - objects have no tags */
  readonly tagHeader?: string;
  /**
   * The response headers policy: removes first, then sets. It reaches the viewer alone, never the cache.
   * @default - nothing is changed
   */
  readonly viewerHeaders?: {
    readonly remove: readonly string[];
    readonly set: Readonly<Record<string, string>>;
  };
  /**
   * The CloudFront Function on viewer-request: it may set headers, and answers with the url to go on with.
   * @default - none
   */
  readonly viewerRequest?: (viewer: IncomingMessage, url: string) => string;
  /**
   * The Lambda@Edge function on origin-response. A rejection is a function error (503), a result that CloudFront would
   * not accept a validation error (502).
   * @default - none
   */
  readonly originResponse?: (event: CloudFrontResponseEvent) => Promise<unknown>;
  /** After it the function has failed (503). @default 30,000 */
  readonly functionTimeoutMs?: number;
  /** Bodies and headers in the cache. @default 268,435,456 */
  readonly maxBytes?: number;
  /** A larger body streams through and is not cached. @default 10,485,760 */
  readonly maxObjectBytes?: number;
  /** For the first byte of an answer, and between any two. @default 30,000 */
  readonly originTimeoutMs?: number;
  /** How often a GET is tried on an origin that cannot be reached or does not answer. @default 3 */
  readonly originAttempts?: number;
  /** From CreateInvalidation to its effect, which is also when it is Completed. @default 0 */
  readonly invalidationDelayMs?: number;
  /** Ms since 1970. @default Date.now */
  readonly now?: () => number;
  /** Told of every request once it has been answered. @default - nobody is */
  readonly onRequest?: (line: RequestLine) => void;
}

/** The word in `X-Cache: Hit from cloudfront`. */
export type Result =
  | 'Hit'
  | 'Miss'
  | 'RefreshHit'
  | 'Error'
  | 'LambdaExecutionError'
  | 'LambdaLimitExceeded'
  | 'LambdaValidationError';

export interface RequestLine extends Note {
  readonly method: string;
  readonly url: string;
  readonly status: number;
  readonly result: Result;
  /** From the request to the end of the answer. */
  readonly ms: number;
  /** Why the edge answered by itself: with an error, or with an expired copy. */
  readonly error?: string;
}

/** What a response carried that its viewer may not be shown. */
export interface Note {
  /** The recorder's word (`x-isr-ruling`), before the response headers policy removes it. */
  readonly ruling?: string;
  readonly tags?: readonly string[];
  /** Cache-Control as the cache read it. */
  readonly ttl?: string;
}

/** The options with every default in its place, and what follows from them. */
export interface Settings extends Required<Omit<CloudFrontOptions, 'origin' | OptionalKeys>> {
  readonly origin: URL;
  readonly failover: { readonly origin: URL; readonly statuses: readonly number[] } | undefined;
  readonly tagHeader: string | undefined;
  readonly originResponse: CloudFrontOptions['originResponse'];
  readonly viewerRequest: CloudFrontOptions['viewerRequest'];
  readonly onRequest: CloudFrontOptions['onRequest'];
  /** `d….cloudfront.net`, as events show it. */
  readonly domainName: string;
  /** This edge in a Via header. */
  readonly via: string;
}

type OptionalKeys = 'failover' | 'tagHeader' | 'originResponse' | 'viewerRequest' | 'onRequest';

/** What the console proposes, and the CDK's OriginGroup sets. */
const FAILOVER_STATUSES = [500, 502, 503, 504];
const TTL: Ttl = { minSeconds: 0, defaultSeconds: 0, maxSeconds: 31_536_000 };

/** @throws IsrError `origin-invalid` */
export function settle(options: CloudFrontOptions): Settings {
  const lower = (names: readonly string[] = []) => names.map((name) => name.toLowerCase());
  const server = createHash('sha256').update(options.distributionId).digest('hex').slice(0, 32);
  return {
    origin: parseOrigin(options.origin),
    failover: options.failover && {
      origin: parseOrigin(options.failover.origin),
      statuses: options.failover.statuses ?? FAILOVER_STATUSES,
    },
    host: options.host ?? '127.0.0.1',
    port: options.port,
    distributionId: options.distributionId,
    customHeaders: options.customHeaders ?? {},
    // CloudFront refuses Accept-Encoding here; it is always keyed, normalised
    keyHeaders: lower(options.keyHeaders).filter((name) => name !== 'accept-encoding'),
    ttl: options.ttl ?? TTL,
    errorCachingMinSeconds: options.errorCachingMinSeconds ?? 0,
    tagHeader: options.tagHeader?.toLowerCase(),
    viewerHeaders: {
      remove: lower(options.viewerHeaders?.remove),
      set: options.viewerHeaders?.set ?? {},
    },
    originResponse: options.originResponse,
    viewerRequest: options.viewerRequest,
    functionTimeoutMs: options.functionTimeoutMs ?? 30_000,
    maxBytes: options.maxBytes ?? 268_435_456,
    maxObjectBytes: options.maxObjectBytes ?? 10_485_760,
    originTimeoutMs: options.originTimeoutMs ?? 30_000,
    originAttempts: options.originAttempts ?? 3,
    invalidationDelayMs: options.invalidationDelayMs ?? 0,
    now: options.now ?? Date.now,
    onRequest: options.onRequest,
    domainName: `${options.distributionId.toLowerCase()}.cloudfront.net`,
    via: `1.1 ${server}.cloudfront.net (CloudFront)`,
  };
}
