import { isKeyed, PARTIALS } from '../../../core/cache-policy';
import { field, listOf } from '../../../core/headers';
import { type Check, fail, ok } from '../check';

const CHANGES: Readonly<Record<string, string>> = {
  '*': 'take Vary: * away, or put the url under bypassPaths',
  cookie:
    'leave Cookie out of Vary where the page is the same for everybody (a session middleware adds it), or bypassPaths',
  'accept-language': "variants: { locales: ['en', 'de'] }, or isr dev --locale en --locale de",
  'user-agent':
    'variants: { devices: [Device.MOBILE, Device.DESKTOP] }, or isr dev --device mobile',
};

export const vary: Check = {
  name: 'vary',
  of: 'server',
  look({ fields, policy }) {
    const names = listOf(field(fields, 'vary'));
    const foreign = names.filter((name) => !isKeyed(name, policy) && !PARTIALS.includes(name));
    const [first] = foreign;
    if (first === undefined) {
      return ok(names.length > 0 ? 'it varies on what is in the cache key' : 'it has no Vary');
    }
    return fail(
      `Vary: ${foreign.join(', ')}: not in the cache key, so CloudFront would show it to the wrong people; it is not kept`,
      CHANGES[first] ??
        `keyHeaders: ['${first}'], or isr dev --key-header ${first} (isr doctor --key-header ${first} then knows)`,
    );
  },
};
