/**
 * Metrics, each a line in the log that CloudWatch counts by itself (embedded metric format): no call is made for them.
 *
 *     CappedResponses   were cached for a moment only, whatever their origin said
 *     GraphErrors       of these: the graph was late, down, or could not be read
 *     TooManyTags       of these: had more than 400 tags
 *     PurgeItems        were sent to CloudFront: what a purge costs
 *     BudgetExceeded    purges that went past the month's budget, or would have
 *     RefusedJobs       revalidations that ended there
 *
 * Their dimension is the site, which is the table's name. A kept page costs no line.
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 * @module
 */
import type { Ruling } from './recorder';

export const NAMESPACE = 'EdgeIsr';
export type Metric =
  | 'CappedResponses'
  | 'GraphErrors'
  | 'TooManyTags'
  | 'PurgeItems'
  | 'BudgetExceeded'
  | 'RefusedJobs';
export type Counts = Readonly<Partial<Record<Metric, number>>>;

/** What a ruling counts as; nothing for most. */
export function metricsOf({ outcome, reason = '' }: Ruling): Counts {
  if (outcome !== 'capped') return {};
  if (/^(graph:|late$|unread$)/.test(reason)) return { CappedResponses: 1, GraphErrors: 1 };
  return { CappedResponses: 1, ...(reason.startsWith('tags:') ? { TooManyTags: 1 } : {}) };
}

/** @param about what else somebody who searches the log wants to know */
export function metricLine(
  site: string,
  atMs: number,
  counts: Counts,
  about: Readonly<Record<string, string | undefined>>,
): string {
  return JSON.stringify({
    _aws: {
      Timestamp: atMs,
      CloudWatchMetrics: [
        {
          Namespace: NAMESPACE,
          Dimensions: [['Site']],
          Metrics: Object.keys(counts).map((Name) => ({ Name, Unit: 'Count' })),
        },
      ],
    },
    Site: site,
    ...counts,
    ...about,
  });
}
