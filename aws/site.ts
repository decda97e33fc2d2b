/**
 * The site through its edge, as a viewer sees it; nothing but the site is ever asked.
 *
 * The url goes into the request as it is, never resolved: CloudFront keys `/a/../b` as itself, and `//elsewhere/` is a
 * path. Redirects are not followed. Bodies are read to their end, since CloudFront does not cache what its viewer left
 * early.
 * @module
 */
import http from 'node:http';
import https from 'node:https';
import { RENDERED_AT, WARM } from '../core/headers';
import type { Clock, Site, SiteAnswer } from '../core/ports';

const TIMEOUT_MS = 10_000;
const agent = { keepAlive: true };
const clients = {
  'http:': { request: http.request, agent: new http.Agent(agent) },
  'https:': { request: https.request, agent: new https.Agent(agent) },
};

export function siteAt(edgeUrl: string, clock: Pick<Clock, 'now'>): Site {
  const { protocol, hostname, port } = new URL(edgeUrl);
  const client = protocol === 'https:' ? clients['https:'] : clients['http:'];
  return {
    fetch: (path, job) =>
      new Promise<SiteAnswer>((resolve, reject) => {
        const request = client.request({
          agent: client.agent,
          hostname: hostname.replace(/^\[|\]$/g, ''), // IPv6
          port,
          path: bytesOf(path),
          headers: { [WARM]: job, 'accept-encoding': 'br, gzip' },
          signal: AbortSignal.timeout(TIMEOUT_MS),
        });
        request.on('error', reject);
        request.on('response', (response) => {
          response.on('error', reject);
          response.on('end', () => {
            const renderedAtMs = renderedAt(response.headers, clock.now());
            resolve({ status: response.statusCode ?? 0, renderedAtMs });
          });
          response.resume(); // to the end, and nothing kept
        });
        request.end();
      }),
  };
}

/** A request line holds bytes, Node writes a character for each: what a viewer asked unencoded is asked so again. */
function bytesOf(path: string): string {
  return Buffer.from(path).toString('latin1');
}

/** The recorder's own word; without it the cache's: Age counts whole seconds since the origin answered. */
function renderedAt(headers: http.IncomingHttpHeaders, nowMs: number): number | undefined {
  const told = Number(headers[RENDERED_AT] ?? Number.NaN);
  if (Number.isFinite(told)) return told;
  const { age } = headers;
  return age !== undefined && /^\d+$/.test(age) ? nowMs - (Number(age) + 1) * 1_000 : undefined;
}
