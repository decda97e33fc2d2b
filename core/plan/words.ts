/**
 * What a plan says of itself.
 * @module
 */
export const NO_LIVE_EDGE = 'no live edge: nothing that depends on it is cached';
export const NOT_CACHED = 'no live edge: it is not cached';

const SHOWN_MAX = 3;

/** @example some(['/a', '/b', '/c', '/d']) // '/a, /b, /c and 1 more' */
export function some(names: readonly string[]): string {
  const shown = names.slice(0, SHOWN_MAX).join(', ');
  return names.length > SHOWN_MAX ? `${shown} and ${names.length - SHOWN_MAX} more` : shown;
}

/** @example urlsInWords(1) // '1 url' */
export const urlsInWords = (count: number): string => (count === 1 ? '1 url' : `${count} urls`);
