/** `isr cost`: what a site would cost in a month, from how it is used. Asks nobody: the prices are in core/price-list.ts. */
import { Command, InvalidArgumentError } from 'commander';
import {
  type CostLine,
  type CostSite,
  type Costs,
  costsOf,
  dominantIn,
  plain,
} from '../core/costs';
import { IsrError } from '../core/errors';
import { SITE_DEFAULTS } from '../core/load';
import { AREA_NAMES, AREAS, type AreaName, PRICES_READ } from '../core/price-list';
import { EXIT, type Io, type Run } from './io';

const EXAMPLES = `
Examples:
  $ isr cost --pageviews 100k --edits 60
  $ isr cost --pageviews 10M --edits 5000 --pages 20k --pages-per-edit 40 --explain
  $ isr cost --pageviews 10M --edits 5000 --items-per-edit 40 --no-free-tier   by paths, in a busy account
  $ isr cost --pageviews 10M --edits 5000 --hit-ratio 0.97 --json

Everything is of one month. Areas of viewers: ${AREA_NAMES.join(', ')}.
docs/costs.md has three sites and what each line means. A bill is right; this is a model.`;

interface CostOptions extends Omit<CostSite, 'lifetimeSeconds'> {
  readonly lifetime: number;
  readonly explain?: boolean;
  readonly json?: boolean;
}

export function costCommand(io: Io, run: Run): Command {
  const d = SITE_DEFAULTS;
  const none = parseNumber({ min: 0 });
  const one = parseNumber({ min: 1 });
  return new Command('cost')
    .description('work out what a site costs in a month, and what dominates')
    .requiredOption('--pageviews <count>', 'pages that viewers ask for, as 250k or 10M', none)
    .requiredOption('--edits <count>', 'revalidations', none)
    .option('--pages <count>', 'urls that are asked for at all', one, d.pages)
    .option('--pages-per-edit <count>', 'cached urls that an edit purges', none, d.pagesPerEdit)
    .option(
      '--items-per-edit <count>',
      'purge items of an edit: 1 for a tag, whatever it covers; by paths 1 a url',
      none,
      d.itemsPerEdit,
    )
    .option(
      '--edits-at-once <count>',
      'edits of the same tags within the batch window: one purge',
      one,
      d.editsAtOnce,
    )
    .option('--variants <count>', 'cached copies of a url (encodings, …)', one, d.variants)
    .option('--tags <count>', 'tags of a page', none, d.tags)
    .option('--lifetime <time>', 's-maxage, as 300, 5m, 12h or 30d', parseTime, d.lifetimeSeconds)
    .option('--places <count>', 'regional caches with viewers', one, d.places)
    .option('--hit-ratio <share>', 'measured, 0 to 1 (default: misses are derived)', parseShare)
    .option('--page-kb <size>', 'KB that CloudFront sends for a view, compressed', none, d.pageKb)
    .option('--functions <count>', 'CloudFront Functions that run for a request', none, d.functions)
    .option('--render-ms <time>', 'how long the origin renders', none, d.renderMs)
    .option(
      '--warm-max-urls <count>',
      'of a purge so many are warmed; 0: none',
      none,
      d.warmMaxUrls,
    )
    .option('--no-shield', 'without Origin Shield')
    .option('--alarms', "with the construct's alarms", false)
    .option('--area <name>', 'where the viewers are', parseArea, 'us')
    .option('--no-free-tier', "as if the account's free amounts were used up elsewhere")
    .option('--explain', 'print how each line was worked out')
    .option('--json', 'print it as JSON')
    .addHelpText('after', EXAMPLES)
    .action((options: CostOptions, command: Command) =>
      run(options.json, async () => {
        const { explain = false, json = false, lifetime, ...rest } = options;
        if (command.getOptionValueSource('pagesPerEdit') === 'cli') checkPages(rest);
        const site: CostSite = { ...rest, lifetimeSeconds: lifetime };
        const costs = costsOf(site);
        if (json) io.out(JSON.stringify({ pricesRead: PRICES_READ, site, ...costs }));
        else printCosts(costs, { site, explain }, io);
        return EXIT.done;
      }),
    );
}

const SCALE: Readonly<Record<string, number>> = { '': 1, k: 1e3, m: 1e6, b: 1e9 };
const NUMBER_MAX = 1e12;

