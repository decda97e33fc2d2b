/**
 * DynamoDB through a signed request: the transport of the edge, a few kilobytes instead of an SDK client.
 *
 * Connections are kept alive between invocations. DynamoDB closes idle ones, so a request that found its reused
 * connection closed, and never reached DynamoDB, is sent once more; every operation here may be repeated.
 * @module
 */
import type http from 'node:http';
import { IsrError } from '../core/errors';
import { crypto } from '../core/hash';
import type { DynamoCall } from './dynamo';
import { jsonErrorOf } from './json-error';
import { type Credentials, sign } from './sigv4';

export interface SignedTransport {
  readonly region: string;
  /** Default: AWS's own for the region. */
  readonly endpoint?: string | undefined;
  readonly credentials: () => Credentials;
  readonly timeoutMs: number;
  readonly now: () => number;
}

interface Client {
  readonly request: typeof http.request;
  readonly agent: http.Agent;
}

const clients = new Map<string, Promise<Client>>();

function clientFor(protocol: string): Promise<Client> {
  const known = clients.get(protocol);
  if (known) return known;
  const loading = (protocol === 'http:' ? import('node:http') : import('node:https')).then(
    ({ request, Agent }) => ({ request, agent: new Agent({ keepAlive: true, maxSockets: 50 }) }),
  );
  clients.set(protocol, loading);
  return loading;
}

/** Both take longer to load than all of the recorder: not while the function starts, but as soon as it has. */
setImmediate(() => {
  crypto();
  clientFor('https:');
});

export function dynamoOverHttp(transport: SignedTransport): DynamoCall {
  const { region, endpoint = `https://dynamodb.${region}.amazonaws.com` } = transport;
  const url = new URL(endpoint);
  return async (operation, input) => {
    const body = JSON.stringify(input);
    const headers = sign(
      {
        method: 'POST',
        url,
        headers: {
          'content-type': 'application/x-amz-json-1.0',
          'x-amz-target': `DynamoDB_20120810.${operation}`,
        },
        body,
      },
      transport.credentials(),
      { region, service: 'dynamodb', nowMs: transport.now() },
    );
    const answer = await post({ url, headers, body, timeoutMs: transport.timeoutMs });
    if (answer.status === 200) return JSON.parse(answer.body);
    throw jsonErrorOf(operation, answer);
  };
}

interface Post {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly timeoutMs: number;
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

async function post(request: Post): Promise<Answer> {
  try {
    return await postOnce(request);
  } catch (thrown) {
    if (!(thrown instanceof StaleConnection)) throw unavailable(thrown);
  }
  return postOnce(request).catch((thrown) => {
    throw unavailable(thrown);
  });
}

class StaleConnection extends Error {}

async function postOnce({ url, headers, body, timeoutMs }: Post): Promise<Answer> {
  const client = await clientFor(url.protocol);
  return new Promise((resolve, reject) => {
    const request = client.request(
      url,
      {
        method: 'POST',
        agent: client.agent,
        headers: { ...headers, 'content-length': Buffer.byteLength(body) },
        signal: AbortSignal.timeout(timeoutMs),
      },
      (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('error', reject);
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts).toString() }),
        );
      },
    );
    request.on('error', (error: NodeJS.ErrnoException) =>
      reject(request.reusedSocket && error.code === 'ECONNRESET' ? new StaleConnection() : error),
    );
    request.end(body);
  });
}

function unavailable(cause: unknown): IsrError {
  const why =
    cause instanceof Error ? (cause.name === 'AbortError' ? 'timeout' : cause.message) : '';
  return new IsrError('graph-unavailable', `DynamoDB did not answer: ${why}`, undefined, { cause });
}
