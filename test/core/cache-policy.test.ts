import { describe, expect, it } from 'vitest';
import { formatLifetime, judge, type Rendered, servedSeconds } from '../../core/cache-policy';
import type { Fields } from '../../core/headers';

const policy = { keyHeaders: ['x-isr-locale'], maxTtlSeconds: 86_400, defaultSwrSeconds: 600 };

function page(response: Fields, more: Partial<Rendered> = {}): Rendered {
  return { method: 'GET', status: 200, request: {}, response, ...more };
}

const cacheable = { 'cache-control': ['s-maxage=300'] };

describe('a response that must not be cached', () => {
  it.each<[string, Rendered, string, string?]>([
    ['answers a POST', page(cacheable, { method: 'POST' }), 'method', 'POST'],
    ['sets a cookie', page({ ...cacheable, 'set-cookie': ['a=1'] }), 'set-cookie'],
    [
      'says no-store',
      page({ 'cache-control': ['s-maxage=300, no-store'] }),
      'directive',
      'no-store',
    ],
    ['says private', page({ 'cache-control': ['private, s-maxage=300'] }), 'directive', 'private'],
    [
      'says private for a field',
      page({ 'cache-control': ['private="x", s-maxage=9'] }),
      'directive',
      'private',
    ],
    [
      'says no-cache',
      page({ 'cache-control': ['no-cache, s-maxage=300'] }),
      'directive',
      'no-cache',
    ],
    [
      'was asked with credentials',
      page(cacheable, { request: { authorization: ['x'] } }),
      'authorization',
    ],
    ['is a piece of a page', page(cacheable, { request: { rsc: ['1'] } }), 'partial', 'rsc'],
    [
      'varies on a cookie',
      page({ ...cacheable, vary: ['Accept-Encoding, Cookie'] }),
      'vary',
      'cookie',
    ],
    ['varies on everything', page({ ...cacheable, vary: ['*'] }), 'vary', '*'],
    ['is an error of the server', page(cacheable, { status: 500 }), 'status', '500'],
    ['is a part', page(cacheable, { status: 206 }), 'status', '206'],
    ['has no content', page(cacheable, { status: 204 }), 'status', '204'],
    ['is empty', page({ ...cacheable, 'content-length': ['0'] }), 'empty'],
    ['names no lifetime', page({}), 'no-lifetime'],
    [
      'names a lifetime of zero',
      page({ 'cache-control': ['s-maxage=0, max-age=60'] }),
      'no-lifetime',
    ],
    [
      'names an unreadable lifetime',
      page({ 'cache-control': ['s-maxage=soon, max-age=60'] }),
      'no-lifetime',
    ],
  ])('%s', (_, rendered, reason, detail) => {
    expect(judge(rendered, policy)).toEqual({
      kind: 'refuse',
      reason,
      ...(detail === undefined ? {} : { detail }),
    });
  });
});

describe('a response that may be cached', () => {
  it.each<[string, Rendered]>([
    [
      'varies on what is in the key',
      page({ ...cacheable, vary: ['X-Isr-Locale, accept-encoding'] }),
    ],
    [
      "varies on a framework's piece headers, none of which was sent",
      page({ ...cacheable, vary: ['RSC'] }),
    ],
    ['is a redirect', page(cacheable, { status: 301 })],
    ['is a page that is not there (yet)', page(cacheable, { status: 404 })],
    ['answers a HEAD', page(cacheable, { method: 'HEAD' })],
    ['renews a copy', page(cacheable, { status: 304 })],
  ])('%s', (_, rendered) => {
    expect(judge(rendered, policy).kind).toBe('keep');
  });
});

