import { field } from '../../../core/headers';
import { type Check, fail } from '../check';

export const empty: Check = {
  name: 'empty',
  of: 'server',
  look({ status, fields }) {
    if (status !== 200 || field(fields, 'content-length') !== '0') return undefined;
    return fail(
      'Content-Length: 0: an empty 200 is taken for an accident, and not kept',
      'send the page, or a status that says why there is none',
    );
  },
};
