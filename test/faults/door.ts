/**
 * A worker's door to the world: every request of one container goes through it, to DynamoDB, SQS, CloudFront or the site.
 *
 *     cut-before   the connection ends, nobody was asked
 *     cut-after    it was done, and the answer is lost
 *     delay        it is asked late: the worker's clock goes on
 *     throttle     the service's own words for "too much"
 *     duplicate    asked twice; the worker hears the second answer, as after a retry of the SDK whose first answer was lost
 *     kill         the container ends at its k-th request, before or after that is passed on
 *
 * What was passed on before a death is done all the same, and may arrive after the next worker has begun.
 * @module
 */
import {
  Agent,
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { ControlError, formatError } from '../../local/cloudfront/control-xml';
import { LOOPBACK, listen } from '../../local/listen';

export type Service = 'dynamodb' | 'sqs' | 'cloudfront' | 'site';
export const FAULTS = ['cut-before', 'cut-after', 'delay', 'throttle', 'duplicate'] as const;
export type Fault = (typeof FAULTS)[number];

/** A request on its way. */
export interface Passing {
  /** Of this delivery; the first is 1. */
  readonly number: number;
  readonly service: Service;
  /** `UpdateItem job#job-1 #`, `CreateInvalidation`, `GET /b`. */
  readonly what: string;
  readonly body: string;
}

/** What happens to the requests of one delivery. */
export interface Trouble {
  faultAt(passing: Passing): Fault | undefined;
  /** Whether the container is killed at it, and when. */
  killAt(passing: Passing): 'before' | 'after' | undefined;
  /** Ends the container; its door is closed already. */
  kill(): void;
  /** How long a delayed request takes, by the worker's clock and really. */
  delayMs(): { readonly skipped: number; readonly real: number };
  say(what: () => string): void;
}

export interface DoorOptions {
  readonly upstream: Readonly<Record<Service, string>>;
  readonly skip: (ms: number) => void;
}

export interface Door {
  readonly url: string;
  /** From now on requests belong to another delivery. */
  begin(trouble: Trouble): void;
  /** Resolves when all that was passed on has been answered. */
  settled(): Promise<void>;
  close(): void;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders | Record<string, string>;
  readonly body: Buffer;
}

const CALM: Trouble = {
  faultAt: () => undefined,
  killAt: () => undefined,
  kill: () => {},
  delayMs: () => ({ skipped: 0, real: 0 }),
  say: () => {},
};

export async function openDoor({ upstream, skip }: DoorOptions): Promise<Door> {
  const agent = new Agent({ keepAlive: true });
  const passing = new Set<Promise<unknown>>();
  let trouble = CALM;
  let asked = 0;
  let isClosed = false;

  const server = createServer((incoming, outgoing) => {
    void answerTo(incoming).then(
      (answer) => {
        if (!answer) return outgoing.destroy();
        outgoing.writeHead(answer.status, answer.headers as Record<string, string>);
        outgoing.end(answer.body);
      },
      () => outgoing.destroy(),
    );
  });

  /** @returns undefined when the worker shall not hear of it */
  async function answerTo(incoming: IncomingMessage): Promise<Answer | undefined> {
    const bytes = await read(incoming);
    if (isClosed) return undefined;
    const own = trouble; // a request is its delivery's, however late it is
    asked += 1;
    const it = passingOf(incoming, { number: asked, body: bytes.toString('utf8') });
    const ask = () => tracked(forward(it, incoming, bytes));
    const killed = own.killAt(it);
    if (killed) {
      own.say(() => `#${it.number} ${it.service} ${it.what}: killed ${killed} it`);
      if (killed === 'before') close();
      const done = killed === 'after' ? ask() : undefined;
      if (killed === 'after') await done?.catch(() => {});
      close();
      own.kill();
      return undefined;
    }
    const fault = own.faultAt(it);
    own.say(() => `#${it.number} ${it.service} ${it.what}${fault ? `: ${fault}` : ''}`);
    if (fault === 'cut-before') return undefined;
    if (fault === 'throttle') return throttled(it.service);
    if (fault === 'delay') {
      const { skipped, real } = own.delayMs();
      skip(skipped);
      await tracked(sleep(real));
    }
    if (fault === 'duplicate') await ask();
    const answer = await ask();
    return fault === 'cut-after' || isClosed ? undefined : answer;
  }

  function tracked<T>(work: Promise<T>): Promise<T> {
    const done = work.catch(() => {}).finally(() => passing.delete(done));
    passing.add(done);
    return work;
  }

  function forward(it: Passing, incoming: IncomingMessage, bytes: Buffer): Promise<Answer> {
    const target = upstream[it.service];
    // SQS knows its queues by its own address
    const body = it.service === 'sqs' ? Buffer.from(it.body.replace(url(), target)) : bytes;
    return new Promise((resolve, reject) => {
      const outgoing = request(target, {
        agent,
        method: incoming.method ?? 'GET',
        path: incoming.url ?? '/',
        headers: { ...incoming.headers, host: new URL(target).host, 'content-length': body.length },
      });
      outgoing.on('error', reject);
      outgoing.on('response', (response) => {
        read(response).then(
          (answered) =>
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              body: answered,
            }),
          reject,
        );
      });
      outgoing.end(body);
    });
  }

  function close(): void {
    isClosed = true;
    server.close();
    server.closeAllConnections();
  }

  await listen(server, {});
  const url = () => `http://${LOOPBACK}:${port}`;
  const { port } = server.address() as AddressInfo;
  return {
    url: url(),
    begin(next) {
      trouble = next;
      asked = 0;
    },
    settled: async () => {
      while (passing.size > 0) await Promise.all(passing);
    },
    close,
  };
}

async function read(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function passingOf(
  { headers, method, url = '/' }: IncomingMessage,
  { number, body }: Pick<Passing, 'number' | 'body'>,
): Passing {
  const [api = '', operation = ''] = String(headers['x-amz-target'] ?? '').split('.');
  if (api.startsWith('DynamoDB')) {
    return { number, service: 'dynamodb', what: `${operation} ${subjectOf(body)}`, body };
  }
  if (api === 'AmazonSQS') return { number, service: 'sqs', what: operation, body };
  if (url.startsWith('/2020-05-31/')) {
    const what = method === 'POST' ? 'CreateInvalidation' : 'GetInvalidation';
    return { number, service: 'cloudfront', what, body };
  }
  return { number, service: 'site', what: `${method} ${url}`, body };
}

/** The item that a request to DynamoDB is about. */
function subjectOf(body: string): string {
  const { Key, ExpressionAttributeValues } = JSON.parse(body);
  if (Key) return `${Key.pk.S} ${Key.sk.S}`;
  return ExpressionAttributeValues?.[':pk']?.S ?? '';
}

/** As each service says it. */
function throttled(service: Service): Answer {
  if (service === 'site') return { status: 503, headers: {}, body: Buffer.from('busy') };
  if (service === 'cloudfront') {
    const code = 'TooManyInvalidationsInProgress';
    const body = formatError(new ControlError(400, code, 'Rate exceeded'), 'faults');
    return { status: 400, headers: { 'content-type': 'text/xml' }, body: Buffer.from(body) };
  }
  const type =
    service === 'sqs'
      ? 'com.amazonaws.sqs#RequestThrottled'
      : 'com.amazon.coral.availability#ThrottlingException';
  return {
    status: 400,
    headers: { 'content-type': 'application/x-amz-json-1.0' },
    body: Buffer.from(JSON.stringify({ __type: type, message: 'Rate exceeded' })),
  };
}