describe('the lifetime', () => {
  it.each([
    ['s-maxage=300, max-age=5', [300, 0, 0]],
    ['max-age=5', [5, 0, 0]],
    ['s-maxage=300, stale-while-revalidate=60, stale-if-error=90', [300, 60, 90]],
    ['s-maxage=300, stale-while-revalidate', [300, 600, 0]],
    ['s-maxage=300, stale-while-revalidate=60, must-revalidate', [300, 0, 0]],
    ['s-maxage=300, stale-if-error=60, proxy-revalidate', [300, 0, 0]],
    ['s-maxage=999999, stale-while-revalidate=999999', [86_400, 86_400, 0]],
  ])('of %j is fresh, stale while revalidating and stale on errors for %j s', (value, seconds) => {
    const verdict = judge(page({ 'cache-control': [value] }), policy);
    const [freshSeconds, staleSeconds, errorSeconds] = seconds;
    expect(verdict).toEqual({
      kind: 'keep',
      lifetime: { freshSeconds, staleSeconds, errorSeconds },
    });
  });

  it("comes from Expires and Date, both by the origin's own clock, when Cache-Control has none", () => {
    const date = 'Tue, 01 Jan 2030 00:00:00 GMT';
    const verdict = judge(
      page({ date: [date], expires: ['Tue, 01 Jan 2030 00:01:00 GMT'] }),
      policy,
    );
    expect(verdict).toMatchObject({ lifetime: { freshSeconds: 60 } });
    expect(judge(page({ date: [date], expires: ['0'] }), policy)).toMatchObject({
      reason: 'no-lifetime',
    });
  });

  it('is written in the form that CloudFront documents, with stale-if-error always there', () => {
    const lifetime = { freshSeconds: 300, staleSeconds: 60, errorSeconds: 0 };
    expect(formatLifetime(lifetime)).toBe(
      'max-age=300, stale-while-revalidate=60, stale-if-error=0',
    );
  });

  it('counts, for edges, as long as a copy can be served', () => {
    expect(servedSeconds({ freshSeconds: 300, staleSeconds: 60, errorSeconds: 90 })).toBe(390);
  });
});

describe('a response that says nothing of how long it is fresh', () => {
  const defaults = { freshSeconds: 300, staleSeconds: 3_600, errorSeconds: 60 };
  const withDefaults = { ...policy, defaults };

  it('is kept as the defaults say, if there are any', () => {
    expect(judge(page({}), withDefaults)).toEqual({ kind: 'keep', lifetime: defaults });
    expect(judge(page({}), policy)).toEqual({ kind: 'refuse', reason: 'no-lifetime' });
  });

  it('keeps what it does say', () => {
    const response = { 'cache-control': ['stale-while-revalidate=7'] };
    const lifetime = { ...defaults, staleSeconds: 7 };
    expect(judge(page(response), withDefaults)).toEqual({ kind: 'keep', lifetime });
  });

  it.each(['s-maxage=0', 's-maxage=x', 'max-age=0', 'no-store', 'private'])(
    'is not one that says %s',
    (said) => {
      expect(judge(page({ 'cache-control': [said] }), withDefaults).kind).toBe('refuse');
    },
  );

  it('is not one that has expired, or whose Expires cannot be read', () => {
    for (const expires of ['0', 'Thu, 01 Jan 1970 00:00:00 GMT']) {
      const dated = { expires: [expires], date: ['Tue, 24 Nov 2026 00:00:00 GMT'] };
      expect(judge(page(dated), withDefaults)).toEqual({ kind: 'refuse', reason: 'no-lifetime' });
    }
  });

  it('is capped by the longest that CloudFront may keep it', () => {
    const short = { ...withDefaults, maxTtlSeconds: 100 };
    expect(judge(page({}), short)).toMatchObject({ lifetime: { freshSeconds: 100 } });
  });
});

describe('a response that varies on what the viewer-request function has read', () => {
  const vary = { ...cacheable, vary: ['Accept-Language, User-Agent'] };

  it('is kept where the function’s own headers are in the key', () => {
    const keyed = { ...policy, keyHeaders: ['x-isr-locale', 'x-isr-device'] };
    expect(judge(page(vary), keyed).kind).toBe('keep');
    expect(judge(page(vary), policy)).toMatchObject({ reason: 'vary', detail: 'user-agent' });
  });
});
