/**
 * What a check is: one question about a page, asked of what its server says, or of what the edge hands out.
 *
 *     setCookie.look(page)   { level: 'fail', says: 'Set-Cookie: sid=1: …', change: 'send no Set-Cookie …' }
 *
 * A check that has nothing to say of this page (no query, no stale window) finds nothing.
 * @module
 */
import type { CachePolicy } from '../../core/cache-policy';
import type { CacheControl, Fields } from '../../core/headers';
import type { SentTags } from '../../core/tags';

/** fail: not cached, or not purged. warn: slower or dearer than it has to be. */
export type Level = 'ok' | 'warn' | 'fail';

export interface Finding {
  readonly level: Level;
  /** What was seen, and what follows from it. */
  readonly says: string;
  /** The line to change. */
  readonly change?: string;
}

/** An answer, without its body. */
export interface Answer {
  readonly url: URL;
  readonly status: number;
  readonly fields: Fields;
}

/** What the server says, before any edge has changed it. */
export interface ServerPage extends Answer {
  /** Headers that were sent to it. */
  readonly request: Fields;
  readonly cc: CacheControl;
  readonly sent: SentTags;
  readonly policy: CachePolicy;
}

/** What the edge hands out. */
export interface EdgePage {
  readonly first: Answer;
  /** The same url, asked again. */
  readonly second: Answer;
  /** The same page with a parameter that no page depends on. */
  readonly tracked: Answer;
  /** A url of this page that nobody has asked for before: looked at when the first answer was an unrecorded copy. */
  readonly unseen?: Answer;
}

interface CheckOf<Name extends string, Page> {
  readonly name: string;
  readonly of: Name;
  readonly look: (page: Page) => Finding | undefined;
}

export type Check = CheckOf<'server', ServerPage> | CheckOf<'edge', EdgePage>;

export function ok(says: string): Finding {
  return { level: 'ok', says };
}

export function warn(says: string, change: string): Finding {
  return { level: 'warn', says, change };
}

export function fail(says: string, change: string): Finding {
  return { level: 'fail', says, change };
}
