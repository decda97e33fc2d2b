/**
 * What purge items cost: CloudFront counts paths, wildcards and tags alike.
 * @see CFDG, PayingForInvalidation; AWS What's New 2026-04-29 (tags)
 * @module
 */

/** Of a month and an account, over all its distributions. */
export const FREE_ITEMS_A_MONTH = 1_000;
/** The price of a thousand items past them: whole dollars, so that sums stay exact. */
export const USD_PER_THOUSAND = 5;

/**
 * @param items       that are to be bought
 * @param usedBefore  items of this month that came before them
 * @returns USD
 * @example priceUsd(10, 995) // 0.025: five of them are free
 */
export function priceUsd(items: number, usedBefore: number): number {
  const paidBefore = Math.max(0, usedBefore - FREE_ITEMS_A_MONTH);
  const paid = Math.max(0, usedBefore + items - FREE_ITEMS_A_MONTH);
  return ((paid - paidBefore) * USD_PER_THOUSAND) / 1_000;
}
