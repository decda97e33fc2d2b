/**
 * What is wrong with a prop, in one sentence: its name, its value, the rule.
 * @module
 */
import { type Duration, Stack, Token } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { WARM_LIMITS } from '../../core/config';
import { IsrError } from '../../core/errors';
import type { EdgeIsrProps } from '../edge-isr';
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
/** Zero: the first one is an alarm. */
const ALARM_COUNT = { min: 0, max: 1_000_000 };

/** @throws IsrError `option-invalid`, with the prop as its field */
export function checkProps(settings: Settings, props: EdgeIsrProps): void {
  const maxTtlSeconds = settings.maxTtl.toSeconds({ integral: false });
  checkKeyHeaders(props.keyHeaders ?? [], settings.keyHeaders);
  checkReadHeaders(settings);
  checkCaching(props, maxTtlSeconds);
  checkSite(props);
  checkSeconds('maxTtl', settings.maxTtl, { min: 1, max: 100 * YEAR_SECONDS });
  checkSeconds('unrecordedTtl', settings.unrecordedTtl, { min: 1, max: maxTtlSeconds });
  checkSeconds('renderBudget', settings.renderBudget, { min: 0, max: 86_400, isWhole: false });
  checkSeconds('batchWindow', settings.batchWindow, { min: 0, max: BATCH_WINDOW_SECONDS_MAX });
  checkSeconds('grace', settings.grace, { ...GRACE_SECONDS, isWhole: false });
  checkSeconds('settle', settings.settle, { min: 0, max: SETTLE_SECONDS_MAX, isWhole: false });
  checkBudget(settings.budget?.items);
  checkAlarms(settings);
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

/** @param all with those that variants add */
function checkKeyHeaders(names: readonly string[], all: readonly string[]): void {
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

/** What the function makes variants of must not be in the key as it was sent, too: no variant could be warmed. */
function checkReadHeaders({ keyHeaders, viewerRules: { locales, devices } }: Settings): void {
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

function checkCaching({ defaults, dropParameters, variants }: EdgeIsrProps, max: number): void {
  checkSeconds('defaults.sMaxAge', defaults?.sMaxAge, { min: 1, max });
  checkSeconds('defaults.staleWhileRevalidate', defaults?.staleWhileRevalidate, { min: 0, max });
  checkSeconds('defaults.staleIfError', defaults?.staleIfError, { min: 0, max });
  checkEach('dropParameters', dropParameters, (name) =>
    /^[!-%'-)+-<>-~]+\*?$/.test(name)
      ? undefined
      : 'it takes a parameter’s name, or its beginning and *',
  );
  checkSome('variants.locales', variants?.locales, (locale) =>
    isLocale(locale) ? undefined : 'it takes language tags, as de or pt-BR (BCP 47)',
  );
  checkSome('variants.devices', variants?.devices, () => undefined);
  if (variants && !variants.locales && !variants.devices)
    throw invalid('variants', 'has neither locales nor devices: name some, or leave it out');
}

function isLocale(text: string): boolean {
  try {
    return Intl.getCanonicalLocales(text).length === 1;
  } catch {
    return false;
  }
}

type Problem = (value: string) => string | undefined;

/** A list that is there has something in it. */
function checkSome(prop: string, values: readonly string[] | undefined, problem: Problem): void {
  if (values?.length === 0) throw invalid(prop, 'is empty: name some, or leave it out');
  checkEach(prop, values, problem);
}

/** Nothing stands in it twice. */
function checkEach(prop: string, values: readonly string[] | undefined, problem: Problem): void {
  values?.forEach((value, at) => {
    const said = values.indexOf(value) === at ? problem(value) : 'it is named twice';
    if (said) throw invalid(`${prop}[${at}]`, `is ${JSON.stringify(value)}: ${said}`);
  });
}

/** CFDG, distribution-web-values-specify: DownloadDistValuesPathPattern. */
const PATH_PATTERN = /^\/[\w\-.*$/~"'@:+&?]{0,254}$/;
const DOMAIN_NAME = /^(\*\.)?([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$/i;

const DISTRIBUTION_PROPS = [
  'domainNames',
  'certificate',
  'priceClass',
  'webAclId',
  'geoRestriction',
  'logBucket',
  'logPrefix',
  'staticPaths',
  'bypassPaths',
] as const satisfies readonly (keyof EdgeIsrProps)[];

function checkSite(props: EdgeIsrProps): void {
  const { domainNames, certificate, webAclId, logPrefix, logBucket } = props;
  const theirs = props.ownDistribution === false && DISTRIBUTION_PROPS.find((prop) => props[prop]);
  if (theirs) throw invalid(theirs, 'belongs to the distribution, which is yours: set it there');
  for (const prop of ['staticPaths', 'bypassPaths'] as const) {
    checkSome(prop, props[prop], (path) =>
      PATH_PATTERN.test(path) ? undefined : 'it takes a path pattern, as /static/*',
    );
  }
  const both = props.staticPaths?.find((path) => props.bypassPaths?.includes(path));
  if (both) throw invalid('bypassPaths', `and staticPaths have both ${JSON.stringify(both)}`);
  checkSome('domainNames', domainNames, (name) =>
    Token.isUnresolved(name) || DOMAIN_NAME.test(name)
      ? undefined
      : 'it takes a domain name, as www.example.org',
  );
  if (domainNames && !certificate)
    throw invalid('domainNames', 'need a certificate: set certificate, in us-east-1');
  checkArnRegion('certificate', certificate?.certificateArn);
  checkArnRegion('webAclId', webAclId);
  if (logPrefix !== undefined && !logBucket)
    throw invalid('logPrefix', 'names files in no bucket: set logBucket');
}

/** What CloudFront uses of other services lives in us-east-1 (CFDG, cnames-and-https-requirements). */
function checkArnRegion(prop: string, arn: string | undefined): void {
  if (arn === undefined || Token.isUnresolved(arn)) return;
  const region = arn.split(':')[3];
  if (region === 'us-east-1') return;
  throw invalid(prop, `is ${JSON.stringify(arn)}: CloudFront takes one of us-east-1 only`);
}

function checkBudget(items: number | undefined): void {
  if (items === undefined || Token.isUnresolved(items)) return;
  if (Number.isSafeInteger(items) && items >= 0) return;
  throw invalid('budget.items', `is ${items}: it takes a whole number of items, at least 0`);
}

function checkAlarms({ alarms, region }: Settings): void {
  if (!alarms) return;
  const { topic, timeToFresh, warmFailures, graphErrors } = alarms;
  if (!Token.isUnresolved(topic.env.region) && topic.env.region !== region) {
    throw invalid(
      'alarms.topic',
      `is in ${topic.env.region}: an alarm notifies topics of its own region, ${region}`,
    );
  }
  checkSeconds('alarms.timeToFresh', timeToFresh, { min: 1, max: 86_400, isWhole: false });
  checkCount('alarms.warmFailures', warmFailures, ALARM_COUNT);
  checkCount('alarms.graphErrors', graphErrors, ALARM_COUNT);
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
