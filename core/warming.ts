/**
 * Warming: fetching some variants of some urls through the edge until each was rendered after the epoch.
 *
 *     fresh     done
 *     stale     an old copy: again after 250 ms, 500 ms, … 5 s, until the deadline; the purge may be on its way
 *     refused   5xx, 429, no answer: again after 1 s, 2 s, 4 s, …; the common pace is halved, Retry-After kept;
 *               after five in a row the breaker lets one look at a time (breaker.ts)
 *     failed    an answer that proves nothing: again as after a refusal, but it is not the origin's load
 *     hopeless  it would be the same again
 *
 * Pauses are jittered, so that what failed together does not come back together. Who waits holds no place among those
 * that fetch.
 * @module
 */
import { type Breaker, breakerUntil, type Passed } from './breaker';
import { reasonOf } from './errors';
import { isRenderedBefore } from './fence';
import type { Pace } from './pace';
import { inParallel } from './parallel';
import type { Clock, Site, SiteAnswer } from './ports';
import type { Url } from './urls';
import type { Variant } from './variants';

const STALE_PAUSE_MS = { first: 250, max: 5_000 };
const FAILED_PAUSE_MS = { first: 1_000, max: 16_000 };
/** An origin may ask for an hour; a warm has minutes. */
const RETRY_AFTER_MS_MAX = 30_000;

export interface WarmingPorts {
  readonly site: Site;
  /** Of all warmers of the site together. */
  readonly pace: Pace;
  readonly clock: Clock;
  /** 0 ≤ it < 1 */
  readonly random: () => number;
}

export interface Target {
  readonly url: Url;
  readonly variant: Variant;
}

export interface Warming {
  readonly epochMs: number;
  /** Sent along, for the logs. */
  readonly job: string;
  readonly deadlineAtMs: number;
  /** Fetches at once. */
  readonly concurrency: number;
}

export type Warmed =
  | { readonly kind: 'fresh' }
  | { readonly kind: 'stale' }
  | { readonly kind: 'failed'; readonly why: string };

type Tried =
  | { readonly kind: 'fresh' | 'stale' }
  | { readonly kind: 'refused'; readonly why: string; readonly retryAfterMs: number }
  | { readonly kind: 'failed' | 'hopeless'; readonly why: string };

/** A target that is to be fetched, again or for the first time. */
interface Waiting {
  readonly at: number;
  readonly dueAtMs: number;
  /** Before the next try; each one doubles it. */
  readonly pauseMs: { readonly stale: number; readonly failed: number };
  readonly last: Warmed;
}

const UNTRIED: Warmed = { kind: 'failed', why: 'no time was left for it' };

/**
 * @returns what became of each target, in their order
 * @throws what `pace` throws
 */
export async function warmAll(
  targets: readonly Target[],
  warming: Warming,
  ports: WarmingPorts,
): Promise<Warmed[]> {
  const { deadlineAtMs, concurrency } = warming;
  const { clock } = ports;
  const breaker = breakerUntil(deadlineAtMs, clock);
  const outcomes: Warmed[] = targets.map(() => UNTRIED);
  const pauseMs = { stale: STALE_PAUSE_MS.first, failed: FAILED_PAUSE_MS.first };
  const waiting = targets.map((_, at): Waiting => {
    return { at, dueAtMs: clock.now(), pauseMs, last: UNTRIED };
  });

  async function lane(): Promise<void> {
    for (let next = takeEarliest(waiting); next; next = takeEarliest(waiting)) {
      const { at, dueAtMs, last } = next;
      const isEarly = dueAtMs > clock.now() && !breaker.isOver();
      if (isEarly) await clock.sleep(dueAtMs - clock.now());
      const tried = await tryOnce(targets[at] as Target, { warming, breaker }, ports);
      outcomes[at] = tried === undefined ? stopped(last, breaker) : warmedOf(tried);
      const again = tried && nextTry(next, tried, ports);
      if (again && again.dueAtMs < deadlineAtMs) waiting.push(again);
    }
  }
  await inParallel(Array.from({ length: concurrency }), concurrency, lane);
  return outcomes;
}

