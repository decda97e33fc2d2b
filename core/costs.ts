/**
 * What a site costs in a month, line by line, each with the way it was worked out.
 *
 *     costsOf({ ...SITE_DEFAULTS, pageviews: 1e6, edits: 500, area: 'us', freeTier: true }).total   // USD
 *
 * Quantities come from load.ts, prices from price-list.ts and price.ts, and what a miss or a revalidation takes from
 * what was measured: units by `npm run bench -- recorder`, requests of a revalidation by `npm run faults -- --run 98`
 * (test/faults/requests.test.ts counts them again). What is assumed, and not measured, says so below.
 * @module
 */
import { HOURS_A_MONTH, type Load, loadOf, type Site } from './load';
import { FREE_ITEMS_A_MONTH, priceUsd, USD_PER_THOUSAND } from './price';
import {
  AREAS,
  type Area,
  type AreaName,
  FREE_REQUESTS,
  FREE_TRANSFER_GB,
  PRICES,
  type Price,
  TRANSFER_TIERS_GB,
} from './price-list';

export interface CostSite extends Site {
  readonly area: AreaName;
  /** Whether the account's free amounts are there for this site; false when others use them up. */
  readonly freeTier: boolean;
  /** The construct's `alarms`. */
  readonly alarms: boolean;
}

export interface CostLine {
  readonly service: string;
  readonly what: string;
  readonly quantity: number;
  /** The price of the first unit that is not free: `usd` for `per` of them. */
  readonly price: { readonly usd: number; readonly per: number };
  /** Of the quantity so much costs nothing. */
  readonly free: number;
  readonly usd: number;
  /** False for what any site behind CloudFront pays. */
  readonly isOwn: boolean;
  readonly how: string;
}

export interface Costs {
  readonly lines: readonly CostLine[];
  readonly total: number;
  /** What of it edge-isr adds. */
  readonly own: number;
  readonly load: Load;
}

const KB_PER_GB = 1_048_576;
const BYTES_PER_GB = 1_073_741_824;

/** lib/recorder.ts, lib/invalidator.ts, lib/warmer.ts. */
const RECORDER_GB = 0.25;
const WORKER_GB = 0.5;
/** Assumed, as README does: a millisecond to the table and back (3 ms measured), and now and then a cold start. */
const RECORDER_SECONDS = 0.03;
/** Gathers half a second, waits a second of grace, and makes 38 requests. Assumed. */
const INVALIDATOR_SECONDS = 2;
/** Of a warm message, beside its fetches. Assumed. */
const WARM_PART_SECONDS = 0.5;
/** WORKER_DEFAULTS: a warmer's lanes, and the pace of all warmers. */
const WARM_LANES = 4;
const WARM_PER_SECOND = 20;

/** DynamoDB requests of a revalidation; items below 1 KB, of 4 KB read at once. */
export const REQUESTS = {
  /** Begun, indexed, told of its purge and of its warm. */
  job: { reads: 2, writes: 4 },
  /** Opened, closed, decided, paid for, sent; its items, the ledger and the pace. */
  purge: { reads: 9, writes: 13 },
  /** A tag that is named: its epoch, its heat, its edges. */
  tag: { reads: 2, writes: 1 },
  /** A url that is named: its epoch, refused once where its record lives longer, and its record. */
  url: { reads: 1, writes: 2 },
  /** A warm message, beside the records of its urls: its job. */
  warmPart: { reads: 1, writes: 2 },
  /** The pace of warms, taken once by all lanes of a warmer. */
  warmLanes: { reads: 1, writes: 1 },
} as const;
/** Urls of a purge that are compared by heat when more of them are purged than warmed. */
const COMPARED_MAX = 10_000;
/** Sent, received, deleted. */
const QUEUE_REQUESTS_PER_MESSAGE = 3;
/** Two queues with five pollers each, three looks a minute: an idle queue's 15 empty receives (getlift/lift #132). */
const QUEUE_POLLS = 2 * 15 * 60 * HOURS_A_MONTH;

