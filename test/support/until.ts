import { setTimeout as wait } from 'node:timers/promises';

/** Waits for a condition, not for time: asks every few milliseconds until the answer is truthy, and gives that. */
export async function until<T>(
  probe: () => T | Promise<T>,
  what = 'the condition holds',
  limitMs = 20_000,
): Promise<NonNullable<Awaited<T>>> {
  const lateAtMs = Date.now() + limitMs;
  while (true) {
    const seen = await probe();
    if (seen) return seen;
    if (Date.now() > lateAtMs) throw new Error(`waited ${limitMs} ms in vain until ${what}`);
    await wait(10);
  }
}
