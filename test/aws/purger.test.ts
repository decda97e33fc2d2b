import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CloudFrontClient } from '@aws-sdk/client-cloudfront';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cloudFrontPurger } from '../../aws/purger';
import { type Control, createControl } from '../../local/cloudfront/control';
import { until } from '../support/until';

/** CloudFront's error answers, as CFAPI, API_CreateInvalidation documents them. */
let refusing: Server;
let refusal: { status: number; code: string };
let client: CloudFrontClient;

beforeAll(async () => {
  refusing = createServer((_, response) => {
    response.writeHead(refusal.status, { 'content-type': 'text/xml' });
    response.end(
      `<ErrorResponse xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/"><Error><Type>Sender</Type>` +
        `<Code>${refusal.code}</Code><Message>Rate exceeded</Message></Error><RequestId>1</RequestId></ErrorResponse>`,
    );
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => refusing.once('listening', resolve));
  client = new CloudFrontClient({
    endpoint: `http://127.0.0.1:${(refusing.address() as AddressInfo).port}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    maxAttempts: 1,
  });
});
afterAll(() => {
  client.destroy();
  refusing.close();
});

describe('a purge', () => {
  it.each([
    [400, 'TooManyInvalidationsInProgress'],
    [400, 'Throttling'],
    [400, 'ThrottlingException'],
    [500, 'InternalError'],
    [503, 'ServiceUnavailable'],
  ])('that CloudFront answers with %i %s is deferred, not failed', async (status, code) => {
    refusal = { status, code };
    expect(await cloudFrontPurger(client, 'E1').purge(['/a'], 'r')).toEqual({
      kind: 'deferred',
      why: `CloudFront: ${code}`,
    });
  });

  it.each([
    [403, 'AccessDenied'],
    [404, 'NoSuchDistribution'],
    [413, 'BatchTooLarge'],
  ])('that CloudFront answers with %i %s has failed, and says of what', async (status, code) => {
    refusal = { status, code };
    await expect(cloudFrontPurger(client, 'E1').purge(['/a', '#b'], 'r')).rejects.toMatchObject({
      code: 'purge-failed',
      message: expect.stringContaining(`an invalidation of 2 items on E1: ${code}`),
    });
  });
});

describe('how an invalidation stands', () => {
  let control: Control;
  let server: Server;
  let real: CloudFrontClient;

  beforeAll(async () => {
    control = createControl({
      distributionId: 'E1',
      invalidate: () => {},
      delayMs: 300,
      now: Date.now,
    });
    server = createServer(control.listener).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    real = new CloudFrontClient({
      endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      region: 'us-east-1',
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    });
  });
  afterAll(() => {
    real.destroy();
    control.close();
    server.close();
  });

  it('is in progress until CloudFront has completed it', async () => {
    const purger = cloudFrontPurger(real, 'E1');
    const purged = await purger.purge(['/a'], 'r1');
    const id = purged.kind === 'accepted' ? purged.invalidation : '';
    expect(await purger.status(id)).toBe('in-progress');
    await until(async () => (await purger.status(id)) === 'completed');
  });

  it('is unknown when CloudFront does not know it', async () => {
    expect(await cloudFrontPurger(real, 'E1').status('INONE')).toBe('unknown');
  });

  it('is unknown when CloudFront is asked too often', async () => {
    refusal = { status: 400, code: 'Throttling' };
    expect(await cloudFrontPurger(client, 'E1').status('I1')).toBe('unknown');
  });

  it('is unknown when CloudFront itself fails', async () => {
    refusal = { status: 503, code: 'ServiceUnavailable' };
    expect(await cloudFrontPurger(client, 'E1').status('I1')).toBe('unknown');
  });

  it('is an error when the worker may not ask', async () => {
    refusal = { status: 403, code: 'AccessDenied' };
    await expect(cloudFrontPurger(client, 'E1').status('I1')).rejects.toMatchObject({
      code: 'purge-failed',
      message: expect.stringContaining('how invalidation I1 of E1 stands: AccessDenied'),
    });
  });
});
