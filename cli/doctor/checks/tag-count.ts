import { NATIVE_TAGS_MAX } from '../../../core/native-tags';
import { TAGS_MAX } from '../../../core/recorder';
import { type Check, fail, warn } from '../check';

export const tagCount: Check = {
  name: 'tag-count',
  of: 'server',
  look({ sent }) {
    const count = sent.tags.length;
    const change =
      'tag what the page shows, not all that it has read; give a long list one tag of its own';
    if (count > TAGS_MAX) {
      return fail(`${count} tags, more than ${TAGS_MAX}: the page lives ten seconds`, change);
    }
    if (count > NATIVE_TAGS_MAX) {
      return warn(
        `${count} tags, of which CloudFront keeps ${NATIVE_TAGS_MAX}: each revalidation of another one costs an item for this url`,
        change,
      );
    }
    return undefined;
  },
};
