import { type Check, fail, ok } from '../check';

const FORBIDS = ['no-store', 'private', 'no-cache'];

export const directive: Check = {
  name: 'directive',
  of: 'server',
  look({ cc }) {
    const found = FORBIDS.filter((name) => cc[name] !== undefined);
    if (found.length === 0) return ok('Cache-Control does not forbid to keep it');
    return fail(
      `Cache-Control: ${found.join(', ')}: it forbids every shared cache to keep the page`,
      'Cache-Control: s-maxage=300, stale-while-revalidate=3600',
    );
  },
};
