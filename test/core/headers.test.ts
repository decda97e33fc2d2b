import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { listOf, parseCacheControl, secondsOf } from '../../core/headers';

describe('Cache-Control', () => {
  it.each([
    ['s-maxage=60, public', { 's-maxage': '60', public: true }],
    ['S-MaxAge=60,PUBLIC', { 's-maxage': '60', public: true }],
    ['private="set-cookie, x-id", max-age=5', { private: 'set-cookie, x-id', 'max-age': '5' }],
    ['ext="a \\"quoted\\" word"', { ext: 'a "quoted" word' }],
    [' , ,max-age=5,, ', { 'max-age': '5' }],
    ['max-age="5"', { 'max-age': '5' }],
    ['', {}],
  ])('%j is read by its grammar', (value, directives) => {
    expect({ ...parseCacheControl(value) }).toEqual(directives);
  });

  it('gives the first of a directive that comes twice (RFC 9111 §4.2.1)', () => {
    expect(parseCacheControl('max-age=1, max-age=2')['max-age']).toBe('1');
  });

  it('loses junk, and only the junk', () => {
    const directives = parseCacheControl('max-age = 5, @@, s-maxage=60, a b, "x,y", no-store');
    expect({ ...directives }).toEqual({ 's-maxage': '60', 'no-store': true });
  });

  it('is parsed to its end whatever it holds, without throwing', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (junk) => {
        expect(parseCacheControl(`${junk.replaceAll('"', '')}, no-store`)['no-store']).toBe(true);
        parseCacheControl(junk);
      }),
    );
  });
});

describe('delta-seconds', () => {
  it.each([
    ['60', 60],
    ['0', 0],
    ['99999999999', 2_147_483_648],
    ['-1', undefined],
    ['1.5', undefined],
    ['1e3', undefined],
    ['', undefined],
  ])('%j are %j', (value, seconds) => {
    expect(secondsOf({ 'max-age': value }, 'max-age')).toBe(seconds);
  });

  it('are absent when the directive is bare or missing', () => {
    expect(secondsOf({ 'max-age': true }, 'max-age')).toBeUndefined();
    expect(secondsOf({}, 'max-age')).toBeUndefined();
  });
});

describe('a list of field names', () => {
  it('is trimmed, in lower case, without empty members', () => {
    expect(listOf(' Accept , ,COOKIE')).toEqual(['accept', 'cookie']);
    expect(listOf(undefined)).toEqual([]);
  });
});
