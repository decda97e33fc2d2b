/**
 * The fence: a response rendered before its tag's epoch is never cached for long.
 *
 *     recorder      1 write edges     2 read epochs
 *     invalidator   1 write epochs    2 read edges
 *
 * If the recorder misses the epoch, its read came before the invalidator's write; its edge, written
 * earlier still, is there when the invalidator reads. One of the two always sees the other.
 *
 * The steady state reads both at once: a mark on the url says that the edges are there. A batch read is
 * no snapshot, so a mark counts only when it is older than the read itself, by more than two of AWS's clocks
 * can differ: then the edges came before the epochs were read, as above (`isMarkedBefore`).
 * @module
 */
import type { Mark } from './ports';

/** How far two of AWS's clocks may be apart, and how long a response may travel from origin to recorder. */
export const CLOCK_SLACK_MS = 500;

export interface RenderClock {
  readonly nowMs: number;
  /** What the origin measured itself; its clock is never compared with ours. */
  readonly elapsedMs: number | undefined;
  /** Counts when the origin says nothing. */
  readonly renderBudgetMs: number;
  /** How long this container took to start: the response waited for it. 0 when it was warm. */
  readonly bootMs: number;
  /** How long a cache in front of the origin has kept the response. 0 when there is none. */
  readonly agedMs: number;
}

/** The latest moment at which the render has surely begun, by AWS's clock. */
export function renderStart(clock: RenderClock): number {
  const { nowMs, elapsedMs, renderBudgetMs, bootMs, agedMs } = clock;
  return nowMs - bootMs - agedMs - (elapsedMs ?? renderBudgetMs);
}

/** May the render have read what was there before the epoch? */
export function isRenderedBefore(epochMs: number, renderStartMs: number): boolean {
  return epochMs > renderStartMs - CLOCK_SLACK_MS;
}

/** Were the marked edges there before this read began, and do they live long enough? */
export function isMarkedBefore(
  mark: Mark | undefined,
  readStartMs: number,
  untilSeconds: number,
): boolean {
  return (
    mark !== undefined &&
    mark.atMs < readStartMs - CLOCK_SLACK_MS &&
    mark.untilSeconds >= untilSeconds
  );
}

/**
 * How old a response may be by its Age: the origin has a cache of its own, and what it measured was long ago.
 * Age counts whole seconds (RFC 9111 §5.1), so there may be almost one more; an unreadable one counts as a day.
 */
export function parseAged(age: string | undefined): number {
  if (age === undefined) return 0;
  return /^\d{1,8}$/.test(age) ? (Number(age) + 1) * 1_000 : 86_400_000;
}

/** The origin's `x-isr-elapsed`: milliseconds, at most a day; anything else counts as absent. */
export function parseElapsed(value: string | undefined): number | undefined {
  const ms = value !== undefined && /^\d+(\.\d+)?$/.test(value) ? Number(value) : Number.NaN;
  return ms <= 86_400_000 ? ms : undefined;
}
