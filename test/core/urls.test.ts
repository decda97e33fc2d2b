import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { edgeKey, isHashed, urlKey } from '../../core/keys';
import { parseTag } from '../../core/tags';
import {
  encodeUrl,
  isPurgeable,
  parseUrl,
  spellingsOf,
  type Url,
  urlOf,
  wildcardLength,
} from '../../core/urls';
import { ROOT } from '../support/bundles';

describe('a url that somebody asks to revalidate', () => {
  it.each([
    '/',
    '/posts/42?page=2',
    '/?a=1&a=2&a',
    '/?next=https://example.org//a/../b',
    '/caf%C3%A9',
    '/caf%c3%a9',
    '/%FF',
    '/a%20b+c%5B1%5D%25',
    '/a/...',
    '/a;b=c,d@e:f!$&(g)',
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
    ['/a%00', 'no path that has %00, which needs no encoding: revalidate by tag'],
    ['/%61', 'no path that has %61'],
    ['/?next=%2fhome', 'no path that has %2f'],
    ['/100%', 'percent-encode the rest'],
    ['/a//b', 'empty or dot segments: revalidate by tag'],
    ['/a/../b', 'empty or dot segments'],
    ['/.', 'empty or dot segments'],
    ['/a/..?b', 'empty or dot segments'],
    ['/a?', 'leave the question mark out'],
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

  it('is not what its encoding is: CloudFront may keep the two apart', () => {
    expect(urlOf('/é', 'a=[1]')).toBe('/é?a=[1]');
    expect(urlOf('/%C3%A9', 'a=%5B1%5D')).toBe('/%C3%A9?a=%5B1%5D');
  });

  it('that somebody types is percent-encoded as a browser does it, even with half a surrogate pair', () => {
    expect(encodeUrl('/é \ud800')).toBe('/%C3%A9%20%EF%BF%BD');
  });
});

/** What an event can show: Unicode, and most often characters at the borders of the rules. */
const text = fc
  .array(
    fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom(...'/.?#*~%+ aA\\[]|"^;=&\0é') },
      {
        weight: 4,
        arbitrary: fc.constantFrom('%61', '%2F', '%2f', '%C3%A9', '%c3%a9', '%00', '%5B', '%7E'),
      },
      { weight: 1, arbitrary: fc.string({ minLength: 1, maxLength: 1, unit: 'binary' }) },
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(''));
/** Few lengths around 1,000 and 4,000, so that long ones differ in a character or two. */
const padding = fc.constantFrom(...[0, 0, 0, 985, 995, 3_990, 8_180].map((n) => 'x'.repeat(n)));
const request = fc.record({
  uri: fc.tuple(padding, text).map(([pad, it]) => `/${pad}${it.replaceAll('?', '')}`),
  querystring: text,
});

describe('two requests that CloudFront keys apart', () => {
  it('have two urls, two records and two edges: long ones too', () => {
    const tag = parseTag('a');
    const near = fc
      .tuple(request, request, text)
      .chain(([one, two, more]) =>
        fc.constantFrom(
          [one, two] as const,
          [one, { ...one, querystring: one.querystring + more }] as const,
          [one, { ...one, uri: one.uri + more.replaceAll('?', '') }] as const,
          [one, { uri: encodeUrl(one.uri), querystring: encodeUrl(one.querystring) }] as const,
          [one, { uri: one.uri.normalize('NFD'), querystring: one.querystring }] as const,
        ),
      );
    fc.assert(
      fc.property(near, ([one, two]) => {
        fc.pre(one.uri !== two.uri || one.querystring !== two.querystring);
        const [a, b] = [one, two].map(({ uri, querystring }) => urlOf(uri, querystring));
        expect(a).not.toBe(b);
        expect(urlKey(a as Url)).not.toEqual(urlKey(b as Url));
        expect(edgeKey(tag, a as Url, 1)).not.toEqual(edgeKey(tag, b as Url, 1));
      }),
      { numRuns: 3_000 },
    );
  });

  it('have keys that DynamoDB takes: at most 1,024 bytes', () => {
    fc.assert(
      fc.property(request, ({ uri, querystring }) => {
        const { sk } = edgeKey(parseTag('a'), urlOf(uri, querystring), 1);
        expect(Buffer.byteLength(sk)).toBeLessThanOrEqual(1_024);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('a path that a purge may have', () => {
  /** CFDG, invalidation-specifying-objects, in other words than core's pattern. */
  function isSure(url: string): boolean {
    const bytes = url.match(/%[\dA-Fa-f]{2}/g) ?? [];
    const rest = url.replace(/%[\dA-Fa-f]{2}/g, '');
    const [path = '', query] = url.split(/\?(.*)/s);
    const segments = path.split('/').slice(1);
    return (
      /^[\w/?:@=&;$\-.+!*'(),]*$/.test(rest) && // RFC 1738: safe, reserved, extra
      bytes.every((it) => /["#%<>[\\\]^`{|} \x80-\xff]/.test(byteOf(it))) && // to be encoded, `~` aside
      segments.every(
        (it, i) => !['.', '..'].includes(it) && (it !== '' || i === segments.length - 1),
      ) &&
      query !== '' &&
      !url.endsWith('*') &&
      url.length <= 4_000
    );
  }
  const byteOf = (encoded: string) => String.fromCharCode(Number.parseInt(encoded.slice(1), 16));

  it('encodes what has to be encoded and nothing else, has no empty or dot segment, no tilde, no wildcard', () => {
    const seen = { sure: 0, unsure: 0 };
    fc.assert(
      fc.property(request, ({ uri, querystring }) => {
        const url = urlOf(uri, querystring);
        const sure = isSure(url);
        seen[sure ? 'sure' : 'unsure'] += 1;
        expect({ url, isPurgeable: isPurgeable(url) }).toEqual({ url, isPurgeable: sure });
      }),
      { numRuns: 10_000 },
    );
    expect(seen.sure).toBeGreaterThan(100);
    expect(seen.unsure).toBeGreaterThan(100);
  });
});

describe('the spellings of a url that somebody asks to revalidate', () => {
  it.each([
    ['/a?b=c', ['/a?b=c']],
    ['/%5B%C3%a9', ['/%5B%C3%a9', '/%5B%C3%A9', '/%5b%c3%a9', '/[é']],
    ['/%E9', ['/%E9', '/%e9', '/é']],
    ['/a%20b%23%25', ['/a%20b%23%25']],
  ])('%s may be recorded as %j', (url, spellings) => {
    expect(spellingsOf(parseUrl(url))).toEqual(spellings);
  });
});

describe('docs/urls.md', () => {
  const rows = readFileSync(join(ROOT, 'docs/urls.md'), 'utf8')
    .split('\n')
    .filter((line) => /^\| .* \| (path|tag) \|/.test(line))
    .map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim()));

  it('says by path or by tag, as the code does, of each of its examples', () => {
    expect(rows.length).toBeGreaterThan(20);
    for (const [, , examples = '', way] of rows) {
      for (const [, example = ''] of examples.matchAll(/`([^`]+)`/g)) {
        const url = example.replaceAll('\\|', '|');
        expect({ url, way: isPurgeable(url) ? 'path' : 'tag' }).toEqual({ url, way });
      }
    }
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

describe('the beginning of a url that a wildcard can name', () => {
  it.each([
    ['/posts/42', '/posts/42'],
    ['/a~b', '/a'],
    ['/%7Ea', '/'],
    ['/a*', '/a'],
    ['/a**b', '/a**b'],
    ['/a/%C3%A9', '/a/%C3%A9'],
    ['/a/%C3', '/a/'],
    ['/a/%C', '/a/'],
    ['/a?', '/a'],
    ['/a//b', '/a/'],
    ['/a/../b', '/a/'],
    ['/a/..b', '/a/..b'],
    ['//a', '/'],
    [`/${'a'.repeat(5_000)}`, `/${'a'.repeat(3_998)}`],
  ])('of %s is %s', (url, beginning) => {
    expect(url.slice(0, wildcardLength(url))).toBe(beginning);
  });
});
