/**
 * What AWS's JSON protocols answer when they refuse:
 * `{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException","message":…}`, or `Message`.
 * @module
 */

export interface Refusal {
  readonly status: number;
  readonly body: string;
}

/** @returns an Error whose `name` is the service's own, `Http503` where it has none @param what  as in `GetItem` */
export function jsonErrorOf(what: string, { status, body }: Refusal): Error {
  const parsed = parse(body);
  const error = new Error(`${what}: ${parsed.message ?? parsed.Message ?? `HTTP ${status}`}`);
  error.name = parsed.__type?.split('#').at(-1) ?? `Http${status}`;
  return error;
}

function parse(body: string): { __type?: string; message?: string; Message?: string } {
  try {
    return JSON.parse(body);
  } catch {
    return {}; // a proxy's page instead of the service's JSON: the status says it
  }
}
