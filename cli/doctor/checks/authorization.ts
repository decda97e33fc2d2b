import { isKeyed } from '../../../core/cache-policy';
import { type Check, fail } from '../check';

export const authorization: Check = {
  name: 'authorization',
  of: 'server',
  look({ request, status, fields, policy }) {
    const isAsked = status === 401 || fields['www-authenticate'] !== undefined;
    const isSent = request.authorization !== undefined && !isKeyed('authorization', policy);
    if (!isAsked && !isSent) return undefined;
    return fail(
      isSent
        ? 'it was asked with Authorization, which is not in the cache key: the edge passes none on'
        : 'it asks for Authorization: the edge passes none on, and keeps no such answer',
      "put what needs a login under bypassPaths: ['/account/*']",
    );
  },
};
