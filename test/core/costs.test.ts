import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CostSite, costsOf, dominantIn } from '../../core/costs';
import { loadOf, SITE_DEFAULTS } from '../../core/load';
import { AREA_NAMES } from '../../core/price-list';

const site = (some: Partial<CostSite> = {}): CostSite => ({
  ...SITE_DEFAULTS,
  pageviews: 1_000_000,
  edits: 1_000,
  area: 'us',
  freeTier: true,
  alarms: false,
  ...some,
});
const lineOf = (what: string, some: Partial<CostSite> = {}) =>
  costsOf(site(some)).lines.find((line) => `${line.service} ${line.what}` === what);

describe('a site that nobody visits and nobody edits', () => {
  it('pays for looking into its queues, and nothing else', () => {
    const { lines, total } = costsOf(site({ pageviews: 0, edits: 0 }));
    expect(lines.map(({ service, what }) => `${service} ${what}`)).toEqual([
      'SQS requests',
      'DynamoDB GB kept',
    ]);
    expect(total).toBeCloseTo(0.1256, 6); // 1,314,000 looks, a million of them free
  });
});

describe('what CloudFront takes', () => {
  it('begins after ten million requests and a TB', () => {
    const busy = { pageviews: 40_000_000, edits: 0, pageKb: 32 };
    expect(lineOf('CloudFront requests of viewers', busy)).toMatchObject({
      free: 10_000_000,
      usd: 30,
    });
    const gb = (40_000_000 * 32) / 1_048_576;
    const transfer = lineOf('CloudFront GB to viewers', busy);
    expect(transfer?.usd).toBeCloseTo((gb - 1_024) * 0.085, 6);
  });

  it('gets cheaper past 10 TB', () => {
    const tb = 1_024 * 1_048_576; // KB
    const of = (terabytes: number) =>
      lineOf('CloudFront GB to viewers', {
        pageviews: terabytes,
        pageKb: tb,
        edits: 0,
        freeTier: false,
      })?.usd;
    expect(of(10)).toBeCloseTo(10_240 * 0.085, 6);
    expect(of(11)).toBeCloseTo(10_240 * 0.085 + 1_024 * 0.08, 6);
  });

  it('takes the warms after the viewers, so that these have used what is free', () => {
    const edits = { edits: 10_000, pagesPerEdit: 5, variants: 2 };
    expect(lineOf('CloudFront requests of warms', edits)).toMatchObject({ free: 100_000, usd: 0 });
    const busy = lineOf('CloudFront requests of warms', { ...edits, pageviews: 9_950_000 });
    expect(busy).toMatchObject({ quantity: 100_000, free: 50_000 });
    expect(busy?.usd).toBeCloseTo(0.05, 9);
  });
});

describe('what a miss takes', () => {
  it('is what was measured: $1.73 a million unchanged, as README says', () => {
    const quiet = { edits: 0, freeTier: false, hitRatio: 0, pages: 1, lifetimeSeconds: 1e12 };
    const { lines } = costsOf(site(quiet));
    const usd = lines
      .filter(({ service, what }) => service === 'Lambda@Edge' || what === 'read units')
      .reduce((sum, line) => sum + line.usd, 0);
    expect(usd).toBeCloseTo(1.73, 2);
  });

  it('asks the origin once for all places with a shield, and once for each without', () => {
    const { misses, renders } = loadOf(site());
    expect(renders).toBeLessThan(misses);
    const open = loadOf(site({ shield: false }));
    expect(open.renders).toBe(open.misses);
    expect(lineOf('CloudFront Origin Shield requests', { shield: false })).toBeUndefined();
  });
});

