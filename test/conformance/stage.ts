/**
 * A local CloudFront between a scripted origin and real viewers, all on HTTP; the clock is moved by hand.
 *
 *     const { origin, get, pass } = await stage();
 *     origin.answer = (_, reply) => reply.end('one');
 *     await get('/');  pass(61);  await get('/');
 *
 * Everything closes when its test ends.
 * @module
 */
import {
  type ClientRequest,
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type ServerResponse,
} from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { type CloudFrontOptions, type RequestLine, startCloudFront } from '../../local/cloudfront';

export type Answer = (viewer: IncomingMessage, reply: ServerResponse) => void;

/** What the origin was asked. */
export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Seen {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** The word in X-Cache. */
  readonly cache: string;
}

export interface Request {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

export async function stage(options: Partial<CloudFrontOptions> = {}) {
  const origin = await scriptedOrigin();
  let nowMs = Date.UTC(2026, 0, 1);
  const lines: RequestLine[] = [];
  const edge = await startCloudFront({
    origin: origin.url,
    port: 0,
    distributionId: 'E1LOCAL',
    now: () => nowMs,
    onRequest: (line) => lines.push(line),
    ...options,
  });
  onTestFinished(() => edge.close());
  return {
    edge,
    origin,
    /** One for every request that has been answered. */
    lines,
    now: () => nowMs,
    /** Moves the edge's clock. */
    pass(seconds: number) {
      nowMs += seconds * 1_000;
    },
    get: (path: string, sent?: Request) => ask(edge.port, path, sent),
  };
}

export async function scriptedOrigin() {
  const asked: Asked[] = [];
  const origin = {
    asked,
    answer: ((_, reply) => reply.end('ok')) as Answer,
    url: '',
    stop: () => {},
  };
  const server = createServer(async (viewer, reply) => {
    const parts: Buffer[] = [];
    for await (const part of viewer) parts.push(part as Buffer);
    const { method = '', url = '', headers } = viewer;
    asked.push({ method, url, headers, body: Buffer.concat(parts).toString() });
    origin.answer(viewer, reply);
  });
  origin.url = await listening(server);
  origin.stop = () => {
    server.close();
    server.closeAllConnections();
  };
  onTestFinished(origin.stop);
  return origin;
}

/** An origin below HTTP: it does with the socket what it likes, once a request has come. */
export async function rawOrigin(misbehave: (socket: Socket) => void) {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', () => misbehave(socket));
  });
  const url = await listening(server);
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return url;
}

async function listening(server: ReturnType<typeof createTcpServer>): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A viewer that reads its answer to the end. */
export function ask(port: number, path: string, sent: Request = {}): Promise<Seen> {
  return new Promise((resolve, reject) => {
    const { method = 'GET', body } = sent;
    const length = body === undefined ? {} : { 'content-length': String(body.length) };
    const headers = { ...length, ...sent.headers };
    const viewer = request({ port, path, method, headers, agent: false }, async (reply) => {
      try {
        const parts: Buffer[] = [];
        for await (const part of reply) parts.push(part as Buffer);
        const cache = String(reply.headers['x-cache'] ?? '').replace(' from cloudfront', '');
        const text = Buffer.concat(parts).toString();
        resolve({ status: reply.statusCode ?? 0, headers: reply.headers, body: text, cache });
      } catch (thrown) {
        reject(thrown);
      }
    });
    viewer.on('error', reject);
    viewer.end(body);
  });
}

/** Sends a request, and resolves once the edge has it. */
export function sent(port: number, path = '/'): Promise<ClientRequest> {
  return new Promise((resolve) => {
    const viewer = request({ port, path, agent: false, headers: { expect: '100-continue' } });
    viewer.on('error', () => {});
    viewer.on('continue', () => resolve(viewer)); // the edge's HTTP server has begun with it
    viewer.end();
  });
}

/** Answers with these headers and this body. */
export function page(headers: Record<string, string>, body = 'page', status = 200): Answer {
  const length = { 'content-length': String(body.length) };
  return (_, reply) => reply.writeHead(status, { ...length, ...headers }).end(body);
}

/** A new body each time: `v1`, `v2`, … */
export function versions(headers: Record<string, string>): Answer {
  let version = 0;
  return (_, reply) => {
    version += 1;
    reply.writeHead(200, headers).end(`v${version}`);
  };
}

/** Waits for a condition; the test's own timeout ends it. */
export async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setImmediate(resolve));
}
