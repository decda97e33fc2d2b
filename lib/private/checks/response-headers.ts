/**
 * What viewers are told beside the page: `browserCacheControl` and `responseHeaders`.
 * @module
 */
import { Token } from 'aws-cdk-lib';
import type { Settings } from '../settings';
import { invalid } from './said';

/** CFDG, cloudfront-limits: of a response headers policy; ours is Cache-Control. */
const HEADERS_MAX = 9;
const VALUE_LENGTH_MAX = 1_783;

export function checkResponseHeaders({
  browserCacheControl,
  responseHeaders = [],
}: Settings): void {
  checkValue('browserCacheControl', browserCacheControl);
  if (responseHeaders.length > HEADERS_MAX) {
    const rule = `it takes at most ${HEADERS_MAX}, beside Cache-Control`;
    throw invalid('responseHeaders', `has ${responseHeaders.length} headers: ${rule}`);
  }
  const names = responseHeaders.map(({ header }) => header.toLowerCase());
  responseHeaders.forEach(({ header, value }, at) => {
    const problem = problemOf(names, at);
    const prop = `responseHeaders[${at}]`;
    if (problem) throw invalid(`${prop}.header`, `is ${JSON.stringify(header)}: ${problem}`);
    checkValue(`${prop}.value`, value);
  });
}

function problemOf(names: readonly string[], at: number): string | undefined {
  const name = names[at] ?? '';
  if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) return 'a header name is a token (RFC 9110 §5.6.2)';
  if (name === 'cache-control') return 'browserCacheControl stands for it';
  if (name.startsWith('x-isr-')) return 'headers that begin with x-isr- are our own';
  return names.indexOf(name) === at ? undefined : 'it is named twice';
}

function checkValue(prop: string, value: string): void {
  if (Token.isUnresolved(value)) return;
  if (/^[!-~](?:[ -~]*[!-~])?$/.test(value) && value.length <= VALUE_LENGTH_MAX) return;
  throw invalid(
    prop,
    `is ${JSON.stringify(value.slice(0, 80))}: it takes 1 to ${VALUE_LENGTH_MAX} visible ASCII characters`,
  );
}
