/** The built bundle, with API Gateway's event, against a Secrets Manager that answers as AWS's does. */
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { APIGatewayAuthorizerResult } from 'aws-lambda';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { built, ROOT } from '../support/bundles';

const ARN = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:isr-token-AbCdEf';
const API = 'arn:aws:execute-api:eu-west-1:123456789012:abc123';
const TOKEN = 'a-token-0123456789';

let server: Server;
/** By stage; a number is the status of a failure. */
let versions: Record<string, string | number>;
let asked: { headers: IncomingMessage['headers']; body: unknown }[];

beforeAll(async () => {
  server = createServer(async (req, res) => {
    const body = JSON.parse((await req.toArray()).join(''));
    asked.push({ headers: req.headers, body });
    const value = versions[body.VersionStage];
    const missing = {
      __type: 'ResourceNotFoundException',
      Message: "can't find the specified secret value",
    };
    if (typeof value === 'string') {
      res.end(JSON.stringify({ SecretString: value, CreatedDate: Date.now() / 1_000 }));
    } else res.writeHead(value ?? 400).end(JSON.stringify(value ? { Message: 'down' } : missing));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  vi.stubEnv('AWS_ENDPOINT_URL_SECRETS_MANAGER', `http://127.0.0.1:${port}`);
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKID');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
  vi.stubEnv('ISR_TOKEN_SECRET_ARN', ARN);
});
beforeEach(() => {
  versions = { AWSCURRENT: TOKEN };
  asked = [];
});
afterAll(async () => {
  vi.unstubAllEnvs();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/** As a new container. */
function load() {
  const path = built('lambda/authorizer/index.js');
  delete require.cache[path];
  const { handler } = require(path);
  return (authorizationToken: string, path = 'GET/jobs/*'): Promise<APIGatewayAuthorizerResult> =>
    handler({ type: 'TOKEN', authorizationToken, methodArn: `${API}/v1/${path}` });
}

describe('the authorizer bundle', () => {
  it('lets the token into the whole API, whatever its path looks like', async () => {
    const { policyDocument } = await load()(`Bearer ${TOKEN}`);
    expect(policyDocument.Statement).toEqual([
      { Action: 'execute-api:Invoke', Effect: 'Allow', Resource: `${API}/v1/*` },
    ]);
  });

  it('asks for both versions of the one secret, signed for its region', async () => {
    await load()(`Bearer ${TOKEN}`);
    expect(asked.map(({ body }) => body)).toEqual(
      expect.arrayContaining([
        { SecretId: ARN, VersionStage: 'AWSCURRENT' },
        { SecretId: ARN, VersionStage: 'AWSPREVIOUS' },
      ]),
    );
    expect(asked).toHaveLength(2);
    for (const { headers } of asked) {
      expect(headers['x-amz-target']).toBe('secretsmanager.GetSecretValue');
      expect(headers.authorization).toMatch(/Credential=AKID\/\d+\/eu-west-1\/secretsmanager\//);
    }
  });

  it('takes the token before, shortly after a rotation', async () => {
    versions.AWSPREVIOUS = 'the-token-before-01';
    const { policyDocument } = await load()('Bearer the-token-before-01');
    expect(policyDocument.Statement[0]?.Effect).toBe('Allow');
  });

  it.each(['Bearer wrong-token-0123456789', 'Bearer ', '', `Basic ${TOKEN}`])(
    'denies "%s"',
    async (header) => {
      const { policyDocument } = await load()(header);
      expect(policyDocument.Statement[0]?.Effect).toBe('Deny');
    },
  );

  it('fails, and says why, when the secret cannot be read; a token is in no log', async () => {
    versions.AWSCURRENT = 503;
    const log = vi.spyOn(console, 'error');
    const failure = await load()(`Bearer ${TOKEN}`).catch((thrown: Error) => thrown);
    expect(String(failure)).toContain('Secrets Manager, GetSecretValue: down');
    expect(JSON.stringify([String(failure), log.mock.calls])).not.toContain(TOKEN);
    log.mockRestore();
  });

  it('is small, and its source at most 40 lines', () => {
    expect(readFileSync(built('lambda/authorizer/index.js')).length).toBeLessThan(12_000);
    const source = readFileSync(join(ROOT, 'lambda/authorizer.ts'), 'utf8');
    expect(source.trim().split('\n').length).toBeLessThanOrEqual(40);
  });
});
