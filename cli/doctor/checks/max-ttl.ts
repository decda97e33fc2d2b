import { secondsOf } from '../../../core/headers';
import { type Check, warn } from '../check';

const DIRECTIVES = ['s-maxage', 'max-age', 'stale-while-revalidate', 'stale-if-error'];

export const maxTtl: Check = {
  name: 'max-ttl',
  of: 'server',
  look({ cc, policy: { maxTtlSeconds } }) {
    const past = DIRECTIVES.find((name) => (secondsOf(cc, name) ?? 0) > maxTtlSeconds);
    if (past === undefined) return undefined;
    return warn(
      `${past}=${cc[past]} is longer than maxTtl, ${maxTtlSeconds} s: CloudFront keeps it no longer than that`,
      `${past}=${maxTtlSeconds}, or a longer maxTtl (isr doctor --max-ttl then knows)`,
    );
  },
};
