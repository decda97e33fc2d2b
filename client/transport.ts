/**
 * Requests that may get lost, sent until they are answered: no answer, a 429 or a 5xx is tried again, after pauses that
 * double (200, 400, 800 ms …, 10 s at most) and of which a random half is waited, or as long as Retry-After says.
 * @module
 */
import { IsrError, reasonOf } from '../core/errors';
import type { Clock } from '../core/ports';
import { authorizationOf, checkTokenPlace, type Token } from './token';

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export interface Answer {
  readonly url: string;
  readonly status: number;
  /** Read as JSON; its text when it is none. */
  readonly body: unknown;
  readonly retryAfterMs?: number;
}

export interface TransportOptions {
  readonly endpoint: string;
  readonly fetch?: Fetch;
  readonly token?: Token | undefined;
  readonly attemptsMax?: number;
  readonly attemptTimeoutMs?: number;
  readonly clock: Clock;
  readonly random?: () => number;
}

const PAUSE_MS = { first: 200, max: 10_000 };

export const CLOCK: Clock = {
  now: Date.now,
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const timer = setTimeout(done, ms);
      function done() {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        resolve();
      }
      signal?.addEventListener('abort', done);
    }),
};

export class Transport {
  private readonly base: string;
  private readonly options: Required<Omit<TransportOptions, 'token'>>;
  private readonly token: Token | undefined;

  constructor(options: TransportOptions) {
    this.base = parseEndpoint(options.endpoint);
    this.token = options.token;
    if (this.token !== undefined) checkTokenPlace(this.base);
    this.options = {
      ...options,
      fetch: options.fetch ?? ((url, init) => fetch(url, init)),
      attemptsMax: options.attemptsMax ?? 4,
      attemptTimeoutMs: options.attemptTimeoutMs ?? 5_000,
      random: options.random ?? Math.random,
    };
  }

  /**
   * @returns the first answer that is no 429 and no 5xx, or else the last one
   * @throws IsrError `endpoint-unreachable` when the last attempt got none; the signal's reason when it is aborted
   */
  async send(path: string, init: RequestInit, signal?: AbortSignal): Promise<Answer> {
    const { attemptsMax, clock } = this.options;
    for (let attempt = 1; ; attempt++) {
      const { answer, thrown } = await this.attempt(path, init, signal).then(
        (answer) => ({ answer, thrown: undefined }),
        (thrown: unknown) => ({ answer: undefined, thrown }),
      );
      signal?.throwIfAborted();
      if (answer && answer.status !== 429 && answer.status < 500) return answer;
      if (thrown instanceof IsrError) throw thrown; // it was never sent
      if (attempt >= attemptsMax) return answer ?? this.giveUp(thrown, attempt);
      const pauseMs = answer?.retryAfterMs ?? this.jitter(PAUSE_MS.first * 2 ** (attempt - 1));
      await clock.sleep(Math.min(pauseMs, PAUSE_MS.max), signal);
      signal?.throwIfAborted();
    }
  }

  /** Between half of it and all of it. */
  jitter(ms: number): number {
    return ms / 2 + (ms / 2) * this.options.random();
  }

  private async attempt(path: string, init: RequestInit, signal?: AbortSignal): Promise<Answer> {
    const timeout = AbortSignal.timeout(this.options.attemptTimeoutMs);
    const url = this.base + path;
    const authorization = this.token === undefined ? {} : await this.authorization(this.token);
    const response = await this.options.fetch(url, {
      ...init,
      headers: {
        ...Object.fromEntries(new Headers(init.headers)),
        ...authorization,
        accept: 'application/json',
        ...(init.body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      redirect: 'manual', // a POST that is led elsewhere would become a GET
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
    const text = await response.text();
    const retryAfter = response.headers.get('retry-after');
    return {
      url,
      status: response.status,
      body: readJson(text),
      // in seconds; its other form is a date, of a clock that is not ours
      ...(retryAfter && /^\d+$/.test(retryAfter)
        ? { retryAfterMs: Number(retryAfter) * 1_000 }
        : {}),
    };
  }

  private async authorization(token: Token): Promise<Record<string, string>> {
    return { authorization: await authorizationOf(token) };
  }

  private giveUp(thrown: unknown, attempts: number): never {
    // fetch says "fetch failed"; why is in its cause
    const cause = thrown instanceof Error && thrown.cause !== undefined ? thrown.cause : thrown;
    const times = attempts === 1 ? 'once' : `${attempts} times`;
    throw new IsrError(
      'endpoint-unreachable',
      `${this.base} did not answer, asked ${times}: ${reasonOf(cause)}`,
      'endpoint',
      { cause: thrown },
    );
  }
}

/** @returns the endpoint without a slash at its end */
function parseEndpoint(endpoint: string): string {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  const isPlain = url && !url.username && !url.password && !url.search && !url.hash;
  if (isPlain && /^https?:$/.test(url.protocol)) return url.href.replace(/\/+$/, '');
  const withoutSecret = String(endpoint).replace(/\/\/.*@/, '//…@');
  throw new IsrError(
    'option-invalid',
    `endpoint is ${JSON.stringify(withoutSecret)}: it takes an address as http://127.0.0.1:4001, no user, no query`,
    'endpoint',
  );
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
