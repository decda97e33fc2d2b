import { NATIVE_TAGS_MAX } from '../../../core/native-tags';
import { isPurgeable } from '../../../core/urls';
import { type Check, fail, warn } from '../check';

export const url: Check = {
  name: 'url',
  of: 'server',
  look({ url: { pathname, search }, sent }) {
    if (isPurgeable(`${pathname}${search}`)) return undefined;
    const isCovered = sent.tags.length > 0 && sent.tags.length <= NATIVE_TAGS_MAX;
    return isCovered
      ? warn(
          'no invalidation path is sure to name this url: only its tags can purge it',
          'revalidate it by tag; docs/urls.md says which characters do it',
        )
      : fail(
          'no invalidation path is sure to name this url, and no tags of CloudFront’s cover it: it lives ten seconds',
          `give it 1 to ${NATIVE_TAGS_MAX} tags, or another url; docs/urls.md says which characters do it`,
        );
  },
};
