/**
 * Metrics, each a line in the log that CloudWatch counts by itself (embedded metric format): no call is made for them.
 *
 *     CappedResponses   were cached for a moment only, whatever their origin said
 *     GraphErrors       of these: the graph was late, down, or could not be read
 *     TooManyTags       of these: had more than 400 tags
 *
 * Their dimension is the site, which is the table's name. A kept page costs no line.
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 * @module
 */
import type { Ruling } from './recorder';

export const NAMESPACE = 'EdgeIsr';
export type Metric = 'CappedResponses' | 'GraphErrors' | 'TooManyTags';

/** What a ruling counts as; nothing for most. */
export function metricsOf({ outcome, reason = '' }: Ruling): readonly Metric[] {
  if (outcome !== 'capped') return [];
  if (/^(graph:|late$|unread$)/.test(reason)) return ['CappedResponses', 'GraphErrors'];
  return reason.startsWith('tags:') ? ['CappedResponses', 'TooManyTags'] : ['CappedResponses'];
}

/** @param about what else somebody who searches the log wants to know */
export function metricLine(
  site: string,
  atMs: number,
  metrics: readonly Metric[],
  about: Readonly<Record<string, string | undefined>>,
): string {
  return JSON.stringify({
    _aws: {
      Timestamp: atMs,
      CloudWatchMetrics: [
        {
          Namespace: NAMESPACE,
          Dimensions: [['Site']],
          Metrics: metrics.map((Name) => ({ Name, Unit: 'Count' })),
        },
      ],
    },
    Site: site,
    ...Object.fromEntries(metrics.map((name) => [name, 1])),
    ...about,
  });
}
