import { parseElapsed } from '../../../core/fence';
import { ELAPSED, field } from '../../../core/headers';
import { type Check, ok, warn } from '../check';

export const elapsed: Check = {
  name: 'elapsed',
  of: 'server',
  look({ fields }) {
    const value = field(fields, ELAPSED);
    if (parseElapsed(value) !== undefined) return ok(`${ELAPSED}: ${value} ms`);
    return warn(
      value === undefined
        ? `it does not say how long it rendered: for 30 s after a revalidation it is rendered again and again`
        : `${ELAPSED}: ${value} is no number of milliseconds: it counts as unsaid`,
      `${ELAPSED}: the milliseconds from the request to the headers, or a renderBudget that is true`,
    );
  },
};
