/**
 * What is wrong with `api`, in one sentence: the prop, its value, the rule.
 * @module
 */
import { Token } from 'aws-cdk-lib';
import { IsrError } from '../../core/errors';
import type { ApiDomain, ApiOptions, ApiThrottle } from '../api-options';

/** APIG, limits: an account's own throttle, which a stage cannot go past. */
const RATE = { default: 100, max: 10_000 };
const BURST_MAX = 5_000;

/** @throws IsrError `option-invalid`, with the prop as its field */
export function checkApi({ throttle, domain }: ApiOptions = {}, region: string): void {
  checkCount('api.throttle.ratePerSecond', throttle?.ratePerSecond, RATE.max);
  checkCount('api.throttle.burst', throttle?.burst, BURST_MAX);
  if (domain) checkDomain(domain, region);
}

/** What a stage is told, of a throttle that was checked. */
export function throttleOf({ ratePerSecond = RATE.default, burst }: ApiThrottle = {}) {
  return {
    throttlingRateLimit: ratePerSecond,
    throttlingBurstLimit: burst ?? Math.min(2 * ratePerSecond, BURST_MAX),
  };
}

function checkDomain({ domainName, certificate, hostedZone }: ApiDomain, region: string): void {
  const prop = 'api.domain.domainName';
  if (!isKnown(domainName)) throw invalid(prop, 'is known at deployment only: give a fixed value');
  const shown = `is ${JSON.stringify(domainName.slice(0, 80))}`;
  if (!/^(?=.{1,253}$)([a-z\d]([a-z\d-]{0,61}[a-z\d])?\.)+[a-z\d-]*[a-z]$/.test(domainName)) {
    throw invalid(prop, `${shown}: it takes a host name in lower case, as isr.example.org`);
  }
  const zone = hostedZone?.zoneName;
  if (isKnown(zone) && domainName !== zone && !domainName.endsWith(`.${zone}`)) {
    throw invalid(prop, `${shown}: it does not lie in the hosted zone ${zone}`);
  }
  const arn = certificate.certificateArn;
  const [, , , there] = isKnown(arn) ? arn.split(':') : [];
  if (there !== undefined && there !== region) {
    throw invalid(
      'api.domain.certificate',
      `is in ${there}: the API is regional and takes one of the stack's own region, ${region}`,
    );
  }
}

function isKnown(text: string | undefined): text is string {
  return text !== undefined && !Token.isUnresolved(text);
}

function checkCount(prop: string, value: number | undefined, max: number): void {
  if (value === undefined) return;
  if (Token.isUnresolved(value))
    throw invalid(prop, 'is known at deployment only: give a fixed value');
  if (Number.isInteger(value) && value >= 1 && value <= max) return;
  throw invalid(prop, `is ${value}: it takes a whole number from 1 to ${max}`);
}

function invalid(prop: string, problem: string): IsrError {
  return new IsrError('option-invalid', `EdgeIsr: ${prop} ${problem}`, prop);
}
