/**
 * Which of the revalidations that were gathered are purged, when the budget does not hold them all.
 *
 *     room for 3:   a (1 item)   b (40 items)   c (1 item)      a and c are admitted, b is not
 *
 * Each is admitted, in its order, if the plan of all that are admitted still fits with it. A plan of several is not the sum of
 * their plans, so it is made anew each time; several at once are tried first, then their halves.
 * @module
 */

/** More plans are not made for one purge: what is not admitted by then is not. A plan may take a tenth of a second. */
const PLANS_MAX = 200;

/**
 * @param room    how many items the budget has left
 * @param itemsOf how many items the plan of some has
 * @returns those admitted, in their order: together they fit
 */
export function admitted<T>(
  asked: readonly T[],
  room: number,
  itemsOf: (some: readonly T[]) => number,
): readonly T[] {
  let taken: readonly T[] = [];
  let plans = 0;

  function take(some: readonly T[]): void {
    if (some.length === 0 || plans === PLANS_MAX) return;
    plans += 1;
    const all = [...taken, ...some];
    if (itemsOf(all) <= room) {
      taken = all;
      return;
    }
    if (some.length === 1) return;
    const half = some.length >> 1;
    take(some.slice(0, half));
    take(some.slice(half));
  }
  take(asked);
  return taken;
}
