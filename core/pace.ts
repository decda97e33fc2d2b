/**
 * A pace: how fast many workers together may do something, when nobody is in charge of them.
 *
 *     { freeAtMs: 1767222000123, perSecond: 12.5, slowedAtMs: 1767221990000, raisedAtMs: 1767221999000 }
 *
 * A token bucket as GCRA (ITU-T I.371, the virtual scheduling algorithm): each token occupies 1/rate of one timeline
 * that all workers share; `freeAtMs` is where it is free again. A worker may run ahead of the timeline by `burst` tokens
 * at the full rate. So in any window of t seconds there are at most max(burst, largest take) + perSecond × t tokens: the
 * places on the timeline do not overlap, begin in the window, and end at most a burst after it. (By the workers' clocks;
 * the differences of these, and a slow answer of the store, are added to t.)
 *
 * The rate is AIMD (Chiu and Jain 1989; as in TCP): halved when the other side has too much, raised by a twentieth of
 * the limit a second while it has not. What was sent before a slowing had a second to work tells nothing new: twenty
 * failures at once halve the rate once. Who has its turn already keeps it: after a slowing as many may still come as
 * were waiting.
 *
 * The state is one small item, changed by compare-and-set (`Paces`): of two workers one is told to look again.
 * @module
 */
import type { Clock, Paces } from './ports';

export interface PaceLimits {
  /** Tokens a second; the rate never exceeds it. Above 0. */
  readonly perSecond: number;
  /** Tokens at once after a pause, at the full rate; at a lower rate as many fewer, but never less than one take. */
  readonly burst: number;
  /** However often it is slowed, so many a second remain. Above 0, so that every wait ends. */
  readonly perSecondMin: number;
}

export interface PaceState {
  /** Up to then the timeline is taken. Ms since 1970, with fractions. */
  readonly freeAtMs: number;
  /** The rate as it is now. */
  readonly perSecond: number;
  /** When it was last halved; 0 when never. */
  readonly slowedAtMs: number;
  /** When it was last raised; 0 when never. */
  readonly raisedAtMs: number;
}

/** Between two changes of the rate in the same direction: the other side needs time to show what came of it. */
const CHANGE_MS_MIN = 1_000;
const RAISES_TO_FULL = 20;
/** Nobody waits so long (a Lambda function lives 15 minutes): a timeline further ahead was made by a wrong clock. */
const AHEAD_MS_MAX = 900_000;

/** Takes `count` tokens, and says after how many ms they may be used. Pure: who waits is the caller. */
export function take(
  state: PaceState | undefined,
  count: number,
  nowMs: number,
  limits: PaceLimits,
): { readonly state: PaceState; readonly waitMs: number } {
  const before = within(state, nowMs, limits);
  const costMs = (count * 1_000) / before.perSecond;
  const freeAtMs = Math.max(before.freeAtMs, nowMs) + costMs;
  const aheadMs = Math.max(burstMs(limits), costMs); // an idle pace keeps nobody waiting
  return { state: { ...before, freeAtMs }, waitMs: Math.max(0, freeAtMs - aheadMs - nowMs) };
}

/** Of something that was refused, failed or timed out. */
export interface Refusal {
  /** When it was sent: only what was sent at the present rate speaks against it. */
  readonly sentAtMs: number;
  /** Nobody shall come before so long is over (Retry-After). @default 0 */
  readonly pauseMs?: number;
}

/** Half the rate, down to the floor, and no burst left. */
export function slowed(
  state: PaceState | undefined,
  { sentAtMs, pauseMs = 0 }: Refusal,
  nowMs: number,
  limits: PaceLimits,
): PaceState {
  const before = within(state, nowMs, limits);
  const isNews = sentAtMs >= before.slowedAtMs + CHANGE_MS_MIN;
  if (!isNews && pauseMs === 0) return before;
  const freeAtMs = Math.max(before.freeAtMs, nowMs + burstMs(limits) + pauseMs);
  if (!isNews) return { ...before, freeAtMs };
  const perSecond = Math.max(before.perSecond / 2, limits.perSecondMin);
  return { ...before, freeAtMs, perSecond, slowedAtMs: nowMs };
}

/** A twentieth of the limit more, up to the limit, once a second. */
export function recovered(
  state: PaceState | undefined,
  nowMs: number,
  limits: PaceLimits,
): PaceState {
  const before = within(state, nowMs, limits);
  const changedAtMs = Math.max(before.slowedAtMs, before.raisedAtMs);
  if (before.perSecond >= limits.perSecond || nowMs < changedAtMs + CHANGE_MS_MIN) return before;
  const raised = before.perSecond + limits.perSecond / RAISES_TO_FULL;
  return { ...before, perSecond: Math.min(raised, limits.perSecond), raisedAtMs: nowMs };
}

function burstMs({ burst, perSecond }: PaceLimits): number {
  return (burst * 1_000) / perSecond;
}

