/**
 * AWS Signature Version 4 for a request whose body is at hand.
 *
 * Synchronous on node:crypto: the edge signs on every miss, where WebCrypto's trips to its thread pool would cost more
 * than the hashing. test/aws/sigv4.test.ts compares it with the SDK's signer.
 * @see AWS IAM User Guide, "Create a signed AWS API request"
 * @module
 */
import { crypto, hash } from '../core/hash';

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

/** The credentials that Lambda gives a function; empty strings when there are none. */
export function credentialsFrom(env: Readonly<Record<string, string | undefined>>): Credentials {
  const { AWS_ACCESS_KEY_ID = '', AWS_SECRET_ACCESS_KEY = '', AWS_SESSION_TOKEN } = env;
  return {
    accessKeyId: AWS_ACCESS_KEY_ID,
    secretAccessKey: AWS_SECRET_ACCESS_KEY,
    sessionToken: AWS_SESSION_TOKEN,
  };
}

export interface SignableRequest {
  readonly method: string;
  readonly url: URL;
  /** Lower-case names; every one of them is signed. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface SigningScope {
  readonly region: string;
  /** As in `dynamodb`, `execute-api`. */
  readonly service: string;
  readonly nowMs: number;
}

/** @returns the headers to send: the given ones, `x-amz-date`, the token's and `authorization` */
export function sign(
  request: SignableRequest,
  credentials: Credentials,
  { region, service, nowMs }: SigningScope,
): Record<string, string> {
  const time = new Date(nowMs).toISOString().replace(/[-:]|\.\d{3}/g, ''); // 20261124T225132Z
  const day = time.slice(0, 8);
  const headers: Record<string, string> = {
    ...request.headers,
    host: request.url.host,
    'x-amz-date': time,
    ...(credentials.sessionToken ? { 'x-amz-security-token': credentials.sessionToken } : {}),
  };
  const names = Object.keys(headers).sort();
  const signed = names.join(';');
  const canonical = [
    request.method,
    canonicalPath(request.url),
    canonicalQuery(request.url),
    ...names.map((name) => `${name}:${headers[name]?.trim().replace(/ +/g, ' ')}`),
    '',
    signed,
    hash(request.body),
  ].join('\n');
  const scope = `${day}/${region}/${service}/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', time, scope, hash(canonical)].join('\n');
  const signature = crypto()
    .createHmac('sha256', signingKey(credentials, { day, region, service }))
    .update(toSign)
    .digest('hex');
  headers.authorization = `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${scope}, SignedHeaders=${signed}, Signature=${signature}`;
  return headers;
}

let lastKey: { readonly name: string; readonly key: Buffer } | undefined;

/** Derived from day and secret alone, so the last one may be kept. */
function signingKey(
  { secretAccessKey }: Credentials,
  { day, region, service }: { day: string; region: string; service: string },
): Buffer {
  const name = [secretAccessKey, day, region, service].join('\n');
  if (lastKey?.name !== name) {
    const key = [day, region, service, 'aws4_request'].reduce<Buffer | string>(
      (secret, part) => crypto().createHmac('sha256', secret).update(part).digest(),
      `AWS4${secretAccessKey}`,
    );
    lastKey = { name, key: key as Buffer };
  }
  return lastKey.key;
}

/** Services other than S3 expect each path segment encoded twice: once as sent, once more here. */
function canonicalPath({ pathname }: URL): string {
  return pathname.split('/').map(encode).join('/');
}

function canonicalQuery({ searchParams }: URL): string {
  return [...searchParams]
    .map(([name, value]) => [encode(name), encode(value)] as const)
    .sort(([a, x], [b, y]) => (a === b ? compare(x, y) : compare(a, b)))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}

const compare = (a: string, b: string) => (a < b ? -1 : Number(a > b));

function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
