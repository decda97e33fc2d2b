import { STATUSES } from '../../../core/cache-policy';
import { type Check, fail, ok, warn } from '../check';

export const status: Check = {
  name: 'status',
  of: 'server',
  look({ status: code }) {
    if (!STATUSES.has(code)) {
      return fail(
        `it answers ${code}, which is never kept`,
        code >= 500
          ? 'mend the error in your server’s log; its pages cannot be cached until then'
          : 'ask for a url whose answer is a page, a redirect or a 404',
      );
    }
    if (code === 404) {
      return warn(
        'it answers 404, which is kept like any page',
        'give it the tag of what would make it exist, and revalidate that when it does',
      );
    }
    return ok(`it answers ${code}`);
  },
};
