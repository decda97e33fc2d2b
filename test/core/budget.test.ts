import { describe, expect, it } from 'vitest';
import { verdictOf } from '../../core/budget';

describe('a budget', () => {
  const budget = { items: 100, whenExceeded: 'refuse' } as const;

  it('that is not set allows everything', () => {
    expect(verdictOf(undefined, 1e6, 1e6)).toMatchObject({ isExceeded: false, isPurged: true });
  });

  it.each([
    [99, 1, true],
    [100, 0, true],
    [200, 0, true],
    [100, 1, false],
    [0, 101, false],
  ])('of 100 items, with %i used, allows %i more: %j', (used, items, isPurged) => {
    expect(verdictOf(budget, used, items)).toMatchObject({ isPurged, isExceeded: !isPurged });
  });

  it('says how it stands, and what comes of it', () => {
    expect(verdictOf(budget, 99, 2).words).toBe(
      '99 of 100 items of this month are used, this needs 2: nothing is purged; raise the budget, or ask again next month',
    );
    expect(verdictOf({ ...budget, whenExceeded: 'alarm' }, 99, 2)).toMatchObject({
      isExceeded: true,
      isPurged: true,
    });
  });
});
