/**
 * When a message that failed is handed out again: soon at first, since most trouble is short, then less and less often.
 *
 *     receive   1      2      3       4        5        6        7        8
 *     again in   10 s   30 s   2 min   10 min   30 min   40 min   40 min   at once: to the dead-letter queue
 *
 * Together 123 minutes at least: as long as five receives half an hour apart, which is what the queue's own visibility timeout
 * would make of them. A worker that dies tells nobody, and that timeout stands.
 * @module
 */
import { RETRY_SECONDS } from './config';

/** What failed together does not come back together: up to so much later. */
const JITTER = 0.25;

/**
 * @param receives how often it was handed out so far, this time included
 * @param random   0 ≤ it < 1
 * @returns whole seconds
 */
export function retrySeconds(receives: number, random: number): number {
  const seconds = RETRY_SECONDS[Math.max(1, receives) - 1] ?? 0;
  return Math.floor(seconds * (1 + JITTER * random));
}
