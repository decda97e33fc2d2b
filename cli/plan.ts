/** `isr plan`: what a revalidation would purge and cost, before anybody presses the button. */
import { Command } from 'commander';
import { clientFor, TOKEN } from './client';
import { collect, ENDPOINT_HELP, EXIT, type Io, parseSeconds, type Run } from './io';
import { printPlan } from './print-plan';
import { ALLOW_COLLATERAL, parseWork, type WorkOptions } from './work';

const EXAMPLES = `
Examples:
  $ isr plan post:42
  $ isr plan category:7 --url /posts/42
  $ isr plan post:42 --json

Nothing is purged, and no page counts as old.`;

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
