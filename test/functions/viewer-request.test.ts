import type { IncomingMessage } from 'node:http';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TRACKING_PARAMETERS, type ViewerRules } from '../../core/viewer-rules';
import { viewerFunction } from '../../local/cloudfront/viewer-function';

const none: ViewerRules = { drop: [], locales: [], devices: [] };

/** What the built function makes of a request. */
function asked(
  url: string,
  rules: Partial<ViewerRules>,
  { method = 'GET', ...headers }: Record<string, string> = {},
) {
  const viewer = { method, headers: { ...headers } } as unknown as IncomingMessage;
  const changed = viewerFunction({ ...none, ...rules })(viewer, url);
  return { url: changed, headers: viewer.headers };
}

describe('a tracking parameter', () => {
  const drop = TRACKING_PARAMETERS;

  it.each([
    ['/a?utm_source=x', '/a'],
    ['/a?page=2&utm_source=x&utm_medium=y', '/a?page=2'],
    ['/a?gclid=1&b=2&fbclid=3', '/a?b=2'],
    ['/a?utm_source', '/a'],
    ['/a?b=utm_source=1', '/a?b=utm_source=1'],
    ['/a?UTM_source=1', '/a?UTM_source=1'],
    ['/a?xutm_a=1', '/a?xutm_a=1'],
    ['/a?gclid2=1', '/a?gclid2=1'],
  ])('is dropped, and nothing else: %s', (url, left) => {
    expect(asked(url, { drop }).url).toBe(left);
  });

  it('stays where a page is changed, not read', () => {
    expect(asked('/a?utm_source=x', { drop }, { method: 'POST' }).url).toBe('/a?utm_source=x');
    expect(asked('/a?utm_source=x', { drop }, { method: 'HEAD' }).url).toBe('/a');
  });

  it('leaves the rest as it was sent, in its order and spelling', () => {
    const text = fc.string({ unit: fc.constantFrom(...'aB%2F+=;!~é?/.') });
    fc.assert(
      fc.property(fc.array(text), (pairs) => {
        const kept = pairs.filter((pair) => pair !== '' && !pair.startsWith('utm_'));
        const noisy = kept.flatMap((pair) => [pair, 'utm_x=1']);
        const url = (all: string[]) => (all.length > 0 ? `/a?${all.join('&')}` : '/a');
        expect(asked(url(noisy), { drop: ['utm_*'] }).url).toBe(url(kept));
        expect(asked(url(kept), { drop: ['utm_*'] }).url).toBe(url(kept));
      }),
    );
  });
});

describe('the language of a viewer', () => {
  const locales = ['en', 'de', 'pt-BR'];

  it.each([
    ['de', 'de'],
    ['de-AT,en;q=0.5', 'de'],
    ['en;q=0.5, de;q=0.9', 'de'],
    ['fr, de;q=0.1', 'de'],
    ['pt-br', 'pt-BR'],
    ['pt', 'en'],
    ['de;q=0, en', 'en'],
    ['de;q=x', 'en'],
    ['', 'en'],
    ['*', 'en'],
    ['zh-Hant-TW', 'en'],
  ])('%j gets the pages of %s', (accepted, locale) => {
    const { headers } = asked('/a', { locales }, { 'accept-language': accepted });
    expect(headers['x-isr-locale']).toBe(locale);
  });

  it('is one of the site’s, whatever is sent, and is itself when it is sent', () => {
    fc.assert(
      fc.property(fc.string(), (accepted) => {
        const { headers } = asked('/a', { locales }, { 'accept-language': accepted });
        expect(locales).toContain(headers['x-isr-locale']);
      }),
    );
    for (const locale of locales) {
      const { headers } = asked('/a', { locales }, { 'accept-language': locale });
      expect(headers['x-isr-locale']).toBe(locale);
    }
  });

  it('cannot be set under our own name', () => {
    const { headers } = asked('/a', { locales }, { 'x-isr-locale': 'de' });
    expect(headers['x-isr-locale']).toBe('en');
  });
});

describe('the device of a viewer', () => {
  const IPHONE =
    'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Mobile/15E148 Safari/604.1';
  const IPAD = 'Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) Mobile/15E148 Safari/604.1';
  const PHONE = 'Mozilla/5.0 (Linux; Android 14; Pixel 8) Chrome/126.0 Mobile Safari/537.36';
  const TABLET = 'Mozilla/5.0 (Linux; Android 14; SM-X710) Chrome/126.0 Safari/537.36';
  const WINDOWS = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/126.0 Safari/537.36';

  it.each([
    [IPHONE, 'mobile'],
    [PHONE, 'mobile'],
    [IPAD, 'tablet'],
    [TABLET, 'tablet'],
    [WINDOWS, 'desktop'],
    ['curl/8', 'desktop'],
    ['', 'desktop'],
  ])('%s is %s', (agent, device) => {
    const devices = ['mobile', 'tablet', 'desktop'] as const;
    const { headers } = asked('/a', { devices }, { 'user-agent': agent });
    expect(headers['x-isr-device']).toBe(device);
  });

  it('that the site does not know gets the first', () => {
    const devices = ['desktop', 'mobile'] as const;
    const { headers } = asked('/a', { devices }, { 'user-agent': IPAD });
    expect(headers['x-isr-device']).toBe('desktop');
  });
});
