/**
 * The API's client, as a command's options and the environment tell it.
 *
 *     --token, ISR_TOKEN     Authorization: Bearer …        ApiAuth.bearer
 *     else, on AWS           signed with the caller's own   ApiAuth.iam
 *     else                   plain                          isr dev
 * @module
 */
import { IsrClient } from '../client';
import { fetchFor } from './fetch';
import { endpointOf, type Io } from './io';

export const TOKEN = {
  flags: '--token <token>',
  help: 'the bearer token of an API with ApiAuth.bearer (default: ISR_TOKEN, which other users of this machine do not see)',
} as const;

export interface ApiOptions {
  readonly endpoint?: string;
  readonly token?: string;
}

/** @throws IsrError `option-invalid` */
export function clientFor(
  { endpoint: option, token: given }: ApiOptions,
  { env }: Pick<Io, 'env'>,
): { readonly client: IsrClient; readonly endpoint: string } {
  const endpoint = endpointOf(option, env);
  const token = given ?? (env.ISR_TOKEN || undefined);
  const options = token === undefined ? { fetch: fetchFor(endpoint, env) } : { token };
  return { client: new IsrClient({ endpoint, ...options }), endpoint };
}
