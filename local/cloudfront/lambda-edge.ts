/**
 * Lambda@Edge on origin-response: the event a function is given, and what CloudFront accepts of its result.
 *
 *     resolves, accepted    its status and headers replace the origin's
 *     resolves, refused     502 LambdaValidationError: no response, a disallowed header, a read-only one changed, …
 *     rejects               503 LambdaExecutionError
 *     neither, too long     503 LambdaLimitExceeded
 *
 * @see CFDG, lambda-event-structure, edge-function-restrictions-all, lambda-generating-http-responses,
 * http-502-bad-gateway, http-503-service-unavailable
 * @module
 */
import { STATUS_CODES } from 'node:http';
import { Readable } from 'node:stream';
import type { CloudFrontHeaders, CloudFrontResponseEvent } from 'aws-lambda';
import { reasonOf } from '../../core/errors';
import type { Result, Settings } from './options';
import type { OriginAnswer } from './origin-fetch';
import type { Ask } from './origin-request';
import { isHopByHop, type Line, linesOf, valuesOf, without } from './raw-headers';

/** The function failed, or its result did. */
export class FunctionFailure extends Error {
  constructor(
    readonly status: 502 | 503,
    readonly result: Result,
    message: string,
  ) {
    super(message);
  }
}

/**
 * The origin's answer as the function leaves it.
 * @throws FunctionFailure
 */
export async function runOriginResponse(
  ask: Ask,
  answer: OriginAnswer,
  settings: Settings,
): Promise<OriginAnswer> {
  const { originResponse, functionTimeoutMs } = settings;
  if (!originResponse) return answer;
  const event = eventOf(ask, answer, settings);
  const result = await within(functionTimeoutMs, () => originResponse(event));
  return applied(answer, accepted(result, answer));
}

async function within(ms: number, work: () => Promise<unknown>): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const failure = () =>
      new FunctionFailure(503, 'LambdaLimitExceeded', `the function took more than ${ms} ms`);
    timer = setTimeout(() => reject(failure()), ms);
  });
  try {
    return await Promise.race([work(), late]);
  } catch (thrown) {
    if (thrown instanceof FunctionFailure) throw thrown;
    if ((thrown as Error)?.name === 'TooManyRequestsException') {
      throw new FunctionFailure(503, 'LambdaLimitExceeded', reasonOf(thrown)); // CFDG, http-503-service-unavailable
    }
    const message = `the function threw: ${reasonOf(thrown)}`;
    throw new FunctionFailure(503, 'LambdaExecutionError', message);
  } finally {
    clearTimeout(timer);
  }
}

function eventOf(ask: Ask, answer: OriginAnswer, settings: Settings): CloudFrontResponseEvent {
  const query = ask.url.indexOf('?');
  const { origin, distributionId, domainName } = settings;
  const custom = {
    customHeaders: headersOf(linesOf(Object.entries(settings.customHeaders).flat())),
    domainName: origin.hostname,
    keepaliveTimeout: 5,
    path: '',
    port: Number(origin.port) || (origin.protocol === 'https:' ? 443 : 80),
    protocol: origin.protocol === 'https:' ? ('https' as const) : ('http' as const),
    readTimeout: Math.ceil(settings.originTimeoutMs / 1_000),
    responseCompletionTimeout: Math.ceil(settings.originTimeoutMs / 1_000),
    sslProtocols: ['TLSv1.2'],
  };
  const cf = {
    config: {
      distributionDomainName: domainName,
      distributionId,
      eventType: 'origin-response' as const,
      requestId: ask.id,
    },
    request: {
      clientIp: ask.clientIp,
      method: ask.method,
      uri: query < 0 ? ask.url : ask.url.slice(0, query),
      querystring: query < 0 ? '' : ask.url.slice(query + 1),
      headers: headersOf(ask.lines),
      origin: { custom },
    },
    response: {
      status: String(answer.status),
      statusDescription: answer.statusText || (STATUS_CODES[answer.status] ?? ''),
      headers: headersOf(answer.lines),
    },
  };
  return { Records: [{ cf }] };
}

function headersOf(lines: readonly Line[]): CloudFrontHeaders {
  const headers: CloudFrontHeaders = {};
  for (const [key, value] of without(lines, isDisallowed)) {
    const name = key.toLowerCase();
    headers[name] = [...(headers[name] ?? []), { key, value }];
  }
  return headers;
}

