/** All checks, in the order in which they are told: what is decisive first. A new one is a file, and a line here. */
import type { Check } from '../check';
import { authorization } from './authorization';
import { behind } from './behind';
import { cached } from './cached';
import { cachedBefore } from './cached-before';
import { directive } from './directive';
import { edgeError } from './edge-error';
import { elapsed } from './elapsed';
import { empty } from './empty';
import { etag } from './etag';
import { leaks } from './leaks';
import { lifetime } from './lifetime';
import { maxTtl } from './max-ttl';
import { query } from './query';
import { setCookie } from './set-cookie';
import { stale } from './stale';
import { status } from './status';
import { tagCount } from './tag-count';
import { tagNames } from './tag-names';
import { tags } from './tags';
import { url } from './url';
import { vary } from './vary';

export const CHECKS: readonly Check[] = [
  edgeError,
  behind,
  cachedBefore,
  cached,
  query,
  leaks,
  status,
  authorization,
  setCookie,
  directive,
  vary,
  empty,
  lifetime,
  stale,
  maxTtl,
  tags,
  tagNames,
  tagCount,
  url,
  etag,
  elapsed,
];
