/**
 * Which bearer tokens the API takes: its secret's current one and, for a day after a rotation, the one before.
 *
 *     Authorization: Bearer 9f2c…     read at the first request, then every 5 minutes; for a token that nobody knows
 *                                     once more, at most every 10 s: so a rotated one is taken at once
 *
 * Tokens are compared by their hashes, in a time that does not depend on them, and no error or log has one.
 * A secret that cannot be read leaves the API as it is for a quarter of an hour, and closes it then.
 * @module
 */
import { BEARER_PATTERN } from './api';
import { IsrError } from './errors';
import { crypto } from './hash';
import type { Clock } from './ports';

/** A secret's versions, as its store has them. */
export interface SecretVersions {
  readonly current: string;
  /** When the current one was made. */
  readonly createdAtMs: number;
  readonly previous?: string | undefined;
}

export interface TokenPorts {
  readonly read: () => Promise<SecretVersions>;
  readonly clock: Pick<Clock, 'now'>;
  /** Told why the secret could not be read where that is no failure yet. */
  readonly report: (thrown: unknown) => void;
}

export const TOKEN_TIMES_MS = {
  refresh: 300_000,
  /** Between two reads for tokens that are not known: who guesses does not make us ask. */
  unknown: 10_000,
  /** How long what was read last is good enough. */
  keep: 900_000,
  /** How long the token before is taken. */
  previous: 86_400_000,
} as const;

interface Known {
  readonly current: Buffer;
  readonly previous: Buffer | undefined;
  readonly previousUntilMs: number;
  readonly readAtMs: number;
}

export class Tokens {
  private known: Known | undefined;
  private askedAtMs = Number.NEGATIVE_INFINITY;

  constructor(private readonly ports: TokenPorts) {}

  /**
   * @param header  the value of `Authorization`
   * @throws what `read` throws, while there is nothing to go by; IsrError `config-invalid` when the secret is no token
   */
  async accept(header: string): Promise<boolean> {
    const token = BEARER.exec(header)?.[1];
    if (token === undefined) return false;
    const { now } = this.ports.clock;
    const isFresh = this.known && now() - this.known.readAtMs < TOKEN_TIMES_MS.refresh;
    if (isFresh && this.matches(token)) return true;
    if (!this.known || now() - this.askedAtMs >= TOKEN_TIMES_MS.unknown) await this.refresh();
    return this.matches(token);
  }

  private async refresh(): Promise<void> {
    const { read, clock, report } = this.ports;
    this.askedAtMs = clock.now();
    try {
      this.known = { ...knownFrom(await read()), readAtMs: this.askedAtMs };
    } catch (thrown) {
      if (!this.known) throw thrown;
      report(thrown);
    }
  }

  private matches(token: string): boolean {
    const { known } = this;
    const nowMs = this.ports.clock.now();
    if (!known || nowMs - known.readAtMs > TOKEN_TIMES_MS.keep) return false;
    const given = digest(token);
    const isCurrent = crypto().timingSafeEqual(given, known.current);
    const isPrevious = crypto().timingSafeEqual(given, known.previous ?? known.current);
    return isCurrent || (isPrevious && nowMs < known.previousUntilMs);
  }
}

const BEARER = new RegExp(BEARER_PATTERN);
const LENGTH = { min: 16, max: 1_024 };

function knownFrom({ current, createdAtMs, previous }: SecretVersions): Omit<Known, 'readAtMs'> {
  if (!isToken(current.trim())) {
    throw new IsrError(
      'config-invalid',
      `the secret is no token: it takes ${LENGTH.min} to ${LENGTH.max} visible ASCII characters, and no JSON around them`,
    );
  }
  return {
    current: digest(current.trim()),
    previous: previous === undefined ? undefined : digest(previous.trim()),
    previousUntilMs: createdAtMs + TOKEN_TIMES_MS.previous,
  };
}

function isToken(text: string): boolean {
  if (text.length < LENGTH.min || text.length > LENGTH.max || !/^[!-~]+$/.test(text)) return false;
  try {
    return typeof JSON.parse(text) !== 'object';
  } catch {
    return true;
  }
}

const digest = (text: string): Buffer => crypto().createHash('sha256').update(text).digest();
