/**
 * moto's server (ISR_MOTO names its command; `.ci/run` installs it), and what a test has to ask of it beyond our own
 * clients: CloudFormation and Lambda, by signed requests, for no SDK of theirs is worth installing for three calls.
 * @module
 */
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { type CloudFrontClient, CreateDistributionCommand } from '@aws-sdk/client-cloudfront';
import { sign } from '../../aws/sigv4';
import { CREDENTIALS, REGION } from '../../local/account';
import { until } from '../support/until';

export const MOTO_ACCOUNT_ID = '123456789012';

export interface Moto {
  /** `http://127.0.0.1:41523` */
  readonly endpoint: string;
  /** What it has logged. */
  readonly log: readonly string[];
  /** @throws when the answer is no 2xx, with what it says */
  ask(service: string, path: string, request?: MotoRequest): Promise<string>;
  stop(): void;
}

export interface MotoRequest {
  /** @default us-east-1 */
  readonly region?: string;
  /** @default GET, or POST when there is a body */
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export async function startMoto(): Promise<Moto> {
  const command = process.env.ISR_MOTO;
  if (!command) throw new Error('ISR_MOTO names no moto_server: run .ci/run');
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const child = spawn(command, ['-H', '127.0.0.1', '-p', String(port)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const log: string[] = [];
  createInterface(child.stderr).on('line', (line) => log.push(line));
  const isThere = () =>
    fetch(endpoint).then(
      () => true,
      () => false,
    );
  await until(isThere, 'moto answers');
  return { endpoint, log, ask: asker(endpoint), stop: () => child.kill() };
}

function asker(endpoint: string): Moto['ask'] {
  return async (
    service,
    path,
    { body = '', headers = {}, method = body ? 'POST' : 'GET', region = REGION } = {},
  ) => {
    const url = new URL(path, endpoint);
    const scope = { region, service, nowMs: Date.now() };
    const { host, ...signed } = sign({ method, url, headers, body }, CREDENTIALS, scope);
    const answer = await fetch(url, { method, headers: signed, ...(body ? { body } : {}) });
    const text = await answer.text();
    if (answer.ok) return text;
    throw new Error(`${service} ${method} ${path}: ${answer.status} ${text.slice(0, 1_000)}`);
  };
}

export async function createDistribution(client: CloudFrontClient): Promise<string> {
  const { Distribution } = await client.send(
    new CreateDistributionCommand({
      DistributionConfig: {
        CallerReference: 'd',
        Comment: '',
        Enabled: true,
        Origins: {
          Quantity: 1,
          Items: [
            {
              Id: 'o',
              DomainName: 'example.org',
              CustomOriginConfig: {
                HTTPPort: 80,
                HTTPSPort: 443,
                OriginProtocolPolicy: 'https-only',
              },
            },
          ],
        },
        DefaultCacheBehavior: { TargetOriginId: 'o', ViewerProtocolPolicy: 'redirect-to-https' },
      },
    }),
  );
  return Distribution?.Id ?? '';
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
