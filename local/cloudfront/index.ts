/**
 * CloudFront on one machine: a distribution with one behaviour, one edge location and one origin, by the documented
 * rules. Where it departs from them, and what it chose where they are silent, is listed in docs/fidelity.md.
 *
 *     viewer → edge (key, cache, one fetch a key) → origin → function → cache
 *     control API → cache
 *
 * @module
 */
import { createServer, type RequestListener, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { listen, urlAt } from '../listen';
import { createControl } from './control';
import { createEdge } from './edge';
import { type CloudFrontOptions, settle } from './options';
import { openOrigins } from './origin-group';
import { createStore } from './store';

export type { CloudFrontOptions, RequestLine, Result } from './options';

export interface LocalCloudFront {
  /** The site: `http://127.0.0.1:8080`. */
  readonly url: string;
  readonly port: number;
  /** Serves the control API, `/2020-05-31/distribution/…`. */
  readonly control: RequestListener;
  /** Lets answers that have begun end (5 s at most), breaks off background refreshes, and frees the port. */
  close(): Promise<void>;
}

/** CFDG, cloudfront-limits: head of a request. */
const HEAD_BYTES_MAX = 32_768;
const DRAIN_MS_MAX = 5_000;
const DRAIN_SWEEP_MS = 20;

/** @throws IsrError `origin-invalid`, `port-taken` */
export async function startCloudFront(options: CloudFrontOptions): Promise<LocalCloudFront> {
  const settings = settle(options);
  const origins = openOrigins(settings);
  const closeOrigins = () => Promise.all(origins.map(({ client }) => client.close()));
  const store = createStore(settings);
  const answer = createEdge({ settings, origins, store });
  const control = createControl({
    distributionId: settings.distributionId,
    invalidate: (items) => {
      for (const item of items) store.invalidate(item);
    },
    delayMs: settings.invalidationDelayMs,
    now: settings.now,
  });
  const server = createServer({ maxHeaderSize: HEAD_BYTES_MAX }, answer);
  server.on('clientError', refuseMalformed);
  const port = await listen(server, settings).catch(async (thrown: unknown) => {
    await closeOrigins();
    throw thrown;
  });

  return {
    url: urlAt(port, settings.host),
    port,
    control: control.listener,
    async close() {
      control.close();
      await drain(server);
      await closeOrigins(); // breaks off what no viewer waits for
    },
  };
}

async function drain(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  // a connection that was busy until now would stay for its keep-alive
  const sweep = setInterval(() => server.closeIdleConnections(), DRAIN_SWEEP_MS);
  const impatience = setTimeout(() => server.closeAllConnections(), DRAIN_MS_MAX);
  await closed;
  clearInterval(sweep);
  clearTimeout(impatience);
}

/** What is no HTTP gets 400; a head past the limit 494 (CFDG, RequestAndResponseBehaviorCustomOrigin). */
function refuseMalformed(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable) return;
  const status =
    error.code === 'HPE_HEADER_OVERFLOW' ? '494 Request Header Too Large' : '400 Bad Request';
  socket.end(
    `HTTP/1.1 ${status}\r\nX-Cache: Error from cloudfront\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
  );
}
