import { freshnessOf } from '../../../core/cache-policy';
import { type Check, fail, ok, warn } from '../check';

const LINE = 'Cache-Control: s-maxage=300, stale-while-revalidate=3600';

export const lifetime: Check = {
  name: 'lifetime',
  of: 'server',
  look({ fields, cc }) {
    const seconds = freshnessOf(fields, cc);
    if (seconds === undefined) {
      return fail('it names no lifetime (no s-maxage, max-age or Expires): it is not kept', LINE);
    }
    if (seconds === 0) {
      const [said] = ['s-maxage', 'max-age'].filter((name) => cc[name] !== undefined);
      return fail(
        `${said ? `${said}=${cc[said]}` : 'Expires'} is no time to come: it is not kept`,
        LINE,
      );
    }
    if (cc['s-maxage'] === undefined) {
      return warn(
        `it has no s-maxage: kept ${seconds} s by ${cc['max-age'] === undefined ? 'Expires' : 'max-age'}, which speaks to browsers`,
        `Cache-Control: s-maxage=${seconds}, stale-while-revalidate=3600`,
      );
    }
    return ok(`s-maxage=${seconds}`);
  },
};
