import { isEtagOf } from '../../../core/etag';
import { field } from '../../../core/headers';
import { type Check, ok, warn } from '../check';

export const etag: Check = {
  name: 'etag',
  of: 'server',
  look({ status, fields, sent }) {
    if (status !== 200) return undefined;
    const value = field(fields, 'etag');
    if (value === undefined) {
      return warn(
        'it has no ETag: browsers, and the edge at the end of each lifetime, are sent the whole page again',
        'ETag: a hash of the body (edge-isr/origin adds the tags to it)',
      );
    }
    return isEtagOf(value, sent.tags)
      ? ok('its ETag names its tags: your server may answer the edge with 304')
      : ok(
          'it has an ETag: browsers get 304; the edge, which has to know the tags, is sent the page',
        );
  },
};
