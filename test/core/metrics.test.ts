import { describe, expect, it } from 'vitest';
import { metricLine, metricsOf } from '../../core/metrics';

describe('a ruling', () => {
  it.each([
    ['kept', undefined, []],
    ['refused', 'set-cookie', []],
    ['capped', 'fence', ['CappedResponses']],
    ['capped', 'tags:401', ['CappedResponses', 'TooManyTags']],
    ['capped', 'tag-refused:cache-tag has "a b": …', ['CappedResponses']],
    ['capped', 'graph:DynamoDB did not answer', ['CappedResponses', 'GraphErrors']],
    ['capped', 'late', ['CappedResponses', 'GraphErrors']],
    ['capped', 'unread', ['CappedResponses', 'GraphErrors']],
  ] as const)('%s because of %j counts as %j', (outcome, reason, metrics) => {
    const ruling = { outcome, headers: {}, ...(reason === undefined ? {} : { reason }) };
    expect(metricsOf(ruling)).toEqual(Object.fromEntries(metrics.map((name) => [name, 1])));
  });
});

describe('a line in the log', () => {
  it('is what CloudWatch counts by itself, with units, the site, and what it is about', () => {
    const counts = { FreshJobs: 1, TimeToFresh: 2_150 };
    expect(JSON.parse(metricLine('Site-Isr', 1_764_037_585_000, counts, { job: 'j' }))).toEqual({
      _aws: {
        Timestamp: 1_764_037_585_000,
        CloudWatchMetrics: [
          {
            Namespace: 'EdgeIsr',
            Dimensions: [['Site']],
            Metrics: [
              { Name: 'FreshJobs', Unit: 'Count' },
              { Name: 'TimeToFresh', Unit: 'Milliseconds' },
            ],
          },
        ],
      },
      Site: 'Site-Isr',
      FreshJobs: 1,
      TimeToFresh: 2_150,
      job: 'j',
    });
  });
});
