/**
 * API Gateway's Lambda proxy integration of a REST API (APIG, set-up-lambda-proxy-integrations): the request as an
 * event, `{ statusCode, headers, multiValueHeaders, body, isBase64Encoded }` as the answer.
 * @module
 */
import { randomUUID } from 'node:crypto';
import { type IncomingMessage, validateHeaderName, validateHeaderValue } from 'node:http';
import { ACCOUNT_ID } from '../account';
import type { LocalFunction } from './host';

export interface ProxyRequest {
  readonly request: IncomingMessage;
  /** Without the query. */
  readonly path: string;
  /** The route: `/jobs/{id}`. */
  readonly resource: string;
  /** What stood for the names in braces, as it was sent. */
  readonly parameters: Readonly<Record<string, string>>;
}

export interface ProxyAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly body: string | Buffer;
}

/** The function failed, or answered what the integration does not take: a 502. */
export class FunctionFailure extends Error {
  override readonly name = 'FunctionFailure';
}

/** @throws FunctionFailure */
export async function invokeProxy(
  fn: Pick<LocalFunction, 'name' | 'invoke'>,
  request: ProxyRequest,
): Promise<ProxyAnswer> {
  let answer: unknown;
  try {
    answer = await fn.invoke(eventOf(request));
  } catch (cause) {
    throw new FunctionFailure(`the function ${fn.name} failed`, { cause });
  }
  return answerOf(answer, fn.name);
}

/** Payload format 1.0. */
function eventOf({ request, path, resource, parameters }: ProxyRequest) {
  const query = new URLSearchParams(request.url?.slice(path.length) ?? '');
  const nowMs = Date.now();
  return {
    resource,
    path,
    httpMethod: request.method,
    headers: mapped(request.headersDistinct, (values) => values.at(-1)),
    multiValueHeaders: mapped(request.headersDistinct, (values) => values),
    queryStringParameters: query.size === 0 ? null : Object.fromEntries(query),
    multiValueQueryStringParameters:
      query.size === 0
        ? null
        : Object.fromEntries([...query.keys()].map((name) => [name, query.getAll(name)])),
    pathParameters: Object.keys(parameters).length === 0 ? null : mapped(parameters, decoded),
    stageVariables: null,
    requestContext: {
      accountId: ACCOUNT_ID,
      apiId: 'local',
      stage: 'local',
      resourcePath: resource,
      resourceId: 'local',
      httpMethod: request.method,
      path,
      protocol: `HTTP/${request.httpVersion}`,
      requestId: randomUUID(),
      requestTime: new Date(nowMs).toUTCString(),
      requestTimeEpoch: nowMs,
      identity: {
        sourceIp: request.socket.remoteAddress ?? '',
        userAgent: request.headers['user-agent'] ?? null,
      },
    },
    body: null,
    isBase64Encoded: false,
  };
}

function mapped<V, W>(
  values: Readonly<Record<string, V | undefined>>,
  change: (value: V) => W,
): Record<string, W> {
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, change(value)]],
    ),
  );
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a lone % is itself
  }
}

function answerOf(answer: unknown, name: string): ProxyAnswer {
  const malformed = new FunctionFailure(
    `the function ${name} answered ${JSON.stringify(answer)?.slice(0, 200)}: it takes statusCode, headers and a body of text`,
  );
  if (typeof answer !== 'object' || answer === null) throw malformed;
  const { statusCode, headers, multiValueHeaders, body, isBase64Encoded } = answer as Readonly<
    Record<string, unknown>
  >;
  const status = Number(statusCode);
  if (!Number.isInteger(status) || status < 200 || status > 599) throw malformed;
  if (body !== undefined && body !== null && typeof body !== 'string') throw malformed;
  const fields = fieldsOf({ ...(headers ?? {}), ...(multiValueHeaders ?? {}) });
  if (!fields) throw malformed;
  return {
    status,
    headers: fields,
    body: isBase64Encoded === true ? Buffer.from(body ?? '', 'base64') : (body ?? ''),
  };
}

/** Names in lower case; undefined when HTTP cannot carry one of them. */
function fieldsOf(headers: Readonly<Record<string, unknown>>): ProxyAnswer['headers'] | undefined {
  const fields: Record<string, string[]> = {};
  try {
    for (const [name, value] of Object.entries(headers)) {
      const values = (Array.isArray(value) ? value : [value]).map(String);
      validateHeaderName(name);
      for (const each of values) validateHeaderValue(name, each);
      fields[name.toLowerCase()] = values;
    }
  } catch {
    return undefined;
  }
  return fields;
}
