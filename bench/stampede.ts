/**
 * A stampede: a thousand pages are purged by one tag while 200 viewers a second ask for them.
 *
 *     npm run bench -- stampede
 *
 * The local edge with the built bundles, over real HTTP, in front of an origin that renders eight pages at once, 30 ms
 * each. Viewers ask by Zipf's law (exponent 1, seed 1), each at its own moment, whether the one before was answered or
 * not. The warm takes 75 fetches a second (20 is the default, which this many pages take 50 s of), so that it is the origin
 * which is short. Compared, in the same run and with the same viewers, with "purge all, no warm": an invalidation of `/*`.
 *
 * Viewers, edge, recorders, table, warmers and origin share this machine's CPUs, so the viewers' times have no goal: a
 * busy machine shows its own queue. Counts have goals: nobody asks the origin for more than it can render, and a page is
 * rendered again only where its render was not kept.
 */
import { Agent, createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { IsrClient } from '../client';
import { type LocalEdge, startLocalEdge } from '../local/edge';
import { type Figure, print } from './figure';

const URLS = 1_000;
const VIEWERS_PER_SECOND = 200;
const WATCHED_MS = 15_000;
const WARM_PER_SECOND = 75;
const RENDERS_AT_ONCE = 8;
const RENDER_MS = 30;
const ORIGIN_PER_SECOND = Math.floor((RENDERS_AT_ONCE * 1_000) / RENDER_MS);
/** As many recorders are started by it: none starts while it is measured. */
const SEEDED_AT_ONCE = 32;
/** So many pages take every warmer: none of them starts cold when it is measured. */
const WORKERS_WARMED_UP = 100;

const agent = new Agent({ keepAlive: true });

async function main(): Promise<void> {
  const origin = await startOrigin();
  let unkept = 0;
  const edge = await startLocalEdge({
    origin: origin.url,
    port: 0,
    apiPort: 0,
    warmPerSecond: WARM_PER_SECOND,
    onRequest({ result, status, ruling }) {
      const isCapped = result === 'Miss' && ruling?.startsWith('capped');
      if (isCapped || status >= 500) unkept += 1;
    },
  });
  const unkeptSoFar = () => unkept;
  try {
    await seed(edge);
    await revalidate(
      edge,
      Array.from({ length: WORKERS_WARMED_UP }, (_, at) => `page:${at}`),
    );
    const parts = { edge, origin, unkeptSoFar };
    const ours = await measure('stampede', { ...parts, purge: () => revalidate(edge, ['site']) });
    const theirs = await measure('purge-all', { ...parts, purge: () => purgeAll(edge) });
    const figure = 'stampede.misses-against-purge-all';
    print({ figure, value: Number((ours / theirs).toFixed(2)), unit: 'times', goal: 1, op: '<=' });
  } finally {
    agent.destroy();
    await edge.close();
    await origin.close();
  }
}

const pathOf = (at: number) => `/pages/${at}`;

async function seed(edge: LocalEdge): Promise<void> {
  const lane = async (from: number) => {
    for (let at = from; at < URLS; at += SEEDED_AT_ONCE) await view(edge, pathOf(at));
  };
  await Promise.all(Array.from({ length: SEEDED_AT_ONCE }, (_, from) => lane(from)));
}

interface Run {
  readonly edge: LocalEdge;
  readonly origin: Origin;
  /** Answers that were capped (the fence, or the recorder's deadline) or failed at the edge: they are rendered again. */
  readonly unkeptSoFar: () => number;
  /** Resolves when the last page is fresh, as far as that is known. */
  readonly purge: () => Promise<void>;
}

/** @returns the share of views that began a render */
async function measure(name: string, { edge, origin, unkeptSoFar, purge }: Run): Promise<number> {
  origin.forget();
  const unkeptBefore = unkeptSoFar();
  const views: Promise<View>[] = [];
  const pick = zipf(1);
  const began = performance.now();
  let freshMs: number | undefined;
  const purged = purge().then(() => {
    freshMs = performance.now() - began;
  });
  for (;;) {
    const ms = performance.now() - began;
    if (ms >= WATCHED_MS) break;
    while (views.length < (ms * VIEWERS_PER_SECOND) / 1_000) views.push(view(edge, pathOf(pick())));
    await wait(1);
  }
  const seen = await Promise.all(views);
  await purged;

  const figure = (what: string, value: number, unit: string, goal?: Partial<Figure>) =>
    print({ figure: `${name}.${what}`, value: Number(value.toFixed(2)), unit, ...goal });
  const renders = origin.renders();
  const times = seen.map(({ ms }) => ms).sort((a, b) => a - b);
  const share = (part: number) => times[Math.floor(times.length * part)] ?? Number.NaN;
  const late = seen.filter(({ atMs }) => atMs - began >= WATCHED_MS / 2);
  const missed = (some: readonly View[]) =>
    (100 * some.filter(({ isHit }) => !isHit).length) / some.length;
  const isOurs = name === 'stampede';
  const most = (goal: number) => (isOurs ? { goal, op: '<=' as const } : {});

  figure('urls-rendered', renders.size, 'urls', isOurs ? { goal: URLS, op: '>=' } : {});
  figure('renders-per-url', sum(renders.values()) / renders.size, 'renders', most(1.1));
  figure('renders-per-url-max', Math.max(...renders.values()), 'renders');
  const unkeptNow = unkeptSoFar() - unkeptBefore;
  const again = sum(renders.values()) - renders.size;
  figure('renders-not-kept', unkeptNow, 'renders');
  figure('renders-again', again, 'renders');
  figure('renders-again-unexplained', again - unkeptNow, 'renders', most(0));
  figure('origin-peak', origin.peak(), 'requests/s', most(ORIGIN_PER_SECOND));
  if (isOurs) figure('warm-pace', WARM_PER_SECOND, 'requests/s');
  figure('viewers', seen.length, 'views');
  figure('viewers-failed', seen.filter(({ status }) => status !== 200).length, 'views', most(0));
  figure('viewers-p50', share(0.5), 'ms');
  figure('viewers-p99', share(0.99), 'ms');
  figure('viewers-missed', missed(seen), '% of views');
  figure('viewers-missed-second-half', missed(late), '% of views');
  if (isOurs) figure('fresh', freshMs ?? Number.NaN, 'ms', most(30_000));
  return missed(seen);
}

async function revalidate({ apiUrl }: LocalEdge, tags: readonly string[]): Promise<void> {
  const client = new IsrClient({ endpoint: apiUrl });
  const { job } = await client.revalidate({ tags: [...tags] });
  const { state, problems } = await client.wait(job, { timeoutMs: 60_000 });
  if (state !== 'fresh') throw new Error(`the job is ${state}: ${problems.join('; ')}`);
}

/** What is done without edge-isr: everything goes, and viewers render it again. */
async function purgeAll({ apiUrl, distributionId }: LocalEdge): Promise<void> {
  const body =
    '<InvalidationBatch xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/">' +
    '<CallerReference>all</CallerReference>' +
    '<Paths><Quantity>1</Quantity><Items><Path>/*</Path></Items></Paths></InvalidationBatch>';
  const url = `${apiUrl}/2020-05-31/distribution/${distributionId}/invalidation`;
  const response = await fetch(url, { method: 'POST', body });
  if (response.status !== 201) throw new Error(`the purge was answered ${response.status}`);
}

interface View {
  /** Of performance.now(). */
  readonly atMs: number;
  readonly ms: number;
  readonly status: number;
  /** From the cache, or from a render that another viewer had begun. */
  readonly isHit: boolean;
}

function view(edge: LocalEdge, path: string): Promise<View> {
  const atMs = performance.now();
  return new Promise((resolve, reject) => {
    const headers = { 'accept-encoding': 'gzip, deflate, br' };
    request(edge.url + path, { agent, headers }, (response) => {
      response.on('error', reject);
      response.on('end', () => {
        const ms = performance.now() - atMs;
        const isHit = response.headers['x-cache'] === 'Hit from cloudfront';
        resolve({ atMs, ms, status: response.statusCode ?? 0, isHit });
      });
      response.resume();
    })
      .on('error', reject)
      .end();
  });
}

/** Picks a url; the first is asked for twice as often as the second, three times as often as the third, … */
function zipf(seed: number): () => number {
  const upTo: number[] = [];
  let total = 0;
  for (let rank = 1; rank <= URLS; rank += 1) {
    total += 1 / rank;
    upTo.push(total);
  }
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0; // Numerical Recipes' generator
    const wanted = (state / 4_294_967_296) * total;
    return upTo.findIndex((sum) => sum >= wanted);
  };
}