/** Assumed sizes: an edge, a url's record, a job with its index; START, END and REPORT (wallstrdev.de); an access log line. */
const EDGE_BYTES = 250;
const RECORD_BYTES = 1_000;
const JOB_BYTES = 2_000;
const RUN_LOG_BYTES = 300;
const ACCESS_LOG_BYTES = 400;
/** Of each purge: PurgeItems, SpendUsd, FreshJobs, TimeToFresh. The others count what goes wrong (core/metrics.ts). */
const PURGE_METRICS = 4;
/** CappedResponses, in each region where a recorder runs: what renders while its tags change. */
const RECORDER_METRICS = 1;
/** Metrics that `alarms` watch, without a budget's: two for a sum of two. test/lib/alarms.test.ts counts them. */
export const ALARM_METRICS = 14;

export function costsOf(site: CostSite): Costs {
  const load = loadOf(site);
  const lines = [
    ...deliveryLines(site, load),
    ...missLines(site, load),
    ...revalidationLines(site, load),
    ...tableLines(site, load),
    ...logLines(site, load),
  ].filter(({ quantity }) => quantity > 0);
  const sum = (some: readonly CostLine[]) => some.reduce((usd, line) => usd + line.usd, 0);
  return { lines, total: sum(lines), own: sum(lines.filter(({ isOwn }) => isOwn)), load };
}

/** The fewest lines that are at least four fifths of the total, the dearest first: what dominates. */
export function dominantIn({ lines, total }: Pick<Costs, 'lines' | 'total'>): readonly CostLine[] {
  const dearest = [...lines].sort((a, b) => b.usd - a.usd);
  const dominant: CostLine[] = [];
  let usd = 0;
  for (const line of dearest) {
    if (usd >= total * 0.8) break;
    dominant.push(line);
    usd += line.usd;
  }
  return dominant;
}

/** What CloudFront takes for answering: viewers, with or without edge-isr, and then our warms. */
function deliveryLines(site: CostSite, { warms }: Load): CostLine[] {
  const { pageviews, functions, pageKb } = site;
  const { transfer, requests }: Area = AREAS[site.area];
  const viewerGb = (pageviews * pageKb) / KB_PER_GB;
  const requestTiers = [{ usd: requests / 10_000, upTo: Number.POSITIVE_INFINITY }];
  const transferTiers = tiersOf(transfer);
  const request = { service: 'CloudFront', price: { usd: requests, per: 10_000 } };
  const gigabyte = { service: 'CloudFront', price: { usd: transfer[0] ?? 0, per: 1 } };
  const freeRequests = site.freeTier ? FREE_REQUESTS : 0;
  const freeGb = site.freeTier ? FREE_TRANSFER_GB : 0;
  return [
    {
      ...request,
      ...paid(pageviews, { tiers: requestTiers, free: freeRequests }),
      what: 'requests of viewers',
      isOwn: false,
      how: 'one a pageview',
    },
    {
      ...gigabyte,
      ...paid(viewerGb, { tiers: transferTiers, free: freeGb }),
      what: 'GB to viewers',
      isOwn: false,
      how: `${pageKb} KB a pageview; cheaper past 10 TB`,
    },
    {
      ...request,
      ...paid(warms, { tiers: requestTiers, free: freeRequests, usedBefore: pageviews }),
      what: 'requests of warms',
      isOwn: true,
      how: 'each warmed url in each variant, after each purge',
    },
    {
      ...gigabyte,
      ...paid((warms * pageKb) / KB_PER_GB, {
        tiers: transferTiers,
        free: freeGb,
        usedBefore: viewerGb,
      }),
      what: 'GB to warms',
      isOwn: true,
      how: `${pageKb} KB a warm`,
    },
    {
      ...bought('functionRuns', functions * (pageviews + warms), site),
      service: 'CloudFront',
      what: 'Functions runs',
      isOwn: true,
      how: `${functions} for each request of viewers and warms`,
    },
  ];
}

