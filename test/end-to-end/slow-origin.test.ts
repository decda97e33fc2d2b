/** A slow origin is never hammered by its own cache: real HTTP, the local edge, the built bundles, four warmers. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { IsrClient } from '../../client';
import { type LocalEdge, startLocalEdge } from '../../local/edge';

const URLS = 400;
/** What the origin answers in a second; beyond it, 503 and 429 in turn. */
const CAPACITY = 50;
const CAPACITY_BURST = 10;
/** What the warmers would do if nobody refused. */
const ASKED_PER_SECOND = 200;

let origin: SlowOrigin;
let edge: LocalEdge;

beforeAll(async () => {
  origin = await startSlowOrigin();
  edge = await startLocalEdge({
    origin: origin.url,
    port: 0,
    apiPort: 0,
    graceMs: 600,
    warmPerSecond: ASKED_PER_SECOND,
    warmConcurrency: 8,
  });
});
afterAll(async () => {
  await edge?.close();
  await origin?.close();
});

describe('an origin that answers 50 requests a second, with 400 pages to warm', () => {
  it('is asked for no more than it can once the pace has adapted, and every page becomes fresh', async () => {
    for (let at = 0; at < URLS; at += 20) {
      await Promise.all(Array.from({ length: 20 }, (_, i) => view(`/${at + i}`)));
    }
    expect(origin.requests()).toHaveLength(URLS);
    origin.limit();
    const client = new IsrClient({ endpoint: edge.apiUrl });
    const { job } = await client.revalidate({ tags: ['site'] });
    const ended = await client.wait(job, { timeoutMs: 90_000 });
    expect(ended).toMatchObject({ state: 'fresh', warmed: URLS, stale: 0, failed: 0 });

    const requests = origin.requests();
    const times = requests.map(({ atMs }) => atMs);
    const adaptedAtMs = (times[0] ?? 0) + 4_000; // 200 a second, 100, 50, each for a second
    const after = requests.filter(({ atMs }) => atMs >= adaptedAtMs);
    // it tries a twentieth of its limit more each second, and takes half when that was too much (seen: 62; unpaced: 93)
    expect(peakOf(after.map(({ atMs }) => atMs))).toBeLessThanOrEqual(
      CAPACITY + CAPACITY_BURST + (2 * ASKED_PER_SECOND) / 20,
    );
    const refused = after.filter(({ isRefused }) => isRefused).length;
    expect(after.length).toBeGreaterThan(100);
    expect(refused / after.length).toBeLessThan(0.15);
    expect(requests.length).toBeLessThan(URLS * 1.5); // one render each, and what was refused
  }, 120_000);
});

async function view(path: string): Promise<void> {
  const headers = { 'accept-encoding': 'gzip, deflate, br' };
  const response = await fetch(edge.url + path, { headers });
  await response.text();
  expect(response.status).toBe(200);
}

/** The most that came within a second. */
function peakOf(times: readonly number[]): number {
  let peak = 0;
  for (let from = 0, to = 0; to < times.length; to += 1) {
    while ((times[to] ?? 0) - (times[from] ?? 0) >= 1_000) from += 1;
    peak = Math.max(peak, to - from + 1);
  }
  return peak;
}

interface OriginRequest {
  readonly atMs: number;
  readonly isRefused: boolean;
}

interface SlowOrigin {
  readonly url: string;
  /** Since the last `limit`, in their order. */
  requests(): readonly OriginRequest[];
  /** From now on it has a capacity. */
  limit(): void;
  close(): Promise<void>;
}

async function startSlowOrigin(): Promise<SlowOrigin> {
  let requests: OriginRequest[] = [];
  let isLimited = false;
  let room = CAPACITY_BURST;
  let roomAtMs = performance.now();

  const hasRoom = (atMs: number) => {
    room = Math.min(CAPACITY_BURST, room + ((atMs - roomAtMs) * CAPACITY) / 1_000);
    roomAtMs = atMs;
    if (room < 1) return false;
    room -= 1;
    return true;
  };
  const server: Server = createServer((_, response) => {
    const atMs = performance.now();
    const isRefused = isLimited && !hasRoom(atMs);
    requests.push({ atMs, isRefused });
    if (isRefused) response.writeHead(requests.length % 2 === 0 ? 503 : 429).end('busy');
    else {
      response
        .writeHead(200, {
          'cache-control': 's-maxage=600',
          'cache-tag': 'site',
          'x-isr-elapsed': '1',
        })
        .end('<!doctype html>');
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: () => requests,
    limit() {
      isLimited = true;
      requests = [];
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