/** `5000`, `10k`, `2.5M` for commander. */
function parseNumber({ min }: { min: number }) {
  return (value: string): number => {
    const [, digits, scale = ''] = /^(\d+(?:\.\d+)?)([kmb]?)$/i.exec(value) ?? [];
    const number = Number(digits) * (SCALE[scale.toLowerCase()] ?? 1);
    if (number >= min && number <= NUMBER_MAX) return number;
    throw new InvalidArgumentError(
      `It takes a number from ${min} to 1000B, as in 5000, 10k, 2.5M or 1B.`,
    );
  };
}

const SECONDS: Readonly<Record<string, number>> = { '': 1, s: 1, m: 60, h: 3_600, d: 86_400 };

function parseTime(value: string): number {
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?)([smhd]?)$/.exec(value) ?? [];
  const seconds = Number(digits) * (SECONDS[unit] ?? 1);
  if (seconds >= 1 && seconds <= NUMBER_MAX) return seconds;
  throw new InvalidArgumentError('It takes a second or more, as in 300, 90s, 5m, 12h or 30d.');
}

function parseShare(value: string): number {
  const share = Number(value);
  if (/^\d*\.?\d+$/.test(value) && share <= 1) return share;
  throw new InvalidArgumentError('It takes a share from 0 to 1, as in 0.97.');
}

function parseArea(value: string): AreaName {
  const area = AREA_NAMES.find((it) => it === value);
  if (area) return area;
  throw new InvalidArgumentError(`It takes one of ${AREA_NAMES.join(', ')}.`);
}

function checkPages({ pagesPerEdit, pages }: Pick<CostSite, 'pagesPerEdit' | 'pages'>): void {
  if (pagesPerEdit <= pages) return;
  throw new IsrError(
    'option-invalid',
    `--pages-per-edit is ${pagesPerEdit}, --pages is ${pages}: an edit purges no more pages than there are`,
  );
}

interface Shown {
  readonly site: CostSite;
  readonly explain: boolean;
}

function printCosts(costs: Costs, { site, explain }: Shown, { out }: Pick<Io, 'out'>): void {
  const { lines, total, own, load } = costs;
  out(
    `$${total.toFixed(2)} a month, $${own.toFixed(2)} of it for edge-isr (us-east-1, prices read ${PRICES_READ}; viewers in ${AREAS[site.area].where})`,
  );
  out(
    `pages rendered: ${plain(load.renders)}, ${plain(load.warms)} of them by warms; recorded: ${plain(load.recordings)}`,
  );
  const dominant = new Set(dominantIn(costs));
  const sorted = [...lines].sort((a, b) => b.usd - a.usd);
  const rows = sorted.map((line) => rowOf(line, { total, isDominant: dominant.has(line) }));
  const [head = '', ...body] = table([HEAD, ...rows]);
  out('');
  out(head);
  for (const [i, row] of body.entries()) {
    out(row);
    if (explain) out(`  ${' '.repeat(INDENT)}${sorted[i]?.how}`);
  }
  out('');
  out('* dominates: with the other starred lines at least 80 % of the total; + any site pays it');
}

const HEAD = ['', 'USD', '%', 'SERVICE', 'WHAT', 'QUANTITY', 'FREE', 'PRICE'];
const TO_THE_RIGHT = new Set(['USD', '%', 'QUANTITY', 'FREE']);
const INDENT = 4;

function rowOf(line: CostLine, of: { total: number; isDominant: boolean }): string[] {
  const { usd, service, what, quantity, free, price, isOwn } = line;
  const per = price.per === 1 ? '' : ` for ${plain(price.per)}`;
  return [
    `${of.isDominant ? '*' : ' '}${isOwn ? ' ' : '+'}`,
    usd.toFixed(2),
    of.total > 0 ? ((100 * usd) / of.total).toFixed(0) : '',
    service,
    what,
    plain(quantity),
    free > 0 ? plain(free) : '',
    `$${price.usd}${per}`,
  ];
}

/** Columns as wide as what is in them, numbers to the right. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = HEAD.map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, at) => {
        const width = widths[at] ?? 0;
        return TO_THE_RIGHT.has(HEAD[at] ?? '') ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd(),
  );
}