/** What a miss takes on its way to the origin and back. */
function missLines(site: CostSite, { misses, renders }: Load): CostLine[] {
  const { shield }: Area = AREAS[site.area];
  const shielded = site.shield ? misses : 0;
  return [
    {
      ...paid(shielded, { tiers: [{ usd: shield / 10_000, upTo: Number.POSITIVE_INFINITY }] }),
      service: 'CloudFront',
      what: 'Origin Shield requests',
      price: { usd: shield, per: 10_000 },
      isOwn: true,
      how: 'every miss of a regional cache; those of the shield’s own region, which are free, counted too',
    },
    {
      ...bought('edgeRuns', renders, site),
      service: 'Lambda@Edge',
      what: 'recorder runs',
      isOwn: true,
      how: site.shield
        ? 'one a render: the shield asks the origin once for all places'
        : 'one a render: each place asks the origin for itself',
    },
    {
      ...bought('edgeSeconds', renders * RECORDER_GB * RECORDER_SECONDS, site),
      service: 'Lambda@Edge',
      what: 'recorder GB-s',
      isOwn: true,
      how: '256 MB for 30 ms a run',
    },
  ];
}

/** What an edit takes on its way from the API to fresh pages. */
function revalidationLines(site: CostSite, load: Load): CostLine[] {
  const { edits, renderMs, freeTier } = site;
  const { purges, warmParts, warms } = load;
  const items = purges * site.itemsPerEdit;
  const fetchSeconds = Math.max(renderMs / 1_000 / WARM_LANES, 1 / WARM_PER_SECOND);
  const workerSeconds =
    purges * INVALIDATOR_SECONDS + warmParts * WARM_PART_SECONDS + warms * fetchSeconds;
  const messages = edits + warmParts;
  return [
    {
      service: 'CloudFront',
      what: 'purge items',
      quantity: items,
      price: { usd: USD_PER_THOUSAND / 1_000, per: 1 },
      free: freeTier ? Math.min(items, FREE_ITEMS_A_MONTH) : 0,
      usd: priceUsd(items, freeTier ? 0 : FREE_ITEMS_A_MONTH),
      isOwn: true,
      how: `${site.itemsPerEdit} a purge, tags and paths alike`,
    },
    {
      ...bought('apiRequests', edits, site),
      service: 'API Gateway',
      what: 'requests',
      isOwn: true,
      how: 'one an edit',
    },
    {
      ...bought('queueRequests', messages * QUEUE_REQUESTS_PER_MESSAGE + QUEUE_POLLS, site),
      service: 'SQS',
      what: 'requests',
      isOwn: true,
      how: `${plain(QUEUE_POLLS)} looks at two queues, idle or not; 3 an edit, 3 for 25 urls that are warmed`,
    },
    {
      ...bought('lambdaRuns', purges + warmParts, site),
      service: 'Lambda',
      what: 'worker runs',
      isOwn: true,
      how: 'one a purge, one for 25 urls that are warmed',
    },
    {
      ...bought('lambdaSeconds', workerSeconds * WORKER_GB, site),
      service: 'Lambda',
      what: 'worker GB-s',
      isOwn: true,
      how: `512 MB: 2 s a purge; a warm waits ${renderMs} ms for its page, four at once, 20 a second at most`,
    },
  ];
}

/** The graph and its jobs. */
function tableLines(site: CostSite, load: Load): CostLine[] {
  const { edits, tags, pages, variants } = site;
  const { renders, recordings, purges } = load;
  const spent = revalidationUnits(site, load);
  const bytes = pages * (RECORD_BYTES + tags * EDGE_BYTES) + edits * JOB_BYTES;
  const perPurge = (units: number) => plain(purges > 0 ? units / purges : 0);
  return [
    {
      ...bought('readUnits', renders * (tags + 1) + recordings * tags + spent.reads, site),
      service: 'DynamoDB',
      what: 'read units',
      isOwn: true,
      how: `${plain(tags + 1)} a render, ${plain(tags)} more if it is recorded; ${perPurge(spent.reads)} a purge with its jobs and warms`,
    },
    {
      ...bought('writeUnits', recordings * (tags + variants) + spent.writes, site),
      service: 'DynamoDB',
      what: 'write units',
      isOwn: true,
      how: `${plain(tags + variants)} for each of ${plain(recordings)} renders that are recorded (a tag, the url, a further variant: 1); ${perPurge(spent.writes)} a purge with its jobs and warms`,
    },
    {
      ...bought('storage', bytes / BYTES_PER_GB, site),
      service: 'DynamoDB',
      what: 'GB kept',
      isOwn: true,
      how: '1 KB a url, 250 B a tag of it, 2 KB a job',
    },
  ];
}

