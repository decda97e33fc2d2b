import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TAG_LENGTH_MAX } from '../../core/tags';
import fixture from '../../origin/fixtures/headers.json';
import { type IsrPage, isrHeaders, tag } from '../../origin/index';

describe('a tag made of a kind and an id', () => {
  it.each(fixture.tag)('$kind, $id is $tag', ({ kind, id, tag: expected }) => {
    expect(tag(kind, id)).toBe(expected);
  });

  it.each(fixture.tagRefused)('is refused: $error', ({ kind, id, error }) => {
    expect(() => tag(kind, id as never)).toThrow(error);
  });

  it('refuses an id that is no number, as of a page that does not exist', () => {
    expect(() => tag('post', Number('x'))).toThrow('id is NaN: it takes a string or a number');
  });

  it('gives back kind and id, but for the case of ASCII letters', () => {
    const part = fc.string({ unit: 'binary', minLength: 1, maxLength: 10 });
    fc.assert(
      fc.property(part, part, (kind, id) => {
        const made = tag(kind, id);
        const colon = made.indexOf(':');
        const back = [made.slice(0, colon), made.slice(colon + 1)].map(decodeURIComponent);
        expect(back).toEqual([asciiLowerCase(kind), asciiLowerCase(id)]);
      }),
    );
  });

  it('takes half a character for the sign that stands for none', () => {
    expect(tag('icon', '🦊'.slice(0, 1))).toBe('icon:%ef%bf%bd');
  });

  it('takes a big integer, and is at most as long as a tag may be', () => {
    expect(tag('order', 2n ** 64n)).toBe('order:18446744073709551616');
    expect(tag('p', 'x'.repeat(TAG_LENGTH_MAX - 2))).toHaveLength(TAG_LENGTH_MAX);
    expect(() => tag('p', 'x'.repeat(TAG_LENGTH_MAX - 1))).toThrow('at most 256 characters');
  });
});

function asciiLowerCase(text: string): string {
  return text.toWellFormed().replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

describe('the headers of a page', () => {
  it.each(fixture.headers)('$name', ({ page, expect: expected }) => {
    expect(lowerCaseNames(isrHeaders(page))).toEqual(expected);
  });

  it.each(fixture.headersRefused)('are refused for $name', ({ page, error }) => {
    expect(() => isrHeaders(page as IsrPage)).toThrow(error);
  });

  it('are refused for more tags than a header holds', () => {
    const tags = Array.from({ length: 100 }, (_, i) => `${i}:${'x'.repeat(200)}`);
    expect(() => isrHeaders({ tags, sMaxAge: 60 })).toThrow(
      'tags take 20389 characters together, at most 16384',
    );
  });
});

function lowerCaseNames(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
}