describe('what counts and watches', () => {
  it('is five metrics in each hour that has a purge', () => {
    const metrics = (some: Partial<CostSite>) =>
      lineOf('CloudWatch custom metric-months', some)?.quantity;
    expect(metrics({ edits: 365 })).toBeCloseTo(2.5, 9); // half of the month's hours
    expect(metrics({ edits: 100_000 })).toBe(5);
    expect(metrics({ edits: 0 })).toBeUndefined();
  });

  it('counts capped responses once for each region that has recorders', () => {
    const open = { edits: 100_000, shield: false, places: 4 };
    expect(lineOf('CloudWatch custom metric-months', open)?.quantity).toBe(8);
  });

  it('takes alarms where there are some', () => {
    expect(lineOf('CloudWatch metric-months of alarms')).toBeUndefined();
    expect(lineOf('CloudWatch metric-months of alarms', { alarms: true })?.usd).toBeCloseTo(1.4, 9);
  });
});

describe('our function on viewer-request', () => {
  it('runs for each request of viewers and warms, two million of them free', () => {
    const line = lineOf('CloudFront Functions runs', { pageviews: 5_000_000 });
    expect(line).toMatchObject({ isOwn: true, quantity: 5_000_000 + 1_000 * 3 * 2 });
    expect(line?.usd).toBeCloseTo(0.3006, 9);
  });
});

describe('misses', () => {
  it('are half of the views when a copy ends as often as it is asked for', () => {
    const month = 730 * 3_600;
    const one = { pages: 1, variants: 1, places: 1, edits: 0, lifetimeSeconds: month / 100 };
    expect(loadOf(site({ ...one, pageviews: 100 })).renders).toBeCloseTo(50, 6);
  });

  it('are at least those of any popularity of the same pages', () => {
    const views = fc.array(fc.double({ min: 1, max: 1e6, noNaN: true }), { minLength: 1 });
    fc.assert(
      fc.property(views, fc.integer({ min: 60, max: 1e7 }), (popularity, lifetimeSeconds) => {
        const of = (pageviews: number, pages: number) =>
          loadOf(site({ pageviews, pages, edits: 0, lifetimeSeconds })).renders;
        const each = popularity.reduce((sum, it) => sum + of(it, 1), 0);
        const together = of(
          popularity.reduce((sum, it) => sum + it, 0),
          popularity.length,
        );
        expect(each).toBeLessThanOrEqual(together * (1 + 1e-9));
      }),
    );
  });

  it('are the measured ones where a hit ratio is given', () => {
    expect(loadOf(site({ edits: 0, hitRatio: 0.98 })).renders).toBeCloseTo(20_000, 6);
  });
});

describe('a revalidation', () => {
  it('costs an item past the first thousand, whatever a tag covers', () => {
    expect(lineOf('CloudFront purge items', { edits: 1_000 })?.usd).toBe(0);
    expect(lineOf('CloudFront purge items', { edits: 1_200 })?.usd).toBe(1);
    expect(lineOf('CloudFront purge items', { edits: 200, freeTier: false })?.usd).toBe(1);
    expect(lineOf('CloudFront purge items', { edits: 1_200, pagesPerEdit: 900 })?.usd).toBe(1);
  });

  it('of one tag is 18 writes, and warms of three pages in two variants are 3.5 more', () => {
    const quiet = { pageviews: 0, edits: 100, warmMaxUrls: 0 };
    expect(lineOf('DynamoDB write units', quiet)?.quantity).toBe(1_800); // nobody renders: nothing is recorded
    const { renders, recordings, warmParts } = loadOf(site({ ...quiet, warmMaxUrls: 10 }));
    expect({ renders, recordings, warmParts }).toEqual({
      renders: 600,
      recordings: 100,
      warmParts: 100,
    });
    expect(lineOf('DynamoDB write units', { ...quiet, warmMaxUrls: 10 })?.quantity).toBe(
      100 * (5 + 2) + 100 * (18 + 3.5),
    );
  });

  it('that comes with four others of the same tag is a fifth of a purge', () => {
    const { quantity } = lineOf('CloudFront purge items', { editsAtOnce: 5 }) ?? {};
    expect(quantity).toBe(200);
  });
});

