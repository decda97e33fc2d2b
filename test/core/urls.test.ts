import { describe, expect, it } from 'vitest';
import { isHashed, urlKey } from '../../core/keys';
import { encodeUrl, parseUrl, urlOf } from '../../core/urls';

describe('a url that somebody asks to revalidate', () => {
  it.each([
    '/',
    '/posts/42?page=2',
    '/a//b/../c',
    '/caf%C3%A9',
    '/a*b',
    "/it's",
    `/${'x'.repeat(3_999)}`,
  ])('%j is taken as it is', (url) => expect(parseUrl(url)).toBe(url));

  it.each([
    ['', 'begins with a slash'],
    ['posts/42', 'begins with a slash'],
    ['https://example.org/a', 'without scheme and host'],
    ['//example.org/a', 'two slashes names a host'],
    ['/\\example.org', 'two slashes names a host'],
    ['/a#b', 'a fragment never reaches a server'],
    ['/a b', 'percent-encode the rest'],
    ['/a|b', 'percent-encode the rest'],
    ['/a[1]', 'percent-encode the rest'],
    ['/a\\b', 'percent-encode the rest'],
    ['/é', 'percent-encode the rest'],
    ['/posts/*', 'wildcards are not taken'],
    ['/~ann', 'cannot purge a path with a tilde: revalidate by tag'],
    ['/%7Eann', 'cannot purge a path with a tilde'],
    [`/${'x'.repeat(4_000)}`, 'at most 4000 characters, this one 4001: revalidate by tag'],
  ])('%j is refused with the rule', (url, rule) => {
    expect(() => parseUrl(url, 'urls[0]')).toThrow(rule);
    expect(() => parseUrl(url, 'urls[0]')).toThrow('urls[0] is "');
  });
});

describe('the url of a request', () => {
  it('is path and query as they were sent, in their order, with their slashes', () => {
    expect(urlOf('/a/', 'b=2&a=1')).toBe('/a/?b=2&a=1');
    expect(urlOf('/a/', '')).toBe('/a/');
    expect(urlOf('//a/../b', 'x')).toBe('//a/../b?x');
  });

  it('is visible ASCII, even from a broken surrogate', () => {
    expect(encodeUrl('/é \ud800')).toBe('/%C3%A9%20%EF%BF%BD');
  });
});

describe('the key of a url', () => {
  it('holds the url when it fits into a sort key, else its hash', () => {
    expect(urlKey(encodeUrl('/a'))).toEqual({
      pk: expect.stringMatching(/^urls#\d+$/),
      sk: 'url#/a',
    });
    const long = encodeUrl(`/${'x'.repeat(8_000)}`);
    expect(isHashed(long)).toBe(true);
    expect(urlKey(long).sk).toMatch(/^url#sha256:[\da-f]{64}$/);
    expect(urlKey(encodeUrl(`${long}y`)).sk).not.toBe(urlKey(long).sk);
  });
});
