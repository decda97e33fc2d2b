import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IsrError } from '../../core/errors';
import { parseTag, TAG_HEADERS, tagsOf } from '../../core/tags';

describe('a tag', () => {
  it('is kept in lower case, since CloudFront compares without case', () => {
    expect(parseTag('Post:42')).toBe('post:42');
  });

  it.each([
    ['', 'at least one character'],
    ['a,b', 'no comma, send two tags'],
    ['a b', 'no white space'],
    ['é', 'visible ASCII'],
    ['\u0000', 'visible ASCII'],
    ['x'.repeat(257), 'at most 256 characters, this one 257'],
  ])('%j is refused with the place, the value and the rule', (raw, rule) => {
    const refusal = catchIsr(() => parseTag(raw, 'tags[2]'));
    expect(refusal).toMatchObject({ code: 'tag-invalid', field: 'tags[2]' });
    expect(refusal.message).toContain('tags[2] is "');
    expect(refusal.message).toContain(rule);
  });

  it('is 1 to 256 characters of ASCII 33 to 126 without comma, and nothing else is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (raw) => {
        const isTag = /^[\x21-\x7e]{1,256}$/.test(raw) && !raw.includes(',');
        expect(accepts(() => parseTag(raw))).toBe(isTag);
      }),
    );
  });
});

describe('the tags of a response', () => {
  it.each([
    ['cache-tag', 'post:42, List', ['list', 'post:42']],
    ['surrogate-key', 'post:42 list', ['list', 'post:42']],
    ['edge-cache-tag', 'post:42,list', ['list', 'post:42']],
    ['xkey', 'post:42 list', ['list', 'post:42']],
    ['x-magento-tags', 'cat_p_1,FPC', ['cat_p_1', 'fpc']],
    ['x-next-cache-tags', '_N_T_/layout,_N_T_/page', ['_n_t_/layout', '_n_t_/page']],
    ['cache-groups', '"scripts", "post:42";v=1', ['post:42', 'scripts']],
  ])('are read from %s', (header, value, tags) => {
    expect(tagsOf({ [header]: [value] })).toEqual({ tags, refused: [] });
  });

  it('are the union of all headers and lines, sorted, each once', () => {
    const fields = { 'cache-tag': ['b,a', 'A'], 'surrogate-key': ['c a'], etag: ['"x"'] };
    expect(tagsOf(fields).tags).toEqual(['a', 'b', 'c']);
  });

  it('leave out what CloudFront would not take, and say why', () => {
    const { tags, refused } = tagsOf({ 'cache-tag': [`ok,two words,${'x'.repeat(257)},`] });
    expect(tags).toEqual(['ok']);
    expect(refused.map(({ why }) => why)).toEqual([
      expect.stringContaining('cache-tag has "two words": a tag has no white space'),
      expect.stringContaining('a tag has at most 256 characters, this one 257'),
    ]);
  });

  it('of a Cache-Groups field that breaks its grammar are none (RFC 9651 §4.2)', () => {
    for (const line of ['scripts', '"a" "b"', '"a",', '"a', '"é"', '42']) {
      expect(tagsOf({ 'cache-groups': [line] })).toMatchObject({ tags: [], refused: [{}] });
    }
  });

  it('never make the parser throw, and are always valid', () => {
    const header = fc.constantFrom(...Object.keys(TAG_HEADERS));
    fc.assert(
      fc.property(fc.dictionary(header, fc.array(fc.string({ unit: 'binary' }))), (fields) => {
        for (const tag of tagsOf(fields).tags) expect(parseTag(tag)).toBe(tag);
      }),
    );
  });
});

function accepts(run: () => unknown): boolean {
  try {
    run();
    return true;
  } catch (thrown) {
    if (thrown instanceof IsrError) return false;
    throw thrown;
  }
}

function catchIsr(run: () => unknown): IsrError {
  try {
    run();
  } catch (thrown) {
    if (thrown instanceof IsrError) return thrown;
    throw thrown;
  }
  throw new Error('nothing was thrown');
}
