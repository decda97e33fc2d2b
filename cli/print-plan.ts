/** A plan, as `isr plan` and the job of a dry run show it. */
import type { JobPlan } from '../client';
import { FREE_ITEMS_A_MONTH, priceUsd } from '../core/price';
import type { Io } from './io';

const URLS_SHOWN = 5;

export function printPlan(plan: JobPlan, { out }: Pick<Io, 'out'>): void {
  const { items, itemsCount, skipped, skippedCount, covered, sample } = plan;
  const { collateral, unpurgeable, budget } = plan;
  out(`purge items: ${itemsCount}, ${priceOf(plan)}; urls covered: ${covered}`);
  for (const { item, why, covers, sample: urls } of items) {
    out(`  ${item}  ${why}`);
    if (covers > 0) out(`    covers ${someOf(urls, covers)}`);
  }
  if (itemsCount > items.length) out(`  and ${itemsCount - items.length} more`);
  for (const { asked, why } of skipped) out(`  ${asked}  needs no item: ${why}`);
  if (skippedCount > skipped.length) out(`  and ${skippedCount - skipped.length} more need none`);
  if (covered === 0) out('  nothing that is cached depends on it');
  else out(`  covers in all ${someOf(sample, covered)}`);
  if (collateral.count > 0) out(`  would also hit ${someOf(collateral.sample, collateral.count)}`);
  if (unpurgeable.count > 0) {
    out(`  ! reaches ${unpurgeable.count} urls by no item, they end with their own lifetime:`);
    for (const url of unpurgeable.sample) out(`    ${url}`);
  }
  out(`  budget: ${budget}`);
}

/** The free items are the account's: other distributions may have used them. */
function priceOf({ itemsCount, priceUsd: price }: JobPlan): string {
  const full = priceUsd(itemsCount, FREE_ITEMS_A_MONTH);
  const rest = price < full ? ` ($${full.toFixed(3)} once the month's free ones are used)` : '';
  return `$${price.toFixed(3)}${rest}`;
}

function someOf(urls: readonly string[], count: number): string {
  const shown = urls.slice(0, URLS_SHOWN);
  const more = count - shown.length;
  return [...shown, ...(more > 0 ? [`and ${more} more`] : [])].join(', ');
}
