/**
 * The site through its edge, as a viewer sees it; nothing but the site is ever asked.
 *
 * The url is put behind the stack's own address as it is, never resolved: `//elsewhere/` stays a path. Redirects are not
 * followed. Bodies are read to their end, since CloudFront does not cache what its viewer left early.
 * @module
 */
import { RENDERED_AT, WARM } from '../core/headers';
import type { Clock, Site, SiteAnswer } from '../core/ports';

const TIMEOUT_MS = 10_000;

export function siteAt(edgeUrl: string, clock: Pick<Clock, 'now'>): Site {
  const base = new URL(edgeUrl).origin;
  return {
    async fetch(url, job): Promise<SiteAnswer> {
      const response = await fetch(base + url, {
        redirect: 'manual',
        headers: { [WARM]: job, 'accept-encoding': 'br, gzip' },
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      for await (const _ of response.body ?? []); // read to the end, keep nothing
      return { status: response.status, renderedAtMs: renderedAt(response.headers, clock.now()) };
    },
  };
}

/** The recorder's own word; without it the cache's: Age counts whole seconds since the origin answered. */
function renderedAt(headers: Headers, nowMs: number): number | undefined {
  const told = Number(headers.get(RENDERED_AT) ?? Number.NaN);
  if (Number.isFinite(told)) return told;
  const age = headers.get('age');
  return age !== null && /^\d+$/.test(age) ? nowMs - (Number(age) + 1) * 1_000 : undefined;
}
