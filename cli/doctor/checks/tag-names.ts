import { type Check, fail } from '../check';

export const tagNames: Check = {
  name: 'tag-names',
  of: 'server',
  look({ sent: { refused } }) {
    const [first] = refused;
    if (first === undefined) return undefined;
    const more = refused.length > 1 ? ` (and ${refused.length - 1} more)` : '';
    return fail(
      `${first.why}${more}: no purge could name it, so the page lives ten seconds`,
      'a tag is 1 to 256 visible ASCII characters (33 to 126) without a comma: encode or hash the rest',
    );
  },
};
