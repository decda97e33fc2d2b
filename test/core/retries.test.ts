import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RECEIVES_MAX } from '../../core/config';
import { retrySeconds } from '../../core/retries';

const receives = Array.from({ length: RECEIVES_MAX }, (_, i) => i + 1);

describe('a message that failed', () => {
  it('comes back in seconds, then less and less often, and at last goes to the dead-letter queue at once', () => {
    expect(receives.map((it) => retrySeconds(it, 0))).toEqual([
      10, 30, 120, 600, 1_800, 2_400, 2_400, 0,
    ]);
  });

  it('is tried for two hours at least, as it was by the visibility timeout: an outage of minutes loses nothing', () => {
    const total = receives.reduce((sum, it) => sum + retrySeconds(it, 0), 0);
    expect(total).toBeGreaterThanOrEqual(4 * 1_800);
  });

  it('does not come back together with the others, and never sooner', () => {
    fc.assert(
      fc.property(
        fc.nat(20),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (it, random) => {
          const seconds = retrySeconds(it, random);
          expect(seconds).toBeGreaterThanOrEqual(retrySeconds(it, 0));
          expect(seconds).toBeLessThanOrEqual(retrySeconds(it, 0) * 1.25);
          expect(seconds).toBeLessThan(43_200); // SQS takes no longer timeout
        },
      ),
    );
    expect(retrySeconds(3, 0.9)).toBeGreaterThan(retrySeconds(3, 0.1));
  });
});
