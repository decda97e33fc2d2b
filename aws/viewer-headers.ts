/**
 * What a viewer sends that gets this variant: the key holds what CloudFront makes of it.
 *
 * `br,gzip` is what CloudFront makes of a browser's Accept-Encoding; `CloudFront-Is-Mobile-Viewer` it makes of the
 * User-Agent, and would overwrite if it were sent; `x-isr-locale` and `x-isr-device` our own function makes. Where the viewer is (`CloudFront-Viewer-Country` and its like) nobody
 * can pretend: of those variants the warmer gets the one of its own place.
 * @see CFDG, cache-key-understand-cache-policy (compressed objects), adding-cloudfront-headers (device type)
 * @module
 */
import { DEVICE, LOCALE } from '../core/headers';
import type { Variant } from '../core/variants';

const ENCODINGS: Readonly<Record<string, string>> = { 'br,gzip': 'gzip, deflate, br, zstd' };

/** A user agent of each kind; a tablet is no mobile viewer. */
const AGENTS: readonly [string, string][] = [
  [
    'cloudfront-is-tablet-viewer',
    'Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1',
  ],
  [
    'cloudfront-is-smarttv-viewer',
    'Mozilla/5.0 (SMART-TV; Linux; Tizen 7.0) AppleWebKit/537.36 (KHTML, like Gecko) Version/7.0 TV Safari/537.36',
  ],
  [
    'cloudfront-is-mobile-viewer',
    'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1',
  ],
  [
    'cloudfront-is-desktop-viewer',
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36',
  ],
];

export function viewerHeaders(variant: Variant): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(variant)) {
    if (name === 'accept-encoding') headers[name] = ENCODINGS[value] ?? value;
    else if (name === LOCALE) headers['accept-language'] = value;
    else if (name !== DEVICE && !name.startsWith('cloudfront-')) headers[name] = value;
  }
  const agent = AGENTS.find(
    ([name]) => variant[name] === 'true' || isOf(variant[DEVICE], name),
  )?.[1];
  return agent ? { 'user-agent': agent, ...headers } : headers;
}

/** `mobile` is what `cloudfront-is-mobile-viewer` says, too. */
function isOf(device: string | undefined, name: string): boolean {
  return name === `cloudfront-is-${device}-viewer`;
}