function takeEarliest(waiting: Waiting[]): Waiting | undefined {
  let first = 0;
  for (let i = 1; i < waiting.length; i += 1) {
    if ((waiting[i] as Waiting).dueAtMs < (waiting[first] as Waiting).dueAtMs) first = i;
  }
  return waiting.splice(first, 1)[0];
}

/** @returns undefined when its turn would not come before the deadline */
async function tryOnce(
  target: Target,
  { warming, breaker }: { readonly warming: Warming; readonly breaker: Breaker },
  { site, pace, clock }: WarmingPorts,
): Promise<Tried | undefined> {
  const pass = await breaker.enter();
  if (!pass) return undefined;
  let passed: Passed = 'neither';
  try {
    const leftMs = warming.deadlineAtMs - clock.now();
    if (leftMs <= 0 || !(await pace.take(1, leftMs))) return undefined;
    const sentAtMs = clock.now();
    const tried = await fetchOnce(target, warming, site);
    passed = tried.kind === 'refused' ? 'refused' : 'answered';
    if (tried.kind === 'refused') await pace.slow({ sentAtMs, pauseMs: tried.retryAfterMs });
    else await pace.recover();
    return tried;
  } finally {
    pass.leave(passed);
  }
}

async function fetchOnce(
  { url, variant }: Target,
  { job, epochMs }: Warming,
  site: Site,
): Promise<Tried> {
  let answer: SiteAnswer;
  try {
    answer = await site.fetch(url, variant, job);
  } catch (thrown) {
    return { kind: 'refused', why: reasonOf(thrown), retryAfterMs: 0 };
  }
  const { status, renderedAtMs, retryAfterMs = 0, isCut = false } = answer;
  if (status >= 500 || status === 429) {
    const pauseMs = Math.min(retryAfterMs, RETRY_AFTER_MS_MAX);
    return { kind: 'refused', why: `the edge answered ${status}`, retryAfterMs: pauseMs };
  }
  if (isCut) return { kind: 'hopeless', why: TOO_LARGE };
  if (renderedAtMs === undefined) {
    return { kind: 'failed', why: `the edge answered ${status}, and not when it was rendered` };
  }
  return { kind: isRenderedBefore(epochMs, renderedAtMs) ? 'stale' : 'fresh' };
}

const TOO_LARGE =
  'body-too-large: it was not read to the end, and CloudFront caches only what is (a viewer who reads it will fill the cache)';

function warmedOf(tried: Tried): Warmed {
  return 'why' in tried ? { kind: 'failed', why: tried.why } : { kind: tried.kind };
}

/** Its turn did not come: what it was last is what it is, and if the origin is down, that is why. */
function stopped(last: Warmed, breaker: Breaker): Warmed {
  if (last.kind !== 'failed' || breaker.refusals() === 0) return last;
  return { ...last, why: `${last.why}; the origin failed ${breaker.refusals()} times in a row` };
}

/** When it is tried again, if it is. */
function nextTry(
  { at, pauseMs }: Waiting,
  tried: Tried,
  { clock, random }: WarmingPorts,
): Waiting | undefined {
  if (tried.kind === 'fresh' || tried.kind === 'hopeless') return undefined;
  const kind = tried.kind === 'stale' ? 'stale' : 'failed';
  const { max } = kind === 'stale' ? STALE_PAUSE_MS : FAILED_PAUSE_MS;
  const askedMs = tried.kind === 'refused' ? tried.retryAfterMs : 0;
  const jitteredMs = pauseMs[kind] * (0.5 + random() / 2);
  return {
    at,
    dueAtMs: clock.now() + Math.max(jitteredMs, askedMs),
    pauseMs: { ...pauseMs, [kind]: Math.min(pauseMs[kind] * 2, max) },
    last: warmedOf(tried),
  };
}
