/**
 * A bearer token on its way into a header. What is wrong with one is said without it: errors end in logs.
 * @module
 */
import { IsrError } from '../core/errors';

/** The token itself, or who knows it: asked for every attempt, so that a rotated one is used at once. */
export type Token = string | (() => string | Promise<string>);

/** @throws IsrError `option-invalid` when the endpoint would carry it in clear text through a network */
export function checkTokenPlace(endpoint: string): void {
  const { protocol, hostname } = new URL(endpoint);
  if (protocol === 'https:' || /^(localhost|127\.0\.0\.1|\[::1\])$/.test(hostname)) return;
  throw new IsrError(
    'option-invalid',
    `endpoint is "${endpoint}": a token is sent over https only, or to this machine`,
    'endpoint',
  );
}

/** @throws IsrError `option-invalid` when no header can hold it; what the function throws */
export async function authorizationOf(token: Token): Promise<string> {
  const text = typeof token === 'string' ? token : await token();
  if (typeof text === 'string' && /^[!-~]+$/.test(text)) return `Bearer ${text}`;
  throw new IsrError(
    'option-invalid',
    'token is empty, or has a character that is not visible ASCII: it takes the secret’s value as it is, without a line end',
    'token',
  );
}