/** Not exposed to a function, and not to be added by one (CFDG, edge-function-restrictions-all). */
function isDisallowed(name: string): boolean {
  return DISALLOWED.has(name) || DISALLOWED_PREFIXES.some((prefix) => name.startsWith(prefix));
}
const DISALLOWED = new Set([
  'connection',
  'expect',
  'keep-alive',
  'trailer',
  'upgrade',
  'x-cache',
  'x-forwarded-proto',
  'x-real-ip',
]);
const DISALLOWED_PREFIXES = ['proxy-', 'x-accel-', 'x-amz-cf-', 'x-amzn-', 'x-edge-'];

/** To be read, never changed, added or removed, on origin-response. */
const READ_ONLY = ['transfer-encoding', 'via'];

/** CFDG, cloudfront-limits: a body that an origin-facing function makes. */
const BODY_BYTES_MAX = 1_048_576;

interface Accepted {
  readonly status: number;
  readonly statusText: string;
  readonly lines: readonly Line[];
  readonly body: Buffer | undefined;
}

function accepted(result: unknown, answer: OriginAnswer): Accepted {
  if (!isRecord(result)) throw refused(`it returned ${shown(result)}, not a response`);
  const { status, statusDescription, headers = {}, body, bodyEncoding = 'text' } = result;
  const isStatus = typeof status === 'string' || typeof status === 'number';
  if (!isStatus || !/^[2-5]\d\d$/.test(String(status))) {
    throw refused(`status is ${shown(status)}: it takes "200" to "599"`);
  }
  if (!isRecord(headers)) throw refused(`headers is ${shown(headers)}: it takes an object`);
  const lines = Object.entries(headers).flatMap(([name, values]) => acceptedLines(name, values));
  for (const name of READ_ONLY) {
    const isSame = valuesOf(lines, name).join('\n') === valuesOf(answer.lines, name).join('\n');
    if (!isSame) throw refused(`headers.${name} is read-only: it was added, changed or removed`);
  }
  return {
    status: Number(status),
    statusText: typeof statusDescription === 'string' ? statusDescription : '',
    lines,
    body: acceptedBody(body, bodyEncoding),
  };
}

function acceptedLines(name: string, values: unknown): Line[] {
  if (!/^[!#$%&'*+\-.^_`|~\da-z]+$/.test(name)) {
    throw refused(`headers has ${shown(name)}: names are lower-case tokens`);
  }
  if (isDisallowed(name)) throw refused(`headers.${name} is disallowed`);
  if (!Array.isArray(values)) throw refused(`headers.${name} is no list of {key, value}`);
  return values.map((line: unknown) => {
    const { key = name, value } = isRecord(line) ? line : {};
    if (typeof key !== 'string' || key.toLowerCase() !== name) {
      throw refused(`headers.${name} has the key ${shown(key)}: they differ in more than case`);
    }
    if (typeof value === 'string' && /^[\t\x20-\x7e\x80-\xff]*$/.test(value)) return [key, value];
    throw refused(`headers.${name} is ${shown(value)}: it takes a string that a header can hold`);
  });
}

function acceptedBody(body: unknown, encoding: unknown): Buffer | undefined {
  if (body === undefined || body === null) return undefined;
  if (typeof body !== 'string') throw refused(`body is ${shown(body)}: it takes a string`);
  if (encoding !== 'text' && encoding !== 'base64') {
    throw refused(`bodyEncoding is ${shown(encoding)}: it takes "text" or "base64"`);
  }
  const bytes = Buffer.from(body, encoding === 'text' ? 'utf8' : 'base64');
  if (bytes.byteLength <= BODY_BYTES_MAX) return bytes;
  throw refused(`body has ${bytes.byteLength} bytes, at most ${BODY_BYTES_MAX}`);
}

/** What the function was not shown stays as it was; without a body of its own, so does the origin's, and its length. */
function applied(answer: OriginAnswer, { body, lines, ...rest }: Accepted): OriginAnswer {
  const isGone = isHopByHop(answer.lines);
  const hidden = answer.lines.filter(
    ([name]) => isDisallowed(name.toLowerCase()) && !isGone(name.toLowerCase()),
  );
  const lengths = body ? [String(body.byteLength)] : valuesOf(answer.lines, 'content-length');
  const described = without(lines, (name) => name === 'content-length');
  if (body) answer.body.destroy();
  return {
    ...rest,
    lines: [...described, ...hidden, ...lengths.map((length): Line => ['Content-Length', length])],
    body: body ? Readable.from([body]) : answer.body,
  };
}

function refused(why: string): FunctionFailure {
  return new FunctionFailure(502, 'LambdaValidationError', `the function's result: ${why}`);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? String(value)).slice(0, 80);
}
