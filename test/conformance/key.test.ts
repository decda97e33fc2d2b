import { describe, expect, it } from 'vitest';
import { stage, versions } from './stage';

async function areOneObject(
  one: { path: string; headers?: Record<string, string> },
  two: { path: string; headers?: Record<string, string> },
  options = {},
) {
  const { origin, get } = await stage(options);
  origin.answer = versions({ 'cache-control': 'max-age=60' });
  await get(one.path, { headers: one.headers ?? {} });
  await get(two.path, { headers: two.headers ?? {} });
  return origin.asked.length === 1;
}

describe('CFDG/QueryStringParameters, LinkFormat: two urls are', () => {
  it.each([
    ['one object', '/a', '/a', true],
    ['two objects when a slash ends one', '/a', '/a/', false],
    ['two objects when their case differs', '/a', '/A', false],
    ['two objects when one is encoded', '/a', '/%61', false],
    ['two objects when only one has a query', '/a', '/a?b=1', false],
    ['two objects when parameters change places', '/a?b=1&c=2', '/a?c=2&b=1', false],
    ['two objects when a name changes case', '/a?b=1', '/a?B=1', false],
    ['two objects when slashes double', '/a/b', '/a//b', false],
    ['one object when a query is empty', '/a', '/a?', true],
  ])('%s: %s %s', async (_, one, two, isOne) => {
    expect(await areOneObject({ path: one }, { path: two })).toBe(isOne);
  });
});

describe('CFDG/cache-key-understand-cache-policy: in the key is', () => {
  const path = '/';

  it('no host', async () => {
    const one = { path, headers: { host: 'one.example' } };
    expect(await areOneObject(one, { path, headers: { host: 'two.example' } })).toBe(true);
  });

  it('no header that the policy does not name', async () => {
    const headers = { 'accept-language': 'de', cookie: 'a=1', 'x-isr-warm': 'job', accept: 'a/b' };
    expect(await areOneObject({ path }, { path, headers })).toBe(true);
  });

  it('a header that the policy names, with its whole value', async () => {
    const of = (language: string) => ({ path, headers: { 'accept-language': language } });
    const options = { keyHeaders: ['Accept-Language'] };
    expect(await areOneObject(of('de'), of('de'), options)).toBe(true);
    expect(await areOneObject(of('de'), of('de-CH'), options)).toBe(false);
    expect(await areOneObject(of('de'), { path }, options)).toBe(false);
  });

  it.each([
    ['gzip, deflate, br, zstd', 'br;q=0.9, gzip', true],
    ['gzip', 'gzip, deflate', true],
    ['gzip', 'br, gzip', false],
    ['br', 'br, gzip', false],
    ['identity', 'deflate', true],
    ['gzip;q=0, br', 'br', true],
    ['GZIP', 'gzip', true],
  ])('Accept-Encoding, normalised: %s | %s', async (one, two, isOne) => {
    const of = (encoding: string) => ({ path, headers: { 'accept-encoding': encoding } });
    expect(await areOneObject(of(one), of(two))).toBe(isOne);
  });

  it.each([
    ['gzip, deflate, br, zstd', 'br,gzip'],
    ['gzip', 'gzip'],
    ['identity', undefined],
  ])('what the origin is asked for: %s becomes %s', async (sent, forwarded) => {
    const { origin, get } = await stage();
    await get('/', { headers: { 'accept-encoding': sent } });
    expect(origin.asked[0]?.headers['accept-encoding']).toBe(forwarded);
  });
});
