/**
 * CloudFront as a run needs it: its control API, the real one of `local/`, and a cache in front of four pages. What an
 * invalidation names is rendered anew when it is next asked for.
 * @module
 */
import { createServer, type RequestListener } from 'node:http';
import { RENDERED_AT } from '../../core/headers';
import { type Control, createControl } from '../../local/cloudfront/control';
import { listen, urlAt } from '../../local/listen';

export const DISTRIBUTION_ID = 'EFAULTS0000001';
const API = `/2020-05-31/distribution/${DISTRIBUTION_ID}/invalidation`;

export interface Page {
  readonly url: string;
  readonly tags: readonly string[];
}

export const PAGES: readonly Page[] = [
  { url: '/', tags: ['a'] },
  { url: '/b', tags: ['a', 'b'] },
  { url: '/c', tags: ['b', 'c'] },
  { url: '/d', tags: ['c'] },
];

/** What CloudFront holds, and was paid for. */
export interface Held {
  readonly reference: string;
  readonly items: readonly string[];
  /** When it came, counted together with the acknowledgements of the run. */
  readonly order: number;
}

export interface RunCloudFront {
  readonly url: string;
  /** Forgets all, for the next run. Its pages are from before. */
  reset(next: { readonly order: () => number }): void;
  /** Asks the control API for all that it holds, oldest first. */
  held(): Promise<readonly Held[]>;
  renderedAtMs(url: string): number | undefined;
  close(): Promise<void>;
}

export async function openCloudFront(now: () => number): Promise<RunCloudFront> {
  const rendered = new Map<string, number>();
  let orders: number[] = [];
  let control: Control | undefined;

  const site: RequestListener = ({ url = '/' }, response) => {
    const at = rendered.get(url) ?? now();
    rendered.set(url, at);
    response.writeHead(200, { [RENDERED_AT]: String(at), 'content-type': 'text/plain' });
    response.end(url);
  };
  const server = createServer((request, response) => {
    const isControl = request.url?.startsWith('/2020-05-31/');
    (isControl && control ? control.listener : site)(request, response);
  });
  const url = urlAt(await listen(server, {}));

  async function ask(path: string): Promise<string> {
    return (await fetch(url + API + path)).text();
  }

  return {
    url,
    reset({ order }) {
      const beganMs = now();
      for (const page of PAGES) rendered.set(page.url, beganMs - 3_600_000);
      orders = [];
      control = createControl({
        distributionId: DISTRIBUTION_ID,
        delayMs: 0,
        now,
        invalidate: (items) => {
          orders.push(order());
          for (const page of PAGES) if (isHit(page, items)) rendered.delete(page.url);
        },
      });
    },
    async held() {
      const ids = textsOf('Id', await ask('')).reverse(); // it lists the newest first
      const documents = await Promise.all(ids.map((id) => ask(`/${id}`)));
      return documents.map((xml, at) => ({
        reference: textsOf('CallerReference', xml)[0] ?? '',
        items: textsOf('Path', xml),
        order: orders[at] ?? 0,
      }));
    },
    renderedAtMs: (of) => rendered.get(of),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export function isHit({ url, tags }: Page, items: readonly string[]): boolean {
  return items.includes(url) || tags.some((tag) => items.includes(`#${tag}`));
}

function textsOf(element: string, xml: string): string[] {
  return [...xml.matchAll(new RegExp(`<${element}>([^<]*)</${element}>`, 'g'))].map(
    ([, text]) => text ?? '',
  );
}
