/**
 * What every command shares: where it writes, and how it fails.
 *
 * Exit codes: 0 done, 1 failed (one sentence on stderr), 2 no such command or option (commander's sentence).
 * @module
 */
import { InvalidArgumentError } from 'commander';
import { IsrError, reasonOf } from '../core/errors';

export const EXIT = { done: 0, failed: 1, usage: 2 } as const;

export interface Io {
  readonly out: (line: string) => void;
  readonly err: (line: string) => void;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether somebody looks at what is written. @default false */
  readonly isTerminal?: boolean;
  /** Asks whoever sits there. @default - nobody does */
  readonly ask?: (question: string) => Promise<string>;
  /** Aborted by Ctrl-C and SIGTERM. */
  readonly signal: AbortSignal;
}

/** Where `isr dev` serves the API when nothing else is said. */
export const ENDPOINT_DEFAULT = 'http://127.0.0.1:4001';

export const ENDPOINT_HELP =
  'the revalidate API: what isr dev prints, or the stack output ApiUrl (default: ISR_ENDPOINT, else ' +
  `${ENDPOINT_DEFAULT})`;

export function endpointOf(option: string | undefined, env: Io['env']): string {
  return option ?? (env.ISR_ENDPOINT || ENDPOINT_DEFAULT);
}

/** Runs a command's work and keeps its exit code. */
export type Run = (isJson: boolean | undefined, work: () => Promise<number>) => Promise<void>;

/** Runs a command; a failure becomes its sentence. */
export async function reportFailure(
  io: Io,
  isJson: boolean | undefined,
  run: () => Promise<number>,
): Promise<number> {
  try {
    return await run();
  } catch (thrown) {
    const isOurs = thrown instanceof IsrError;
    if (isJson && isOurs) io.out(JSON.stringify(thrown.toBody()));
    io.err(`isr: ${reasonOf(thrown)}`);
    return EXIT.failed;
  }
}

/** Seconds for commander: more than 0. */
export function parseSeconds(value: string): number {
  const seconds = Number(value);
  if (value !== '' && seconds > 0 && Number.isFinite(seconds)) return seconds;
  throw new InvalidArgumentError('It takes seconds, more than 0.');
}

/** A whole number for commander, from `min` to `max`. */
export function parseCount({ min, max }: { min: number; max: number }) {
  return (value: string): number => {
    const count = /^\d+$/.test(value) ? Number(value) : Number.NaN;
    if (count >= min && count <= max) return count;
    throw new InvalidArgumentError(`It takes a whole number from ${min} to ${max}.`);
  };
}

/** An option that may be given again, for commander. */
export function collect(value: string, earlier: readonly string[]): string[] {
  return [...earlier, value];
}

export const PORT_MAX = 65_535;

/** A port for commander: a whole number from 0 (any free one) to 65,535. */
export function parsePort(value: string): number {
  const port = Number(value);
  if (/^\d+$/.test(value) && port <= PORT_MAX) return port;
  throw new InvalidArgumentError('A port is a whole number from 0 (any free one) to 65535.');
}
