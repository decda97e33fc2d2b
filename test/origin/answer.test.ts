import { describe, expect, it } from 'vitest';
import { judge } from '../../core/cache-policy';
import { RECORDER_DEFAULTS } from '../../core/config';
import { type Answer, headersOf, NO_STORE, refusalOf } from '../../origin/answer';
import { TAGS_LENGTH_MAX } from '../../origin/format';

const PAGE: Answer = {
  method: 'GET',
  status: 200,
  isAuthorized: false,
  setsCookie: false,
  cacheControl: undefined,
};
const RENDERED = {
  cacheTag: 'post:42',
  isTagged: true,
  defaultCacheControl: 'public, s-maxage=300',
};

describe('what the SDK lets be cached', () => {
  const answers = [
    ...Array.from({ length: 400 }, (_, i) => ({ status: 200 + i })),
    ...['HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS'].map((method) => ({ method })),
    { isAuthorized: true },
    { setsCookie: true },
    ...['no-store', 'PRIVATE', 'no-cache', 's-maxage=1', 'max-age=9, x="private"'].map(
      (cacheControl) => ({ cacheControl }),
    ),
  ].map((difference): Answer => ({ ...PAGE, ...difference }));

  it('is what the edge keeps, and nothing else', () => {
    const differing = answers.filter(
      (answer) => (refusalOf(answer, RENDERED) === undefined) !== isKeptByTheEdge(answer),
    );
    expect(differing).toEqual([]);
    expect(answers.filter(isKeptByTheEdge).length).toBeGreaterThan(10);
  });

  it('is no page that depends on what no tag could name', () => {
    expect(refusalOf(PAGE, { ...RENDERED, isTagged: false })).toBe('tag-invalid');
  });

  it('is no page whose tags fill no header', () => {
    const cacheTag = 'x'.repeat(TAGS_LENGTH_MAX + 1);
    expect(refusalOf(PAGE, { ...RENDERED, cacheTag })).toBe('tags-too-long');
  });

  it('never throws over its headers', () => {
    for (const answer of answers) {
      const headers = headersOf(answer, RENDERED, {
        refusal: refusalOf(answer, RENDERED),
        elapsedMs: 1,
      });
      expect(headers['Cache-Control']).toMatch(/s-maxage|max-age|private|no-store|no-cache/i);
    }
  });
});

function isKeptByTheEdge(answer: Answer): boolean {
  const cacheControl = answer.cacheControl ?? 's-maxage=300';
  const verdict = judge(
    {
      method: answer.method,
      status: answer.status,
      request: answer.isAuthorized ? { authorization: ['Basic YTpi'] } : {},
      response: {
        'cache-control': [cacheControl],
        ...(answer.setsCookie ? { 'set-cookie': ['a=1'] } : {}),
      },
    },
    RECORDER_DEFAULTS,
  );
  return verdict.kind === 'keep';
}

describe('an answer that must not be cached', () => {
  it('says so when its handler said nothing', () => {
    expect(headersOf(PAGE, RENDERED, { refusal: 'status', elapsedMs: 1 })).toEqual({
      'Cache-Control': NO_STORE,
    });
  });
});
