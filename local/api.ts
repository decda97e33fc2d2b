/**
 * The API on one machine, as API Gateway serves the construct's REST API.
 *
 *     POST /revalidate   local/revalidate.ts: schema ─► template ─► SQS ─► 202 {"job":…}
 *     GET /jobs/{id}     the function `jobs`, invoked with a proxy event
 *     GET /jobs          the same
 *     GET /.isr/queues   only here: where the queues are, for `isr jobs --dlq` and `isr redrive`
 *
 * Departures from API Gateway: nobody has to sign (whoever reaches this port is trusted, so it listens on the loopback
 * and answers to no other name); a route that it does not have is 404 `route-unknown`, there 403
 * MissingAuthenticationToken.
 * @module
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { IsrError } from '../core/errors';
import type { LocalFunction } from './lambda/host';
import { FunctionFailure, invokeProxy } from './lambda/proxy';
import { type Address, LOOPBACK, listen, urlAt } from './listen';
import { type RevalidationQueue, revalidate, revalidationQueue } from './revalidate';
import type { LocalQueue } from './sqs';

export interface ApiOptions extends Address {
  readonly queueUrl: string;
  readonly sqsEndpoint: string;
  /** The function behind `GET /jobs/{id}` and `GET /jobs`. */
  readonly jobs: Pick<LocalFunction, 'name' | 'invoke'>;
  /** All of the edge, for who looks after them. @default - none is told */
  readonly queues?: readonly Required<LocalQueue>[];
  /** Serves other routes of the same port; true when it has taken the request. */
  readonly extra?: (request: IncomingMessage, response: ServerResponse) => boolean;
  /** Told why an answer was a 5xx: the caller is not. */
  readonly onError?: (error: unknown) => void;
}

export interface LocalApi {
  /** `http://127.0.0.1:3001` */
  readonly url: string;
  readonly port: number;
  /** Cuts the connections that are open. */
  close(): Promise<void>;
}

/** `{"queues":[{"url":…,"deadLetterUrl":…}]}`: no path of API Gateway's begins with a dot here. */
export const QUEUES_PATH = '/.isr/queues';

interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body: string | Buffer;
}

/** @throws IsrError `port-taken` */
export async function startApi(options: ApiOptions): Promise<LocalApi> {
  const { jobs, queues = [], extra, onError = () => {}, host = LOOPBACK } = options;
  const queue = revalidationQueue(options);
  const server = createServer((request, response) => {
    if (isForeign(request, host)) return send(response, refusal(foreign(request)));
    if (extra?.(request, response)) return;
    route(request, { queue, jobs, queues })
      .then((answer) => send(response, answer))
      .catch((thrown: unknown) => {
        if (request.destroyed && !request.complete) return; // it left amid its body
        const answer = refusal(thrown);
        if (answer.status >= 500) onError(thrown);
        send(response, answer);
      });
  });
  const port = await listen(server, options);
  return {
    url: urlAt(port, host),
    port,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      queue.close();
    },
  };
}

interface Behind {
  readonly queue: RevalidationQueue;
  readonly jobs: ApiOptions['jobs'];
  readonly queues: readonly Required<LocalQueue>[];
}

async function route(request: IncomingMessage, { queue, jobs, queues }: Behind): Promise<Answer> {
  const { method } = request;
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
  if (method === 'POST' && path === '/revalidate') {
    return { status: 202, body: await revalidate(request, queue) };
  }
  if (method === 'GET' && path === QUEUES_PATH) return json(200, { queues });
  if (method === 'GET' && path === '/jobs') {
    return invokeProxy(jobs, { request, path, resource: '/jobs', parameters: {} });
  }
  const [, id] = /^\/jobs\/([^/]+)$/.exec(path) ?? [];
  if (method === 'GET' && id !== undefined) {
    return invokeProxy(jobs, { request, path, resource: '/jobs/{id}', parameters: { id } });
  }
  throw new IsrError('route-unknown', `there is no ${method} ${path.slice(0, 200)}`);
}

/**
 * What a failure looks like from outside. For what failed behind it the gateway has one answer, the construct's: 502 when
 * the function failed, 504 when the service did not answer in time or at all (APIG, supported-gateway-response-types).
 */
function refusal(thrown: unknown): Answer {
  if (thrown instanceof IsrError) return json(thrown.status, thrown.toBody());
  const isFunction = thrown instanceof FunctionFailure;
  const error = new IsrError('api-unavailable', 'Internal server error');
  return json(isFunction ? 502 : 504, error.toBody());
}

function json(status: number, body: unknown): Answer {
  return { status, body: JSON.stringify(body) };
}

function send(response: ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, {
    'content-type': 'application/json',
    ...headers,
    'content-length': Buffer.byteLength(body),
  });
  response.end(body);
}

const OURS = /^(?:https?:\/\/)?(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/i;

/** Any page in a browser can call this machine: by the address, or by a name of its own (DNS rebinding). */
function isForeign({ headers }: IncomingMessage, listening: string): boolean {
  if (!['localhost', LOOPBACK, '::1'].includes(listening)) return false; // opened to a network on purpose
  const { host = '', origin } = headers;
  return !OURS.test(host) || (origin !== undefined && !OURS.test(origin));
}

function foreign({ headers: { host, origin } }: IncomingMessage): IsrError {
  const asked = JSON.stringify({ host, origin });
  return new IsrError('route-unknown', `asked as ${asked}: the API answers to ${LOOPBACK} only`);
}
