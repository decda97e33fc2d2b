/** `isr cost`, as a shell starts it. */
import { describe, expect, it } from 'vitest';
import { built } from '../support/bundles';
import { run } from '../support/process';

const cost = (...args: string[]) => run(built('bin/isr.js'), ['cost', ...args]);
const SITE = ['--pageviews', '10M', '--edits', '20k'];

describe('isr cost', () => {
  it('prints the total, the dearest line first, and stars what dominates', async () => {
    const { code, out, err } = await cost(...SITE);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const [total, pages, , head, first] = out.split('\n');
    expect(total).toMatch(/^\$\d+\.\d\d a month, \$\d+\.\d\d of it for edge-isr \(us-east-1, /);
    expect(pages).toMatch(/^pages rendered: [\d,]+, 120,000 of them by warms; recorded: [\d,]+$/);
    expect(head).toMatch(/^ +USD +% +SERVICE +WHAT +QUANTITY +FREE +PRICE$/);
    expect(first).toMatch(/^\* +95\.00 +\d\d +CloudFront +purge items +20,000 +1,000 +\$0\.005$/);
  });

  it('explains each line where it is asked to', async () => {
    const { out } = await cost(...SITE, '--explain', '--items-per-edit', '3');
    expect(out).toContain('\n      3 a purge, tags and paths alike\n');
  });

  it('prints for machines: its inputs, what it derived, and lines that add up', async () => {
    const { out } = await cost(...SITE, '--lifetime', '12h', '--no-shield', '--json');
    const { site, load, lines, total, own } = JSON.parse(out);
    expect(site).toMatchObject({
      pageviews: 10_000_000,
      edits: 20_000,
      lifetimeSeconds: 43_200,
      shield: false,
      area: 'us',
    });
    expect(load).toMatchObject({ purges: 20_000, warms: 120_000 });
    const sum = lines.reduce((usd: number, line: { usd: number }) => usd + line.usd, 0);
    expect(total).toBeCloseTo(sum, 9);
    expect(own).toBeLessThanOrEqual(total);
  });

  it('takes numbers as people write them', async () => {
    const short = await cost('--pageviews', '2.5M', '--edits', '10k');
    const long = await cost('--pageviews', '2500000', '--edits', '10000');
    expect(short).toEqual(long);
  });

  it.each([
    [['--edits', '1'], "required option '--pageviews <count>' not specified"],
    [
      ['--pageviews', 'many', '--edits', '1'],
      "'--pageviews <count>' argument 'many' is invalid. It takes a number from 0 to 1000B",
    ],
    [
      ['--pageviews', '1', '--edits', '-5'],
      "'--edits <count>' argument '-5' is invalid. It takes a number from 0",
    ],
    [[...SITE, '--pages', '0'], "argument '0' is invalid. It takes a number from 1"],
    [[...SITE, '--lifetime', '5 days'], 'It takes a second or more, as in 300, 90s, 5m, 12h'],
    [[...SITE, '--hit-ratio', '97'], "argument '97' is invalid. It takes a share from 0 to 1"],
    [[...SITE, '--area', 'mars'], "argument 'mars' is invalid. It takes one of us, europe"],
  ])('%j is told so, with exit code 2', async (args, sentence) => {
    const { code, err } = await cost(...args);
    expect(code).toBe(2);
    expect(err).toContain(sentence);
  });

  it('says which two options do not fit together', async () => {
    const args = [...SITE, '--pages', '2', '--pages-per-edit', '3'];
    expect(await cost(...args)).toEqual({
      code: 1,
      out: '',
      err: 'isr: --pages-per-edit is 3, --pages is 2: an edit purges no more pages than there are\n',
    });
    expect((await cost(...SITE, '--pages', '2')).code).toBe(0); // three is only the default
  });
});
