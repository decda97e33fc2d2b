/**
 * What is wrong with a prop, in one sentence: its name, its value, the rule.
 * @module
 */
import { type Duration, Stack, Token } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { WARM_LIMITS } from '../../core/config';
import { IsrError } from '../../core/errors';
import { checkApi } from './api-checks';
import type { Settings } from './settings';
import { shieldRegionFor } from './shield';

/** CFDG, cloudfront-limits: a cache policy's headers, and the characters of all its names. */
const KEY_HEADERS_MAX = 10;
const KEY_HEADERS_LENGTH_MAX = 1_024;
/** CFDG, cloudfront-limits: a custom header's value in a response headers policy. */
const HEADER_VALUE_MAX = 1_783;
const YEAR_SECONDS = 31_536_000;
/** Lambda developer guide, services-sqs-parameters. */
const BATCH_WINDOW_SECONDS_MAX = 300;
/** Half of the least is the recorder's (core/recorder.ts), half the cache's: A1 in ARCHITECTURE.md. */
const GRACE_SECONDS = { min: 1, max: 20 };
/** With grace and the purge it has to fit the invalidator's 300 s. */
const SETTLE_SECONDS_MAX = 60;

/** @throws IsrError `option-invalid`, with the prop as its field */
export function checkProps(settings: Settings): void {
  const maxTtlSeconds = settings.maxTtl.toSeconds({ integral: false });
  checkKeyHeaders(settings.keyHeaders);
  checkSeconds('maxTtl', settings.maxTtl, { min: 1, max: 100 * YEAR_SECONDS });
  checkSeconds('unrecordedTtl', settings.unrecordedTtl, { min: 1, max: maxTtlSeconds });
  checkSeconds('renderBudget', settings.renderBudget, { min: 0, max: 86_400, isWhole: false });
  checkSeconds('batchWindow', settings.batchWindow, { min: 0, max: BATCH_WINDOW_SECONDS_MAX });
  checkSeconds('grace', settings.grace, { ...GRACE_SECONDS, isWhole: false });
  checkSeconds('settle', settings.settle, { min: 0, max: SETTLE_SECONDS_MAX, isWhole: false });
  checkBudget(settings.budget?.items);
  checkHeaderValue('browserCacheControl', settings.browserCacheControl);
  checkCount('warm.maxUrls', settings.warm?.maxUrls, WARM_LIMITS.maxUrls);
  checkCount('warm.perSecond', settings.warm?.perSecond, WARM_LIMITS.perSecond);
  checkCount('warm.concurrency', settings.warm?.concurrency, WARM_LIMITS.concurrency);
  checkApi(settings.api, settings.region);
}

/** @returns the region of the stack, which has to be known */
export function checkRegion(scope: Construct, isShielded: boolean): string {
  const { region, stackName } = Stack.of(scope);
  if (Token.isUnresolved(region)) {
    throw invalid(
      'env',
      `of the stack ${stackName} has no region: the recorder has to know where its table is, set env: { region: 'eu-west-1' } (or any other) on the stack`,
    );
  }
  if (isShielded && shieldRegionFor(region) === undefined) {
    throw invalid(
      'originShield',
      `is true, but no Origin Shield is known near the stack's region ${region}: set it to false`,
    );
  }
  return region;
}

function checkKeyHeaders(names: readonly string[]): void {
  if (names.length > KEY_HEADERS_MAX) {
    throw invalid(
      'keyHeaders',
      `has ${names.length} names: a cache policy takes at most ${KEY_HEADERS_MAX}`,
    );
  }
  const lower = names.map((name) => name.toLowerCase());
  names.forEach((name, at) => {
    const problem = problemOf(lower, at);
    if (problem) throw invalid(`keyHeaders[${at}]`, `is ${JSON.stringify(name)}: ${problem}`);
  });
  if (names.join('').length > KEY_HEADERS_LENGTH_MAX) {
    throw invalid(
      'keyHeaders',
      `has ${names.join('').length} characters in all: a cache policy takes at most ${KEY_HEADERS_LENGTH_MAX}`,
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

function checkSeconds(
  prop: string,
  value: Duration | undefined,
  { min, max, isWhole = true }: { min: number; max: number; isWhole?: boolean },
): void {
  if (value === undefined) return;
  if (value.isUnresolved()) throw invalid(prop, 'is known at deployment only: give a fixed value');
  const seconds = value.toMilliseconds({ integral: false }) / 1_000;
  if (isWhole && !Number.isInteger(seconds))
    throw invalid(prop, `is ${seconds} s: it takes whole seconds`);
  if (seconds < min || seconds > max)
    throw invalid(prop, `is ${seconds} s: it lies between ${min} and ${max} s`);
}

function checkBudget(items: number | undefined): void {
  if (items === undefined || Token.isUnresolved(items)) return;
  if (Number.isSafeInteger(items) && items >= 0) return;
  throw invalid('budget.items', `is ${items}: it takes a whole number of items, at least 0`);
}

function checkCount(
  prop: string,
  value: number | undefined,
  { min, max }: { min: number; max: number },
): void {
  if (value === undefined) return;
  if (Token.isUnresolved(value))
    throw invalid(prop, 'is known at deployment only: give a fixed value');
  if (Number.isInteger(value) && value >= min && value <= max) return;
  throw invalid(prop, `is ${value}: it takes a whole number from ${min} to ${max}`);
}

function checkHeaderValue(prop: string, value: string | undefined): void {
  if (value === undefined) return;
  if (/^[!-~](?:[ -~]*[!-~])?$/.test(value) && value.length <= HEADER_VALUE_MAX) return;
  throw invalid(
    prop,
    `is ${JSON.stringify(value.slice(0, 80))}: it takes 1 to ${HEADER_VALUE_MAX} visible ASCII characters`,
  );
}

function invalid(prop: string, problem: string): IsrError {
  return new IsrError('option-invalid', `EdgeIsr: ${prop} ${problem}`, prop);
}
