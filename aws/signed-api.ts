/**
 * AWS's APIs by signed requests, for the few calls of `isr cleanup`: four more SDK clients for nine of them would be dependencies of every user.
 * Throttled and failed requests are sent again; AWS_ENDPOINT_URL leads all of them elsewhere, as it does the SDK's.
 * @module
 */
import { setTimeout as wait } from 'node:timers/promises';
import { type Credentials, sign } from './sigv4';

export interface ApiRequest {
  /** As in `lambda`; also the first label of its host. */
  readonly service: string;
  readonly region: string;
  /** @default `SERVICE.REGION.amazonaws.com` */
  readonly host?: string;
  /** @default GET, or POST with a body */
  readonly method?: string;
  /** With its query; what has to be encoded is. @default / */
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** @returns the body @throws AwsRefusal */
export type SignedApi = (request: ApiRequest) => Promise<string>;

/** What AWS answers when it will not. */
export class AwsRefusal extends Error {
  override readonly name = 'AwsRefusal';

  constructor(
    readonly status: number,
    /** As in `ResourceNotFoundException`; empty when it does not say. */
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

export interface SignedApiOptions {
  readonly credentials: () => Promise<Credentials>;
  /** In place of AWS's own addresses. */
  readonly endpoint?: string;
  readonly signal?: AbortSignal;
}

const TRIES_MAX = 5;
const PAUSE_MS = 400;

export function signedApi({ credentials, endpoint, signal }: SignedApiOptions): SignedApi {
  const send = async (request: ApiRequest): Promise<string> => {
    const { service, region, path = '/', body = '', host } = request;
    const method = request.method ?? (body ? 'POST' : 'GET');
    const url = new URL(
      path,
      endpoint ?? `https://${host ?? `${service}.${region}.amazonaws.com`}`,
    );
    const scope = { service, region, nowMs: Date.now() };
    const signed = sign(
      { method, url, headers: request.headers ?? {}, body },
      await credentials(),
      scope,
    );
    const { host: _, ...headers } = signed;
    const answer = await fetch(url, {
      method,
      headers,
      ...(body ? { body } : {}),
      ...(signal ? { signal } : {}),
    });
    const text = await answer.text();
    if (answer.ok) return text;
    throw refusalOf(answer, text, `${service} ${region}`);
  };
  return async (request) => {
    for (let tried = 1; ; tried += 1) {
      try {
        return await send(request);
      } catch (thrown) {
        if (tried === TRIES_MAX || !isPassing(thrown)) throw thrown;
        await wait(PAUSE_MS * 2 ** tried * (0.5 + Math.random() / 2), undefined, { signal });
      }
    }
  };
}

function isPassing(thrown: unknown): boolean {
  if (!(thrown instanceof AwsRefusal)) return false;
  return thrown.status === 429 || thrown.status >= 500 || /Throttl|TooManyReq/.test(thrown.code);
}

/** JSON protocols name the code in a header or in `__type`, XML ones in an element. */
function refusalOf({ status, headers }: Response, text: string, whose: string): AwsRefusal {
  const tagged = (name: string) => new RegExp(`<${name}>([\\s\\S]*?)</${name}>`).exec(text)?.[1];
  const json = parsed(text);
  const said = headers.get('x-amzn-errortype') ?? json.__type ?? tagged('Code') ?? '';
  const code = said.split('#').at(-1)?.split(':')[0] ?? '';
  const message = json.message ?? json.Message ?? tagged('Message') ?? text.slice(0, 200);
  return new AwsRefusal(status, code, `${whose}: ${code} ${message}`.trim());
}

function parsed(text: string): { __type?: string; message?: string; Message?: string } {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {}; // XML
  }
}
