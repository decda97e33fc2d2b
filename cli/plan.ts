/** `isr plan`: what a revalidation would purge and cost, before anybody presses the button. */
import { Command } from 'commander';
import type { JobPlan } from '../client';
import { FREE_ITEMS_A_MONTH, priceUsd } from '../core/price';
import { clientFor, TOKEN } from './client';
import { collect, ENDPOINT_HELP, EXIT, type Io, parseSeconds, type Run } from './io';
import { ALLOW_COLLATERAL, parseWork, type WorkOptions } from './work';

const EXAMPLES = `
Examples:
  $ isr plan post:42
  $ isr plan category:7 --url /posts/42
  $ isr plan post:42 --json

Nothing is purged, and no page counts as old.`;

const ITEMS_SHOWN = 20;
const URLS_SHOWN = 5;

interface PlanOptions extends WorkOptions {
  readonly endpoint?: string;
  readonly token?: string;
  readonly timeout: number;
  readonly json?: boolean;
}

export function planCommand(io: Io, run: Run): Command {
  return new Command('plan')
    .description('show what revalidating these tags and urls would purge and cost; do nothing')
    .argument('[tags...]', 'tags, as post:42')
    .option('-u, --url <path>', 'a url, path and query; may be given again', collect, [])
    .option(ALLOW_COLLATERAL.flags, ALLOW_COLLATERAL.help)
    .option('-e, --endpoint <url>', ENDPOINT_HELP)
    .option(TOKEN.flags, TOKEN.help)
    .option('-t, --timeout <seconds>', 'how long to wait for the plan', parseSeconds, 120)
    .option('--json', 'print the plan as JSON')
    .addHelpText('after', EXAMPLES)
    .action((tags: string[], options: PlanOptions) =>
      run(options.json, async () => {
        const work = parseWork(tags, options);
        const { client } = clientFor(options, io);
        const timeoutMs = options.timeout * 1_000;
        const plan = await client.plan(work, { timeoutMs, signal: io.signal });
        if (options.json) io.out(JSON.stringify(plan));
        else printPlan(plan, io);
        return EXIT.done;
      }),
    );
}

function printPlan(plan: JobPlan, { out }: Pick<Io, 'out'>): void {
  const { items, itemsCount, covered, sample, collateral, unpurgeable, budget } = plan;
  out(`purge items: ${itemsCount}, ${priceOf(plan)}; urls covered: ${covered}`);
  for (const { item, why } of items.slice(0, ITEMS_SHOWN)) out(`  ${item}  ${why}`);
  if (itemsCount > ITEMS_SHOWN) out(`  and ${itemsCount - ITEMS_SHOWN} more`);
  if (covered === 0) out('  nothing that is cached depends on it');
  else out(`  covers ${someOf(sample, covered)}`);
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
