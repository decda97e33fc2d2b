/**
 * `fetch` for the revalidate API: signed with the caller's own AWS credentials when the API is on AWS (IAM), plain when
 * it is `isr dev`. AWS's own address tells the region to sign for; a name of the API's own does not, `AWS_REGION` does.
 * @module
 */
import { type Credentials, sign } from '../aws/sigv4';

const EXECUTE_API = /\.execute-api\.([a-z\d-]+)\.amazonaws\.com(\.cn)?$/;

export function fetchFor(
  endpoint: string,
  env: Readonly<Record<string, string | undefined>>,
): typeof fetch {
  const region = URL.canParse(endpoint) ? regionOf(new URL(endpoint), env) : undefined;
  return region === undefined ? fetch : signedFetch(region);
}

function regionOf({ protocol, hostname }: URL, env: Parameters<typeof fetchFor>[1]) {
  const named = EXECUTE_API.exec(hostname)?.[1];
  if (named !== undefined || protocol !== 'https:') return named;
  return env.AWS_REGION || env.AWS_DEFAULT_REGION || undefined;
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
