/**
 * What is wrong with `api`, in one sentence: the prop, its value, the rule.
 * @module
 */
import type { ApiDomain, ApiOptions, ApiThrottle } from '../../api-options';
import { checkCount, checkKnown, checkThere, invalid, isKnown, regionIn } from './said';

/** APIG, limits: an account's own throttle, which a stage cannot go past. */
const RATE = { default: 100, max: 10_000 };
const BURST_MAX = 5_000;

/** @throws IsrError `option-invalid`, with the prop as its field */
export function checkApi({ throttle, domain }: ApiOptions = {}, region: string): void {
  checkCount('api.throttle.ratePerSecond', throttle?.ratePerSecond, { min: 1, max: RATE.max });
  checkCount('api.throttle.burst', throttle?.burst, { min: 1, max: BURST_MAX });
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
  checkKnown(prop, domainName);
  checkThere('api.domain.certificate', certificate, `it takes one for ${domainName}`);
  const shown = `is ${JSON.stringify(domainName.slice(0, 80))}`;
  if (!/^(?=.{1,253}$)([a-z\d]([a-z\d-]{0,61}[a-z\d])?\.)+[a-z\d-]*[a-z]$/.test(domainName)) {
    throw invalid(prop, `${shown}: it takes a host name in lower case, as isr.example.org`);
  }
  const zone = hostedZone?.zoneName;
  if (isKnown(zone) && domainName !== zone && !domainName.endsWith(`.${zone}`)) {
    throw invalid(prop, `${shown}: it does not lie in the hosted zone ${zone}`);
  }
  const there = regionIn(certificate.certificateArn);
  if (there !== undefined && there !== region) {
    throw invalid(
      'api.domain.certificate',
      `is in ${there}: the API is regional and takes one of the stack's own region, ${region}`,
    );
  }
}
