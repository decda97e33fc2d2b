import { type Check, fail, ok } from '../check';
import { isRecorded } from '../seen';

export const behind: Check = {
  name: 'behind',
  of: 'edge',
  look({ first, second, unseen }) {
    if (first.status >= 500) return undefined; // edge-error says it
    if ([first, second, unseen].some((answer) => answer && isRecorded(answer))) {
      return ok('edge-isr is in front of it');
    }
    return fail(
      'CloudFront is in front of it, edge-isr is not (no x-isr-rendered-at): nothing here is recorded',
      "isr.addTo(distribution, '/posts/*') for its path, or take it out of bypassPaths and staticPaths",
    );
  },
};
