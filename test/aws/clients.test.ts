import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterEach, describe, expect, it } from 'vitest';
import { cloudFrontClient, dynamoClient, sqsClient } from '../../aws/clients';
import { cloudFrontPurger } from '../../aws/purger';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** A service on this machine, and how often it was asked. */
async function service(listener: RequestListener) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    listener(request, response);
  }).listen(0, '127.0.0.1');
  servers.push(server);
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  return {
    asked,
    local: { endpoint: `http://127.0.0.1:${port}`, region: 'us-east-1', credentials },
  };
}

describe("a worker's client", () => {
  it.each<[string, RequestListener]>([
    ['refuses', (_, response) => response.writeHead(503).end()],
    ['hangs up', (request) => request.socket.destroy()],
  ])('asks a CloudFront that %s once: the purge has its own pace', async (_, listener) => {
    const { asked, local } = await service(listener);
    const outcome = await cloudFrontPurger(cloudFrontClient(local), 'E1').purge(['/a'], 'r');
    expect(outcome.kind).toBe('deferred');
    expect(asked).toHaveLength(1);
  });

  it.each<[string, RequestListener]>([
    ['does not answer', () => {}],
    ['does not end its answer', (_, response) => void response.writeHead(200).write('{')],
  ])('does not wait for ever for a service that %s', async (_, listener) => {
    const { local } = await service(listener);
    const hasty = { ...local, answerMs: 50, maxAttempts: 1 };
    const ends = await Promise.all([
      dynamoClient(hasty)
        .send(new GetItemCommand({ TableName: 't', Key: { pk: { S: 'a' } } }))
        .catch((thrown: Error) => thrown.name),
      sqsClient(hasty)
        .send(new SendMessageCommand({ QueueUrl: `${local.endpoint}/q`, MessageBody: 'a' }))
        .catch((thrown: Error) => thrown.name),
      cloudFrontPurger(cloudFrontClient(hasty), 'E1').purge(['/a'], 'r'),
    ]);
    expect(ends).toEqual([
      'TimeoutError',
      'TimeoutError',
      { kind: 'deferred', why: 'CloudFront: TimeoutError' },
    ]);
  });
});
