/**
 * Metrics, each a line in the log that CloudWatch counts by itself (embedded metric format): no call is made for them.
 *
 *     CappedResponses   edge      were cached for a moment only, whatever their origin said
 *     GraphErrors       edge      of these: the graph was late, down, or could not be read
 *     TooManyTags       edge      of these: had more than 400 tags
 *     PurgeItems        workers   were sent to CloudFront: what a purge costs
 *     SpendUsd          workers   the month's purge items so far, priced; told with each purge
 *     BudgetExceeded    workers   purges that went past the month's budget, or would have
 *     FreshJobs         workers   jobs of which every page was verified to be rendered after the change
 *     PartlyFreshJobs   workers   … of which some were
 *     FailedJobs        workers   … of which none was, or whose revalidation went to the dead-letter queue
 *     RefusedJobs       workers   … that the budget refused
 *     TimeToFresh       workers   ms from a job's request to its last page verified; of fresh jobs
 *     WarmFailures      workers   urls that could not be fetched to the deadline
 *     StaleWarms        workers   urls that were still rendered before the change at the deadline
 *
 * Their dimension is the site: the table's name, or its own where it shares one. A kept page costs no line.
 *
 * A job is counted when its warms end; CloudFront's own Completed, which nobody waits for, may come later. A job and
 * a purge's items are counted by whoever's write was the first to say so: a redelivered message counts nothing twice, and a
 * worker that dies between that write and its line counts nothing. BudgetExceeded, WarmFailures, StaleWarms and
 * the FailedJobs of lost revalidations count again with the try that meets them again. A job that had ended with warms
 * that were given up counts once more when a redrive has brought the last of them.
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 * @module
 */
import type { endOf } from './jobs';
import type { Ruling } from './recorder';

export const NAMESPACE = 'EdgeIsr';
/** The one dimension. */
export const SITE = 'Site';

/** By where they are counted: the edge's are in the region in which it runs. */
export const METRICS = {
  edge: ['CappedResponses', 'GraphErrors', 'TooManyTags'],
  workers: [
    'PurgeItems',
    'SpendUsd',
    'BudgetExceeded',
    'FreshJobs',
    'PartlyFreshJobs',
    'FailedJobs',
    'RefusedJobs',
    'TimeToFresh',
    'WarmFailures',
    'StaleWarms',
  ],
} as const;

export type Metric = (typeof METRICS)['edge' | 'workers'][number];
export type Counts = Readonly<Partial<Record<Metric, number>>>;
/** What else somebody who searches the log wants to know. */
export type About = Readonly<Record<string, string | undefined>>;
export type Count = (counts: Counts, about?: About) => void;

/** As CloudWatch spells them; it has none for money. */
export type Unit = 'Count' | 'Milliseconds' | 'None';
const UNITS: Readonly<Partial<Record<Metric, Unit>>> = {
  TimeToFresh: 'Milliseconds',
  SpendUsd: 'None',
};

export function unitOf(metric: Metric): Unit {
  return UNITS[metric] ?? 'Count';
}

/** What a ruling counts as; nothing for most. */
export function metricsOf({ outcome, reason = '' }: Ruling): Counts {
  if (outcome !== 'capped') return {};
  if (/^(graph:|late$|unread$)/.test(reason)) return { CappedResponses: 1, GraphErrors: 1 };
  return { CappedResponses: 1, ...(reason.startsWith('tags:') ? { TooManyTags: 1 } : {}) };
}

/** What a job counts as when its warms have ended. */
export function metricsOfEnd({
  state,
  requestedAtMs,
  freshAtMs,
}: ReturnType<typeof endOf>): Counts {
  if (freshAtMs === undefined)
    return state === 'failed' ? { FailedJobs: 1 } : { PartlyFreshJobs: 1 };
  return { FreshJobs: 1, TimeToFresh: Math.max(0, freshAtMs - requestedAtMs) }; // two machines' clocks
}

export function metricLine(site: string, atMs: number, counts: Counts, about: About): string {
  const Metrics = (Object.keys(counts) as Metric[]).map((Name) => ({ Name, Unit: unitOf(Name) }));
  return JSON.stringify({
    _aws: {
      Timestamp: atMs,
      CloudWatchMetrics: [{ Namespace: NAMESPACE, Dimensions: [[SITE]], Metrics }],
    },
    [SITE]: site,
    ...counts,
    ...about,
  });
}