function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

interface Origin {
  readonly url: string;
  forget(): void;
  /** By url, since then. */
  renders(): ReadonlyMap<string, number>;
  /** The most requests within a second. */
  peak(): number;
  close(): Promise<void>;
}

async function startOrigin(): Promise<Origin> {
  let renders = new Map<string, number>();
  let times: number[] = [];
  let free = RENDERS_AT_ONCE;
  const waiting: (() => void)[] = [];

  const rendered = async () => {
    if (free === 0) await new Promise<void>((resolve) => waiting.push(resolve));
    else free -= 1;
    await wait(RENDER_MS);
    const next = waiting.shift();
    if (next) next();
    else free += 1;
  };
  const server: Server = createServer(async ({ url = '' }, response) => {
    const began = performance.now();
    times.push(began);
    renders.set(url, (renders.get(url) ?? 0) + 1);
    await rendered();
    response.writeHead(200, {
      'cache-control': 's-maxage=600, stale-while-revalidate=600',
      'cache-tag': `site,page:${url.split('/').at(-1)}`,
      'x-isr-elapsed': String(Math.ceil(performance.now() - began)),
    });
    response.end(`<!doctype html><title>${url}</title>`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    forget() {
      renders = new Map();
      times = [];
    },
    renders: () => renders,
    peak() {
      let peak = 0;
      for (let from = 0, to = 0; to < times.length; to += 1) {
        while ((times[to] ?? 0) - (times[from] ?? 0) >= 1_000) from += 1;
        peak = Math.max(peak, to - from + 1);
      }
      return peak;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

main();