/** @returns units of all edits of the month, warms included */
function revalidationUnits(site: CostSite, load: Load): { reads: number; writes: number } {
  const { edits, itemsPerEdit, pagesPerEdit, warmMaxUrls } = site;
  const { purges, purgedUrls, warmedUrls, warmParts, warms } = load;
  const named = purges * Math.max(1, itemsPerEdit); // an edit names something, if only what nobody has cached
  const isCompared = warmMaxUrls > 0 && Math.min(pagesPerEdit, site.pages) > warmMaxUrls;
  const compared = isCompared ? Math.min(purgedUrls, purges * COMPARED_MAX) : 0;
  const edges = (purgedUrls * EDGE_BYTES) / 4_096; // a query is billed by all it reads
  const { job, purge, tag, warmPart, warmLanes } = REQUESTS;
  const paces = warms / WARM_LANES;
  return {
    reads:
      edits * job.reads +
      purges * purge.reads +
      named * tag.reads +
      edges +
      compared +
      warmedUrls +
      warmParts * warmPart.reads +
      paces * warmLanes.reads,
    writes:
      edits * job.writes +
      purges * purge.writes +
      named * tag.writes +
      warmParts * warmPart.writes +
      paces * warmLanes.writes,
  };
}

function logLines(site: CostSite, { renders, purges, warmParts }: Load): CostLine[] {
  const runs = renders + purges + warmParts;
  const bytes = (runs + purges) * RUN_LOG_BYTES + site.edits * ACCESS_LOG_BYTES;
  const metrics = PURGE_METRICS + RECORDER_METRICS * (site.shield ? 1 : site.places);
  return [
    {
      ...bought('logs', bytes / BYTES_PER_GB, site),
      service: 'CloudWatch',
      what: 'GB of logs',
      isOwn: true,
      how: '300 B a run of any function, 300 B a purge, 400 B an API request',
    },
    {
      ...bought('metrics', metrics * Math.min(1, purges / HOURS_A_MONTH), site),
      service: 'CloudWatch',
      what: 'custom metric-months',
      isOwn: true,
      how: `${metrics} in each hour that has a purge: PurgeItems, SpendUsd, FreshJobs, TimeToFresh, and CappedResponses of each region with a recorder`,
    },
    {
      ...bought('alarms', site.alarms ? ALARM_METRICS : 0, site),
      service: 'CloudWatch',
      what: 'metric-months of alarms',
      isOwn: true,
      how: `the construct’s alarms watch ${ALARM_METRICS} metrics, whatever happens`,
    },
  ];
}

interface Tier {
  readonly usd: number;
  /** Paid units of a month, counted from the first tier on. */
  readonly upTo: number;
}

function tiersOf(prices: readonly number[]): Tier[] {
  let upTo = 0;
  return prices.map((usd, i) => {
    upTo += TRANSFER_TIERS_GB[i] ?? Number.POSITIVE_INFINITY;
    return { usd, upTo };
  });
}

interface Tariff {
  readonly tiers: readonly Tier[];
  readonly free?: number;
  /** Units of the month that came before these, and have used what is free. */
  readonly usedBefore?: number;
}

/** Tiers count what is paid: the free units come first. */
function paid(quantity: number, { tiers, free = 0, usedBefore = 0 }: Tariff) {
  const from = Math.max(0, usedBefore - free);
  const to = Math.max(0, usedBefore + quantity - free);
  let usd = 0;
  let below = 0;
  for (const tier of tiers) {
    usd += Math.max(0, Math.min(to, tier.upTo) - Math.max(from, below)) * tier.usd;
    below = tier.upTo;
  }
  return { quantity, free: Math.min(quantity, Math.max(0, free - usedBefore)), usd };
}

function bought(name: keyof typeof PRICES, quantity: number, { freeTier }: CostSite) {
  const { usd, per, free = 0 }: Price = PRICES[name];
  const tiers = [{ usd: usd / per, upTo: Number.POSITIVE_INFINITY }];
  return { ...paid(quantity, { tiers, free: freeTier ? free : 0 }), price: { usd, per } };
}

/** `1,234,567`, `12.5`, `0.0031`: three digits, or all before the point. */
export function plain(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString('en-US');
  return value.toLocaleString('en-US', { maximumSignificantDigits: 3 });
}
