/**
 * What is made of a viewer's request before its cache key is: which query parameters are dropped, and which variants a
 * site has. `functions/viewer-request.ts` follows it, at CloudFront and in `isr dev`.
 * @module
 */
import { DEVICE, LOCALE } from './headers';

export const DEVICES = ['mobile', 'tablet', 'desktop'] as const;

export interface ViewerRules {
  /** Names of query parameters, case-sensitive; `utm_*` is every name that begins so. */
  readonly drop: readonly string[];
  /** BCP 47 language tags; the first is for whoever speaks none of them. Empty: no variants. */
  readonly locales: readonly string[];
  /** The first is for whatever is none of them. Empty: no variants. */
  readonly devices: readonly (typeof DEVICES)[number][];
}

/** Parameters by which advertisers and newsletters recognise who comes from where; no page shows anything else for them. */
export const TRACKING_PARAMETERS: readonly string[] = [
  'utm_*',
  'mtm_*',
  'pk_*',
  'hsa_*',
  'gclid',
  'gbraid',
  'wbraid',
  'gad_source',
  'gad_campaignid',
  'dclid',
  'fbclid',
  'igshid',
  'msclkid',
  'ttclid',
  'twclid',
  'li_fat_id',
  'yclid',
  'mc_cid',
  'mc_eid',
  '_hsenc',
  '_hsmi',
  '_ga',
  '_gl',
];

/** CFDG, cloudfront-limits: a function's code. */
export const FUNCTION_BYTES_MAX = 10_240;

/** Does the site need the function at all? */
export function hasRules({ drop, locales, devices }: ViewerRules): boolean {
  return drop.length + locales.length + devices.length > 0;
}

/** The headers that the function sets, which belong into the cache key. */
export function ruleHeaders({ locales, devices }: ViewerRules): string[] {
  return [...(locales.length > 0 ? [LOCALE] : []), ...(devices.length > 0 ? [DEVICE] : [])];
}

/** @param built functions/viewer-request.ts, as the build left it */
export function functionCode(built: string, { drop, locales, devices }: ViewerRules): string {
  return `const SITE=${JSON.stringify({ drop, locales, devices })};${built}`;
}