/** The state under these limits: they may have been others when it was written, and so may the clock. */
function within(state: PaceState | undefined, nowMs: number, limits: PaceLimits): PaceState {
  const { perSecond, perSecondMin } = limits;
  if (!state) return { freeAtMs: nowMs, perSecond, slowedAtMs: 0, raisedAtMs: 0 };
  const rate = Math.min(Math.max(state.perSecond, perSecondMin), perSecond);
  const isSane = (atMs: number) => atMs <= nowMs + AHEAD_MS_MAX;
  return {
    freeAtMs: isSane(state.freeAtMs) ? state.freeAtMs : nowMs,
    perSecond: rate,
    slowedAtMs: isSane(state.slowedAtMs) ? state.slowedAtMs : 0,
    raisedAtMs: isSane(state.raisedAtMs) ? state.raisedAtMs : 0,
  };
}

/** One worker's hold on a pace. Every method throws what `paces` throws. */
export interface Pace {
  /**
   * Waits for its turn.
   * @param waitMsMax it does not wait longer; nothing is taken then. @default - as long as it takes
   * @returns false when it did not wait
   */
  take(count: number, waitMsMax?: number): Promise<boolean>;
  /** It was too much for the other side. */
  slow(refusal: Refusal): Promise<void>;
  /** It was not. Costs nothing at the full rate. */
  recover(): Promise<void>;
}

/** Somebody always wins a compare-and-set; who has lost so often in a row sees a store that does not keep its word. */
const LOST_MAX = 1_000;

/**
 * @param name of the item: workers that share a name share the pace, and should share the limits
 * @example await pace(paces, clock, 'warm', { perSecond: 20, burst: 5, perSecondMin: 1 }).take(1);
 */
export function pace(paces: Paces, clock: Clock, name: string, limits: PaceLimits): Pace {
  /** As it was last read or written: mostly still true when one worker is alone. */
  let known: PaceState | undefined;
  /** Others change it too, as was just seen: it is read before each change, which costs less than to lose. */
  let isShared = false;
  /** One change at a time, or a worker's own lanes would race each other. */
  let turn: Promise<unknown> = Promise.resolve();
  /** Those who wait for the turn are served together, in one write. */
  let waiting: Want[] = [];

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = turn.then(work);
    turn = mine.catch(() => {}); // its caller is told
    return mine;
  }

  async function look(): Promise<void> {
    const before = known;
    known = await paces.get(name);
    isShared = known !== undefined && before !== undefined && !isSame(before, known);
  }

  /** Applies a pure change until nobody else was faster. */
  async function change<T>(next: (state: PaceState | undefined) => Changed<T>): Promise<T> {
    if (known === undefined || isShared) await look();
    for (let lost = 0; lost < LOST_MAX; lost += 1) {
      const { state, result } = next(known);
      if (state === undefined || state === known) return result;
      if (await paces.set(name, known, state)) {
        known = state;
        return result;
      }
      await look();
    }
    throw new Error(`the pace ${name} was changed by others ${LOST_MAX} times in a row`);
  }

  /** @returns when the turn of each is */
  function serve(wants: readonly Want[]): Promise<readonly (number | undefined)[]> {
    return change((before) => {
      const nowMs = clock.now();
      let state = before;
      const turns = wants.map(({ count, waitMsMax }) => {
        const taken = take(state, count, nowMs, limits);
        if (taken.waitMs > waitMsMax) return undefined;
        state = taken.state;
        return nowMs + taken.waitMs;
      });
      return { state, result: turns };
    });
  }

  async function serveWaiting(): Promise<void> {
    const wants = waiting;
    waiting = [];
    if (wants.length === 0) return; // served together with another
    try {
      const turns = await serve(wants);
      wants.forEach(({ resolve }, at) => {
        resolve(turns[at]);
      });
    } catch (thrown) {
      for (const { reject } of wants) reject(thrown);
    }
  }

  return {
    async take(count, waitMsMax = Number.POSITIVE_INFINITY) {
      const atMs = await new Promise<number | undefined>((resolve, reject) => {
        waiting.push({ count, waitMsMax, resolve, reject });
        void inTurn(serveWaiting);
      });
      if (atMs === undefined) return false;
      const waitMs = Math.ceil(atMs - clock.now()); // the store has taken some of it
      if (waitMs > 0) await clock.sleep(waitMs);
      return true;
    },
    slow: (refusal) =>
      inTurn(() => change((before) => same(before, slowed(before, refusal, clock.now(), limits)))),
    async recover() {
      if (!known || known.perSecond >= limits.perSecond) return;
      await inTurn(() => change((before) => same(before, recovered(before, clock.now(), limits))));
    },
  };
}

interface Want {
  readonly count: number;
  readonly waitMsMax: number;
  /** With the moment of its turn. */
  resolve(atMs: number | undefined): void;
  reject(thrown: unknown): void;
}

interface Changed<T> {
  /** The very state it was given, when nothing is to be written. */
  readonly state: PaceState | undefined;
  readonly result: T;
}

/** A change that changes nothing writes nothing. */
function same(before: PaceState | undefined, after: PaceState): Changed<void> {
  const state = before !== undefined && isSame(before, after) ? before : after;
  return { state, result: undefined };
}

function isSame(one: PaceState, other: PaceState): boolean {
  return (
    one.freeAtMs === other.freeAtMs &&
    one.perSecond === other.perSecond &&
    one.slowedAtMs === other.slowedAtMs &&
    one.raisedAtMs === other.raisedAtMs
  );
}
