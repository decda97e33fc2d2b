/**
 * The budget: purge items of a month (UTC), and what happens to a purge that would go past them.
 *
 *     alarm    it is purged all the same; the metric BudgetExceeded says so
 *     ttl      nothing is purged: copies expire within their own lifetime, new renders are not held back
 *     refuse   nothing is purged, and whoever asked has to ask again
 *
 * It is soft by what is decided in the same moment: two purges may both find the last items free.
 * @module
 */
export const WHEN_EXCEEDED = ['alarm', 'ttl', 'refuse'] as const;
export type WhenExceeded = (typeof WHEN_EXCEEDED)[number];

export interface Budget {
  readonly items: number;
  readonly whenExceeded: WhenExceeded;
}

export interface Verdict {
  readonly isExceeded: boolean;
  readonly isPurged: boolean;
  /** One sentence for whoever asked. */
  readonly words: string;
}

/**
 * @param used items of the month so far
 * @param items what the purge would add
 */
export function verdictOf(budget: Budget | undefined, used: number, items: number): Verdict {
  if (!budget) return { isExceeded: false, isPurged: true, words: 'no budget is set' };
  const state = `${used} of ${budget.items} items of this month are used, this needs ${items}`;
  if (items === 0 || used + items <= budget.items) {
    return { isExceeded: false, isPurged: true, words: state };
  }
  return {
    isExceeded: true,
    isPurged: budget.whenExceeded === 'alarm',
    words: `${state}: ${CONSEQUENCES[budget.whenExceeded]}`,
  };
}

const CONSEQUENCES: Readonly<Record<WhenExceeded, string>> = {
  alarm: 'it is purged all the same, and the metric BudgetExceeded says so',
  ttl: 'nothing is purged, copies expire within their own lifetime',
  refuse: 'nothing is purged; raise the budget, or ask again next month',
};
