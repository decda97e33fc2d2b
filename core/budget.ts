/**
 * The budget: purge items of a month (UTC), and what happens to a purge that would go past them.
 *
 *     alarm    it is purged all the same; the metric BudgetExceeded says so
 *     ttl      nothing is purged: its pages may be old until their own lifetime ends, and the job says when that is at most
 *     refuse   nothing is purged, and whoever asked has to ask again
 *
 * In each case the epochs are written: what is rendered since is new, and no old render is cached any more.
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
  if (items === 0 || used + items <= budget.items) {
    return { isExceeded: false, isPurged: true, words: stateOf(budget, used, items) };
  }
  const isPurged = budget.whenExceeded === 'alarm';
  return { isExceeded: true, isPurged, words: refusalOf(budget, used, items) };
}

/** One sentence for whoever asked for what the budget does not hold. */
export function refusalOf(budget: Budget, used: number, items: number): string {
  return `${stateOf(budget, used, items)}: ${CONSEQUENCES[budget.whenExceeded]}`;
}

function stateOf(budget: Budget, used: number, items: number): string {
  return `${used} of ${budget.items} items of this month are used, this needs ${items}`;
}

const CONSEQUENCES: Readonly<Record<WhenExceeded, string>> = {
  alarm: 'it is purged all the same, and the metric BudgetExceeded says so',
  ttl: 'nothing is purged, pages that are cached may be old until their own lifetime ends',
  refuse: 'nothing is purged; raise the budget, or ask again next month',
};
