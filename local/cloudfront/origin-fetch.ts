/**
 * Speaks HTTP/1.1 to the origin, and names its failures as CloudFront does.
 *
 *     502   it cannot be reached, hangs up, or answers what is no HTTP
 *     504   it does not answer in time
 *
 * A GET is tried again (three times in all) when the origin could not be reached or did not answer; other methods, and
 * answers that have begun, never are.
 * @see CFDG, http-502-bad-gateway, http-504-gateway-timeout, RequestAndResponseBehaviorCustomOrigin (timeouts)
 * @module
 */
import type { Readable } from 'node:stream';
import { type Dispatcher, Pool } from 'undici';
import { reasonOf } from '../../core/errors';
import type { Settings } from './options';
import type { Ask } from './origin-request';
import { flatOf, type Line, linesOf } from './raw-headers';

export interface OriginAnswer {
  readonly status: number;
  readonly statusText: string;
  readonly lines: readonly Line[];
  readonly body: Readable;
}

export class OriginFailure extends Error {
  constructor(
    readonly status: 502 | 504,
    cause: unknown,
  ) {
    super(`the origin failed: ${reasonOf(cause)}`, { cause });
  }
}

export interface OriginClient {
  /** @throws OriginFailure */
  fetch(ask: Ask, signal: AbortSignal): Promise<OriginAnswer>;
  close(): Promise<void>;
}

/** CFDG, cloudfront-limits: connection timeout, and the head of a response. */
const CONNECT_TIMEOUT_MS = 10_000;
const HEAD_BYTES_MAX = 32_768;

export function originClient(settings: Settings): OriginClient {
  const { origin, originTimeoutMs, originAttempts } = settings;
  const pool = new Pool(origin.origin, {
    headersTimeout: originTimeoutMs,
    bodyTimeout: originTimeoutMs,
    maxHeaderSize: HEAD_BYTES_MAX,
    connect: { timeout: CONNECT_TIMEOUT_MS },
  });
  const custom = linesOf(Object.entries(settings.customHeaders).flat());

  async function once(ask: Ask, signal: AbortSignal): Promise<OriginAnswer> {
    const { statusCode, statusText, headers, body } = await pool.request({
      method: ask.method as Dispatcher.HttpMethod,
      path: ask.url,
      headers: flatOf([...ask.lines, ...custom]),
      body: ask.body,
      signal,
      responseHeaders: 'raw',
    });
    body.on('error', () => {}); // whoever reads it learns of it; unread, it concerns nobody
    const lines = linesOf(headers as unknown as string[]); // `raw`: undici's type does not follow
    return { status: statusCode, statusText, lines, body };
  }

  return {
    async fetch(ask, signal) {
      const attempts = ask.method === 'GET' ? originAttempts : 1;
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await once(ask, signal);
        } catch (thrown) {
          if (signal.aborted || attempt >= attempts || !isPassing(thrown)) {
            throw new OriginFailure(isTimeout(thrown) ? 504 : 502, thrown);
          }
        }
      }
    },
    close: () => pool.destroy(),
  };
}

const TIMEOUTS = ['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'UND_ERR_CONNECT_TIMEOUT'];
const UNREACHABLE = [
  'ECONNREFUSED',
  'ECONNRESET',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
  'UND_ERR_SOCKET',
];

function isTimeout(thrown: unknown): boolean {
  return TIMEOUTS.includes(codeOf(thrown)) || codeOf(thrown) === 'ETIMEDOUT';
}

function isPassing(thrown: unknown): boolean {
  return TIMEOUTS.includes(codeOf(thrown)) || UNREACHABLE.includes(codeOf(thrown));
}

function codeOf(thrown: unknown): string {
  return (thrown as NodeJS.ErrnoException | undefined)?.code ?? '';
}
