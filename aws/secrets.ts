/**
 * A secret's two versions, by a signed request: one operation does not need a client of the SDK.
 *
 *     POST / secretsmanager.GetSecretValue {"SecretId":"arn:…","VersionStage":"AWSCURRENT"}
 *       → {"SecretString":"…","CreatedDate":1767225600.123}
 * @module
 */
import type { SecretVersions } from '../core/tokens';
import { jsonErrorOf } from './json-error';
import { type Credentials, sign } from './sigv4';

export interface SecretsTransport {
  readonly secretArn: string;
  /** @default - AWS's own for the secret's region */
  readonly endpoint?: string | undefined;
  readonly credentials: () => Credentials;
  readonly timeoutMs: number;
  readonly now: () => number;
}

interface SecretValue {
  readonly SecretString: string;
  /** Seconds. */
  readonly CreatedDate: number;
}

/** @throws Error that names the operation and what Secrets Manager said; never what the secret is */
export async function readSecretVersions(transport: SecretsTransport): Promise<SecretVersions> {
  const [current, previous] = await Promise.all([
    secretValue(transport, 'AWSCURRENT'),
    secretValue(transport, 'AWSPREVIOUS').catch((thrown: Error) => {
      if (thrown.name !== 'ResourceNotFoundException') throw thrown;
      return undefined; // it was never rotated
    }),
  ]);
  return {
    current: current.SecretString,
    createdAtMs: current.CreatedDate * 1_000,
    previous: previous?.SecretString,
  };
}

async function secretValue(transport: SecretsTransport, stage: string): Promise<SecretValue> {
  const { secretArn, credentials, now, timeoutMs } = transport;
  const [, partition, , region = ''] = secretArn.split(':');
  const domain = partition === 'aws-cn' ? 'amazonaws.com.cn' : 'amazonaws.com';
  const url = new URL(transport.endpoint ?? `https://secretsmanager.${region}.${domain}`);
  const body = JSON.stringify({ SecretId: secretArn, VersionStage: stage });
  const { host: _, ...headers } = sign(
    {
      method: 'POST',
      url,
      headers: {
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': 'secretsmanager.GetSecretValue',
      },
      body,
    },
    credentials(),
    { region, service: 'secretsmanager', nowMs: now() },
  );
  const signal = AbortSignal.timeout(timeoutMs);
  const answer = await fetch(url, { method: 'POST', headers, body, signal, redirect: 'error' });
  if (!answer.ok) {
    const refusal = { status: answer.status, body: await answer.text().catch(() => '') };
    throw jsonErrorOf('Secrets Manager, GetSecretValue', refusal);
  }
  const value = (await answer.json()) as Partial<SecretValue>;
  const { SecretString, CreatedDate } = value;
  if (typeof SecretString === 'string' && typeof CreatedDate === 'number') {
    return { SecretString, CreatedDate };
  }
  throw new Error('Secrets Manager, GetSecretValue: the secret has no SecretString');
}