const COUNTS = {
  pageviews: fc.double({ min: 0, max: 1e9, noNaN: true }),
  edits: fc.double({ min: 0, max: 1e6, noNaN: true }),
  pages: fc.double({ min: 1, max: 1e6, noNaN: true }),
  pagesPerEdit: fc.double({ min: 0, max: 1e4, noNaN: true }),
  itemsPerEdit: fc.double({ min: 0, max: 1e3, noNaN: true }),
  editsAtOnce: fc.double({ min: 1, max: 1e3, noNaN: true }),
  variants: fc.double({ min: 1, max: 20, noNaN: true }),
  tags: fc.double({ min: 0, max: 400, noNaN: true }),
  lifetimeSeconds: fc.double({ min: 1, max: 3e7, noNaN: true }),
  places: fc.double({ min: 1, max: 20, noNaN: true }),
  pageKb: fc.double({ min: 0, max: 1e4, noNaN: true }),
  functions: fc.double({ min: 0, max: 2, noNaN: true }),
  renderMs: fc.double({ min: 0, max: 3e4, noNaN: true }),
};
const anySite = fc.record({
  ...COUNTS,
  warmMaxUrls: fc.integer({ min: 0, max: 10_000 }),
  shield: fc.boolean(),
  freeTier: fc.boolean(),
  alarms: fc.boolean(),
  area: fc.constantFrom(...AREA_NAMES),
});
const anyMeasuredSite = fc.record({
  site: anySite,
  hitRatio: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined }),
});
const built = ({ site: of, hitRatio }: { site: CostSite; hitRatio: number | undefined }) =>
  hitRatio === undefined ? of : { ...of, hitRatio };

describe('for any site', () => {
  it('the total is the sum of its lines, and no line is negative', () => {
    fc.assert(
      fc.property(anyMeasuredSite, (any) => {
        const { lines, total, own } = costsOf(built(any));
        for (const line of lines) {
          expect(line.usd).toBeGreaterThanOrEqual(0);
          expect(line.quantity).toBeGreaterThan(0);
          expect(line.free).toBeGreaterThanOrEqual(0);
          expect(line.free).toBeLessThanOrEqual(line.quantity);
        }
        const sum = lines.reduce((usd, line) => usd + line.usd, 0);
        expect(total).toBeCloseTo(sum, 6);
        expect(own).toBeLessThanOrEqual(total + 1e-9);
      }),
    );
  });

  const less = new Set(['editsAtOnce', 'lifetimeSeconds']);
  it.each(Object.keys(COUNTS) as (keyof typeof COUNTS)[])(
    'the total only ever moves one way with %s',
    (input) => {
      fc.assert(
        fc.property(anyMeasuredSite, COUNTS[input], (any, other) => {
          const one = built(any);
          const [low, high] = [one[input], other].sort((a, b) => a - b);
          const at = (value = 0) => costsOf({ ...one, [input]: value }).total;
          const [cheap, dear] = less.has(input) ? [at(high), at(low)] : [at(low), at(high)];
          expect(cheap).toBeLessThanOrEqual(dear * (1 + 1e-9) + 1e-9);
        }),
      );
    },
  );

  it('a better hit ratio costs no more, nor do free amounts', () => {
    const ratio = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(anySite, ratio, ratio, (one, a, b) => {
        const at = (hitRatio: number) => costsOf({ ...one, hitRatio }).total;
        expect(at(Math.max(a, b))).toBeLessThanOrEqual(at(Math.min(a, b)) * (1 + 1e-9));
        const free = costsOf({ ...one, freeTier: true }).total;
        expect(free).toBeLessThanOrEqual(costsOf({ ...one, freeTier: false }).total + 1e-9);
      }),
    );
  });

  it('what dominates is four fifths, and would be less without its cheapest line', () => {
    fc.assert(
      fc.property(anySite, (one) => {
        const costs = costsOf(one);
        const dominant = dominantIn(costs).map(({ usd }) => usd);
        const sum = dominant.reduce((usd, it) => usd + it, 0);
        expect(sum).toBeGreaterThanOrEqual(costs.total * 0.8 - 1e-9);
        expect(sum - (dominant.at(-1) ?? 0)).toBeLessThanOrEqual(costs.total * 0.8 + 1e-9);
      }),
    );
  });
});
