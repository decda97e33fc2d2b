import { type Check, ok, warn } from '../check';
import { isHit, isRecorded, isSameRender } from '../seen';

/** It belongs to no page, and every site that keeps the default drops it. */
export const TRACKING_PROBE = 'utm_source';

export const query: Check = {
  name: 'query',
  of: 'edge',
  look({ second, tracked }) {
    const isKept = isHit(second);
    if (!isKept || second.status >= 400) return undefined;
    const isSame = isRecorded(second) ? isSameRender(second, tracked) : isHit(tracked);
    if (isSame) return ok(`with ${TRACKING_PROBE} it is the same copy`);
    return warn(
      `with ?${TRACKING_PROBE}=… it is a copy of its own: every advertisement's click is a miss`,
      'dropParameters: leave the default, or add what your pages do not depend on',
    );
  },
};
