import { freshnessOf } from '../../../core/cache-policy';
import { secondsOf } from '../../../core/headers';
import { type Check, ok, warn } from '../check';

export const stale: Check = {
  name: 'stale',
  of: 'server',
  look({ fields, cc, policy }) {
    const fresh = freshnessOf(fields, cc);
    if (!fresh) return undefined;
    const strict = ['must-revalidate', 'proxy-revalidate'].find((name) => cc[name] !== undefined);
    const swr = cc['stale-while-revalidate'];
    const line = `Cache-Control: s-maxage=${fresh}, stale-while-revalidate=3600`;
    if (swr === undefined) {
      return warn(
        'it has no stale-while-revalidate: whoever comes first after its lifetime waits',
        line,
      );
    }
    if (strict) {
      return warn(`${strict} forbids the stale answers that stale-while-revalidate allows`, line);
    }
    if (swr === true) {
      const days = policy.defaultSwrSeconds / 86_400;
      return warn(
        `stale-while-revalidate has no seconds: other caches ignore it, edge-isr takes ${days} days`,
        line,
      );
    }
    if (secondsOf(cc, 'stale-while-revalidate') === undefined) {
      return warn(`stale-while-revalidate=${swr} is no whole number: it counts as 0`, line);
    }
    return ok(`stale-while-revalidate=${swr}`);
  },
};
