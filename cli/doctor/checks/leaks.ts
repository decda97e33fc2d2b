import { ELAPSED, NATIVE_TAGS, RULING } from '../../../core/headers';
import { TAG_HEADERS } from '../../../core/tags';
import { type Check, warn } from '../check';
import { isRecorded } from '../seen';

const INTERNAL = [NATIVE_TAGS, RULING, ELAPSED, ...Object.keys(TAG_HEADERS)];

export const leaks: Check = {
  name: 'leaks',
  of: 'edge',
  look({ first }) {
    const found = INTERNAL.filter((name) => first.fields[name] !== undefined);
    if (!isRecorded(first) || found.length === 0) return undefined;
    return warn(
      `viewers are shown ${found.join(', ')}`,
      'the behaviour lacks the response headers policy that isr.behavior() has',
    );
  },
};
