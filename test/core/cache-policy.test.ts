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
