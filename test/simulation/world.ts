/**
 * A world in which time is a number and nothing happens by itself.
 *
 * Whoever waits (for an answer, a pause, a timeout) is an event at a moment; the world takes the earliest, lets every
 * continuation that it wakes run to its next wait, and takes the next. Equal moments are ordered by the seed. So one
 * seed is one history, to the last interleaving.
 * @module
 */
import { type Random, randomOf } from './random';

interface Event {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

export interface World {
  readonly random: Random;
  /** True time, which no machine knows exactly. */
  now(): number;
  at(atMs: number, run: () => void): void;
  sleep(ms: number): Promise<void>;
  /** What happened, in words; told only when somebody wants to read it. */
  say(what: () => string): void;
  /** Runs until nothing is left to happen, or until that moment. */
  run(untilMs: number): Promise<void>;
  /** Nothing is left to happen. */
  isAtRest(): boolean;
  readonly story: readonly string[];
}

export const BEGINNING_MS = 1_800_000_000_000;
/** A history that goes on beyond it has a loop: no seed comes near. */
const EVENTS_MAX = 200_000;

export function createWorld(seed: number, options: { readonly isTold?: boolean } = {}): World {
  const random = randomOf(seed);
  const heap = createHeap();
  const story: string[] = [];
  let nowMs = BEGINNING_MS;

  const world: World = {
    random,
    story,
    now: () => nowMs,
    isAtRest: () => heap.peek() === undefined,
    at: (atMs, run) => heap.push({ atMs: Math.max(atMs, nowMs), order: random.next(), run }),
    sleep: (ms) => new Promise((resolve) => world.at(nowMs + ms, resolve)),
    say(what) {
      if (options.isTold) story.push(`${String(nowMs - BEGINNING_MS).padStart(7)} ms  ${what()}`);
    },
    async run(untilMs) {
      for (let events = 0; ; events += 1) {
        if (events > EVENTS_MAX) throw new Error(`seed ${seed} does not end`);
        const event = heap.peek();
        if (!event || event.atMs > untilMs) break;
        heap.pop();
        nowMs = event.atMs;
        event.run();
        await settled(); // whoever was woken runs to its next wait
      }
      nowMs = Math.max(nowMs, untilMs);
    },
  };
  return world;
}

/**
 * Resolves when no continuation is left to run: Node looks at its tick queue again only when the queue of promises is
 * empty (Node.js, event-loop-timers-and-nexttick). No turn of the event loop is needed for it.
 */
function settled(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}

/** The earliest first; a binary heap. */
function createHeap() {
  const events: Event[] = [];
  const isBefore = (a: Event, b: Event) =>
    a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
  const swap = (i: number, j: number) => {
    const kept = events[i] as Event;
    events[i] = events[j] as Event;
    events[j] = kept;
  };
  return {
    peek: () => events[0],
    push(event: Event) {
      events.push(event);
      for (let i = events.length - 1; i > 0; ) {
        const parent = (i - 1) >> 1;
        if (!isBefore(events[i] as Event, events[parent] as Event)) break;
        swap(i, parent);
        i = parent;
      }
    },
    pop() {
      const last = events.pop();
      if (!last || events.length === 0) return;
      events[0] = last;
      for (let i = 0; ; ) {
        let first = i;
        for (const child of [2 * i + 1, 2 * i + 2]) {
          const event = events[child];
          if (event && isBefore(event, events[first] as Event)) first = child;
        }
        if (first === i) break;
        swap(i, first);
        i = first;
      }
    },
  };
}
