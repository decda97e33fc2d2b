import { describe, expect, it } from 'vitest';
import { metricsOf } from '../../core/metrics';

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
