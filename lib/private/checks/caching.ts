/**
 * What makes pages the same and how long they are kept: `keyHeaders`, `variants`, `dropParameters`, `defaults`.
 * @module
 */

import { Device } from '../../caching';
import type { EdgeIsrProps } from '../../edge-isr';
import type { Settings } from '../settings';
import { checkEach, checkOneOf, checkSeconds, checkSome, invalid } from './said';

/** CFDG, cloudfront-limits: a cache policy's headers, and the characters of all its names. */
const KEY_HEADERS_MAX = 10;
const KEY_HEADERS_LENGTH_MAX = 1_024;

/** @param all with those that variants add */
export function checkKeyHeaders(names: readonly string[], all: readonly string[]): void {
  if (all.length > KEY_HEADERS_MAX) {
    const added = all.length - names.length;
    throw invalid(
      'keyHeaders',
      `has ${names.length} names${added > 0 ? ` and variants add ${added}` : ''}: a cache policy takes at most ${KEY_HEADERS_MAX}`,
    );
  }
  const lower = names.map((name) => name.toLowerCase());
  names.forEach((name, at) => {
    const problem = problemOf(lower, at);
    if (problem) throw invalid(`keyHeaders[${at}]`, `is ${JSON.stringify(name)}: ${problem}`);
  });
  if (all.join('').length > KEY_HEADERS_LENGTH_MAX) {
    throw invalid(
      'keyHeaders',
      `has ${all.join('').length} characters in all: a cache policy takes at most ${KEY_HEADERS_LENGTH_MAX}`,
    );
  }
}

function problemOf(names: readonly string[], at: number): string | undefined {
  const name = names[at] ?? '';
  if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) return 'a header name is a token (RFC 9110 §5.6.2)';
  if (name === 'cookie') return 'a page that differs by cookie is not cached';
  if (name === 'accept-encoding') return 'it is in the key already (gzip, br)';
  if (name.startsWith('x-isr-')) return 'headers that begin with x-isr- are our own';
  return names.indexOf(name) === at ? undefined : 'it is named twice';
}

/** What the function makes variants of must not be in the key as it was sent, too: no variant could be warmed. */
export function checkReadHeaders({
  keyHeaders,
  viewerRules: { locales, devices },
}: Settings): void {
  keyHeaders.forEach((name, at) => {
    const lower = name.toLowerCase();
    const variant =
      (lower === 'accept-language' && locales.length > 0 && 'locales') ||
      (lower === 'user-agent' && devices.length > 0 && 'devices');
    if (!variant) return;
    const problem = `variants.${variant} stand for it`;
    throw invalid(`keyHeaders[${at}]`, `is ${JSON.stringify(name)}: ${problem}`);
  });
}

export function checkCaching(
  { defaults, dropParameters, variants }: EdgeIsrProps,
  max: number,
): void {
  checkSeconds('defaults.sMaxAge', defaults?.sMaxAge, { min: 1, max });
  checkSeconds('defaults.staleWhileRevalidate', defaults?.staleWhileRevalidate, { min: 0, max });
  checkSeconds('defaults.staleIfError', defaults?.staleIfError, { min: 0, max });
  checkEach('dropParameters', dropParameters, (name) =>
    /^[!-%'-)+-<>-~]+\*?$/.test(name)
      ? undefined
      : 'it takes a parameter’s name, or its beginning and *',
  );
  checkSome('variants.locales', variants?.locales, problemOfLocale);
  checkSome('variants.devices', variants?.devices, () => undefined);
  variants?.devices?.forEach((device, at) => {
    checkOneOf(`variants.devices[${at}]`, device, Device);
  });
  if (variants && !variants.locales && !variants.devices)
    throw invalid('variants', 'has neither locales nor devices: name some, or leave it out');
}

/** BCP 47, in the spelling that browsers send; unknown languages and regions are slips, as `jp` and `en-UK` are. */
function problemOfLocale(text: string): string | undefined {
  const rule = 'it takes language tags, as de or pt-BR (BCP 47)';
  try {
    const [canonical = ''] = Intl.getCanonicalLocales(text);
    if (canonical.toLowerCase() !== text.toLowerCase()) return `it is spelled ${canonical}`;
    const { language, region } = new Intl.Locale(text);
    const isLanguage = language.length === 3 || isNamed('language', language);
    if (!isLanguage) return `no language is called ${language}, ${rule}`;
    if (region && !isNamed('region', region)) return `no region is called ${region}, ${rule}`;
    return undefined;
  } catch {
    return rule;
  }
}

function isNamed(type: 'language' | 'region', code: string): boolean {
  return new Intl.DisplayNames('en', { type, fallback: 'none' }).of(code) !== undefined;
}
