/**
 * `npm start`: the example blog behind the local edge, walked through once over real HTTP.
 *
 *     npm start              walks, then stays up and prints the addresses
 *     npm start -- --once    walks and ends: exit code 0 when every step was what it should be, else 1
 *
 * The walk is a reader's and an editor's: a page is rendered once and served from the cache; a post is edited; its tag is
 * revalidated; the pages that depend on it, and no others, are purged and warmed; the next reader gets the new one
 * from the cache.
 * @module
 */
import { createServer } from 'node:net';
import { IsrClient, IsrError } from '../client';
import { type LocalEdge, startLocalEdge } from '../local/edge';
import { type Blog, startBlog } from './blog/app';

const PORTS = { blog: 8000, edge: 4000, api: 4001 };
/** How long the blog takes to render a page, so that a hit and a miss can be told apart by eye. */
const RENDER_MS = 80;
const POST = '/posts/42';
const DEPENDENT = '/';
const UNRELATED = '/posts/40';
/** As every browser asks; another Accept-Encoding is another object in CloudFront's cache. */
const BROWSER = { 'accept-encoding': 'gzip, deflate, br' };
const JOB_TIMEOUT_MS = 60_000;

async function main(args: readonly string[]): Promise<void> {
  const isOnce = args.includes('--once');
  const unknown = args.find((arg) => arg !== '--once');
  if (unknown) {
    throw new IsrError('option-invalid', `${unknown} is no option: npm start takes --once`);
  }
  const ports = isOnce ? await freePorts() : PORTS;
  const apiUrl = `http://127.0.0.1:${ports.api}`;
  const blog = await startBlog({ port: ports.blog, isrEndpoint: apiUrl, renderMs: RENDER_MS });
  const edge = await startLocalEdge({ origin: blog.url, port: ports.edge, apiPort: ports.api });
  const close = async () => {
    await edge.close();
    await blog.close();
  };
  try {
    await walk(edge, blog);
  } catch (thrown) {
    await close();
    throw thrown;
  }
  if (isOnce) return close();
  stay(edge, blog, close);
}

async function walk(edge: LocalEdge, blog: Blog): Promise<void> {
  const began = Date.now();
  const say = (step: string, what: string) => {
    console.log(`${String(Date.now() - began).padStart(6)} ms  ${step.padEnd(11)} ${what}`);
  };
  console.log(`A blog at ${blog.url}, and CloudFront's rules in front of it at ${edge.url}\n`);

  for (const path of [POST, DEPENDENT, UNRELATED]) {
    const first = await look(edge, path, { cache: 'Miss' });
    say('miss', `${path} rendered by the blog, recorded under its tags (${first.ms} ms)`);
  }
  const hit = await look(edge, POST, { cache: 'Hit' });
  say('hit', `${POST} from the cache (${hit.ms} ms)`);

  const title = `What a page depends on, edited at ${new Date().toISOString()}`;
  const job = await edit(blog, title);
  say('edit', `${POST} saved with a new title`);
  say('revalidate', `the blog has told the API that post:42 changed: job ${job}`);

  const client = new IsrClient({ endpoint: edge.apiUrl });
  const ended = await client.wait(job, { timeoutMs: JOB_TIMEOUT_MS });
  const { items, covered, warmed, warmUrls, requestedAtMs, purgedAtMs = 0, freshAtMs = 0 } = ended;
  expect(ended.state === 'fresh', `the job ended ${ended.state}: ${ended.problems.join(', ')}`);
  expect(items === 1, `the revalidation of one tag took ${items} purge items`);
  const after = (atMs: number) => `${atMs - requestedAtMs} ms after it was asked for`;
  say('purge', `${items} purge item for ${covered} pages, ${after(purgedAtMs)}`);
  say(
    'warm',
    `${warmed} of ${warmUrls} pages fetched through the edge, and rendered after the change`,
  );
  say('fresh', `the whole job, ${after(freshAtMs)}`);

  const renders = blog.renders();
  const again = await look(edge, POST, { cache: 'Hit', holds: title });
  say('hit, fresh', `${POST} has the new title, from the cache (${again.ms} ms)`);
  await look(edge, DEPENDENT, { cache: 'Hit', holds: title });
  say('hit, fresh', `${DEPENDENT} lists the new title, from the cache`);
  await look(edge, UNRELATED, { cache: 'Hit' });
  say('hit', `${UNRELATED} does not depend on post:42 and was never touched`);
  expect(blog.renders() === renders, 'a reader waited for a render after the warm');
}

interface Expected {
  readonly cache: 'Hit' | 'Miss';
  /** Text that the page has to hold. */
  readonly holds?: string;
}

async function look(
  edge: LocalEdge,
  path: string,
  { cache, holds }: Expected,
): Promise<{ ms: number }> {
  const began = performance.now();
  const response = await fetch(edge.url + path, { headers: BROWSER });
  const body = await response.text();
  const ms = Math.round(performance.now() - began);
  const xCache = response.headers.get('x-cache');
  expect(response.status === 200, `${path} answered ${response.status}`);
  expect(xCache === `${cache} from cloudfront`, `${path} was "${xCache}" instead of a ${cache}`);
  expect(holds === undefined || body.includes(holds), `${path} is stale: it lacks "${holds}"`);
  return { ms };
}

/** Saves the post as its edit form does; the blog answers with the job of its revalidation. */
async function edit(blog: Blog, title: string): Promise<string> {
  const form = { title, body: 'Edited by npm start.', category: '7' };
  const response = await fetch(`${blog.url}${POST}/edit`, {
    method: 'POST',
    body: new URLSearchParams(form),
    redirect: 'manual',
  });
  const location = response.headers.get('location') ?? '';
  const job = new URL(location, blog.url).searchParams.get('job');
  if (job) return job;
  throw new Error(`the save was answered with ${response.status} ${location}: no job`);
}

function expect(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise);
}

function stay(edge: LocalEdge, blog: Blog, close: () => Promise<void>): void {
  console.log(`
  read    ${edge.url}/
  edit    ${blog.url}${POST}/edit
  api     curl -X POST ${edge.apiUrl}/revalidate -H 'content-type: application/json' -d '{"tags":["post:42"]}'
  cli     node dist/bin/isr.js revalidate post:42 --wait

Ctrl-C ends it.`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => close());
}

/** Three that nobody listens on now: the blog has to know the API's before it is up. */
async function freePorts(): Promise<typeof PORTS> {
  const servers = [createServer(), createServer(), createServer()];
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve) => {
          server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  const [blog = 0, edge = 0, api = 0] = ports;
  return { blog, edge, api };
}

main(process.argv.slice(2)).catch((thrown: NodeJS.ErrnoException) => {
  const isTaken = thrown.code === 'EADDRINUSE';
  console.error(
    `npm start: ${isTaken ? `${thrown.message}: stop what listens there (npm start -- --once takes free ports)` : thrown.message}`,
  );
  process.exitCode = 1;
});
