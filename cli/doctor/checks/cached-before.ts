import { field } from '../../../core/headers';
import { type Check, fail } from '../check';
import { isRecorded } from '../seen';

export const PURGE_ALL =
  "aws cloudfront create-invalidation --distribution-id ID --paths '/*'   (once; ID is the stack's output DistributionId)";

/** A page that nobody has asked for before is recorded, and this one is not. */
export const cachedBefore: Check = {
  name: 'cached-before',
  of: 'edge',
  look({ first, unseen }) {
    if (!unseen || !isRecorded(unseen)) return undefined;
    const age = field(first.fields, 'age') ?? '0';
    return fail(
      `its copy is ${age} s old and was not recorded: it was cached before edge-isr came, and no revalidation purges it`,
      PURGE_ALL,
    );
  },
};
