import { type Check, ok, warn } from '../check';
import { shown } from '../seen';

export const tags: Check = {
  name: 'tags',
  of: 'server',
  look({ sent, url }) {
    if (sent.refused.length > 0 && sent.tags.length === 0) return undefined; // tag-names says it
    if (sent.tags.length === 0) {
      return warn(
        'it has no tags: only its own url can purge it',
        `Cache-Tag: post:42, list (what ${shown(url.pathname)} depends on)`,
      );
    }
    const some = sent.tags.slice(0, 5).join(', ');
    return ok(`${sent.tags.length} tags: ${shown(some, 80)}${sent.tags.length > 5 ? ', …' : ''}`);
  },
};
