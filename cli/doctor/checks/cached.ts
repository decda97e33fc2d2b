import { type Check, fail, ok } from '../check';
import { isHit, isRecorded, isSameRender } from '../seen';

export const cached: Check = {
  name: 'cached',
  of: 'edge',
  look({ first, second }) {
    if (!isRecorded(second) || second.status >= 500) return undefined; // behind, or edge-error, says it
    if (isHit(second) || isSameRender(first, second)) return ok('asked twice, rendered once');
    return fail(
      'asked twice, rendered twice: the recorder refused it, or it lives a moment only',
      'isr doctor with --origin shows why; for a minute after a revalidation it may be the fence at work',
    );
  },
};
