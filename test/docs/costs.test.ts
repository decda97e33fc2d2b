/** docs/costs.md cannot go stale: what it shows is what its commands print, and its prices are those of the model. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { main } from '../../cli/main';
import { plain } from '../../core/costs';
import {
  AREA_NAMES,
  AREAS,
  type Area,
  CLOUDFRONT_SOURCES,
  PRICES,
  PRICES_READ,
  type Price,
} from '../../core/price-list';

const text = readFileSync(join(__dirname, '../../docs/costs.md'), 'utf8');

/** `$ isr cost … | head -2`, and below it what it prints. */
const examples = [
  ...text.matchAll(/^```console\n\$ isr (cost .+?)( \| head -(\d))?\n([\s\S]*?)```$/gm),
].map(([, command = '', , head, shown = '']) => ({ command, head: Number(head ?? 99), shown }));

async function printed(command: string): Promise<readonly string[]> {
  const lines: string[] = [];
  const io = {
    out: (line: string) => lines.push(...line.split('\n')),
    err: (line: string) => lines.push(line),
    env: {},
    signal: new AbortController().signal,
  };
  expect(await main(command.split(' '), io)).toBe(0);
  return lines;
}

describe('a site of docs/costs.md', () => {
  it('is one of three in full, or of the levers', () => {
    expect(examples.filter(({ head }) => head === 99)).toHaveLength(3);
    expect(examples.length).toBeGreaterThan(5);
  });

  it.each(examples)('shows what isr $command prints', async ({ command, head, shown }) => {
    const lines = (await printed(command)).slice(0, head);
    expect(`${lines.join('\n')}\n`).toBe(shown);
  });
});

/** The rows of the table that has this head. */
function rowsUnder(head: string): readonly string[] {
  const [, after = ''] = text.split(`${head}\n${head.replace(/[^|]+/g, '---')}\n`);
  const [rows = ''] = after.split('\n\n');
  return rows.trimEnd().split('\n');
}

describe('the prices of docs/costs.md', () => {
  it('are those of the model, each with its source, and when they were read', () => {
    const listed = Object.values(PRICES).map(({ usd, per, unit, free, source }: Price) => {
      const bought = per === 1 ? unit : `${plain(per)} ${unit}`;
      return `| ${bought} | $${usd} | ${free === undefined ? '' : plain(free)} | ${source} |`;
    });
    expect(rowsUnder('| unit | price | free a month | source |')).toEqual(listed);
    expect(text).toContain(`read on ${PRICES_READ}`);
  });

  it('are those of CloudFront in every area', () => {
    const listed = AREA_NAMES.map((name) => {
      const { where, transfer, requests, shield }: Area = AREAS[name];
      const tiers = transfer.map((usd) => `$${usd}`).join(' ');
      return `| \`${name}\` | ${where} | ${tiers} | $${requests} | $${shield} |`;
    });
    const head = '| `--area` | where | GB to viewers | 10,000 requests | 10,000 at a shield |';
    expect(rowsUnder(head)).toEqual(listed);
    for (const source of Object.values(CLOUDFRONT_SOURCES)) expect(text).toContain(source);
  });
});
