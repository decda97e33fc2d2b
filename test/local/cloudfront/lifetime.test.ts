import { describe, expect, it } from 'vitest';
import { lifetimeOf } from '../../../local/cloudfront/lifetime';
import type { Line } from '../../../local/cloudfront/raw-headers';

const policy = {
  ttl: { minSeconds: 0, defaultSeconds: 0, maxSeconds: 31_536_000 },
  errorCachingMinSeconds: 0,
};

describe('what can never be of use is not kept at all', () => {
  const lives = (cacheControl: string, ...more: Line[]) =>
    lifetimeOf({ status: 200, lines: [['Cache-Control', cacheControl], ...more] }, policy, 0);

  it.each([
    'private, no-store, stale-if-error=0', // the recorder's own, of what it refuses
    'no-store, stale-if-error=0',
    'max-age=0, stale-if-error=0',
  ])('%s', (cacheControl) => {
    expect(lives(cacheControl)).toBeUndefined();
  });

  it('unless its validator lets it be confirmed', () => {
    const etag: Line = ['ETag', '"1"'];
    expect(lives('max-age=0, stale-if-error=0', etag)).toMatchObject({
      freshSeconds: 0,
      isConfirmable: true,
    });
    expect(lives('private, stale-if-error=0', etag)).toBeUndefined();
  });
});
