/**
 * `fetch` for the revalidate API: signed with the caller's own AWS credentials when the API is on AWS (IAM), plain when
 * it is `isr dev`.
 * @module
 */
import { type Credentials, sign } from '../aws/sigv4';

const EXECUTE_API = /\.execute-api\.([a-z\d-]+)\.amazonaws\.com(\.cn)?$/;

export function fetchFor(endpoint: string): typeof fetch {
  const region = URL.canParse(endpoint)
    ? EXECUTE_API.exec(new URL(endpoint).hostname)?.[1]
    : undefined;
  return region === undefined ? fetch : signedFetch(region);
}

function signedFetch(region: string): typeof fetch {
  let credentials: (() => Promise<Credentials>) | undefined;
  return async (input, init = {}) => {
    credentials ??= (await import('@aws-sdk/credential-provider-node')).defaultProvider();
    const url = new URL(String(input));
    const body = typeof init.body === 'string' ? init.body : '';
    const method = init.method ?? 'GET';
    const given = Object.fromEntries(new Headers(init.headers));
    const { host: _, ...headers } = sign(
      { method, url, headers: given, body },
      await credentials(),
      {
        region,
        service: 'execute-api',
        nowMs: Date.now(),
      },
    );
    return fetch(url, { ...init, headers });
  };
}
