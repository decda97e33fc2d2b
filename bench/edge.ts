/**
 * What every cache miss pays at the edge: the recorder's size, its start, its calls to DynamoDB.
 *
 *     npm run bench -- edge
 *
 * Size and start are compared with the same handler over the AWS SDK's client, interleaved in the same run; each start
 * is a fresh process, 20 of each, the median counts. Calls are counted on the wire, in front of dynalite.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CloudFrontResponseEvent, CloudFrontResponseResult } from 'aws-lambda';
import { buildSync } from 'esbuild';
import { formatRecorderConfig } from '../core/config';
import { createTable, startDynamoDb } from '../local/dynamodb';
import { median, print } from './figure';

const RECORDER = join(__dirname, '../lambda/recorder/index.js');
const STARTS = 20;
const TAGS = ['post:42', 'category:7', 'author:1', 'list', 'site'];
const TABLE = 'bench';
const CREDENTIALS = { AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' };
const QUIET = { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' };

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'isr-bench-'));
  try {
    const sdk = join(folder, 'recorder-sdk.js');
    buildSync({
      entryPoints: [join(__dirname, '../../bench/edge/recorder-sdk.ts')],
      outfile: sdk,
      bundle: true,
      minify: true,
      platform: 'node',
      target: 'node20',
      format: 'cjs',
    });
    print({
      figure: 'recorder.bundle',
      value: statSync(RECORDER).size,
      unit: 'B',
      goal: 25_600,
      op: '<=',
    });
    print({ figure: 'recorder-sdk.bundle', value: statSync(sdk).size, unit: 'B' });

    const starts = Array.from({ length: STARTS }, () => ({
      ours: startOf(RECORDER),
      sdk: startOf(sdk),
    }));
    const initMs = (of: 'ours' | 'sdk') =>
      Number(median(starts.map((start) => start[of])).toFixed(2));
    print({ figure: 'recorder.init', value: initMs('ours'), unit: 'ms', goal: 3, op: '<=' });
    print({ figure: 'recorder-sdk.init', value: initMs('sdk'), unit: 'ms' });

    await measureCold(sdk);
    await countCalls();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Milliseconds to load a bundle in a process that has loaded nothing else. */
function startOf(bundle: string): number {
  const script =
    'const t = performance.now(); require(process.argv[1]); console.log(performance.now() - t)';
  return Number(execFileSync(process.execPath, ['-e', script, bundle], { encoding: 'utf8' }));
}

const COLD_RUNS = 10;

/** Start and first page together, in a fresh process against dynalite: nothing is hidden between the two. */
async function measureCold(sdk: string): Promise<void> {
  const dynamoDb = await startDynamoDb({});
  await createTable(dynamoDb.endpoint, TABLE);
  const script =
    'const t = performance.now(); require(process.argv[1]).handler(JSON.parse(process.argv[2]))' +
    '.then(() => { console.log(performance.now() - t); process.exit(); })';
  const event = JSON.stringify(eventOf(dynamoDb.endpoint));
  const coldMs = (bundle: string) =>
    Number(
      execFileSync(process.execPath, ['-e', script, bundle, event], {
        encoding: 'utf8',
        env: { ...CREDENTIALS, AWS_ENDPOINT_URL_DYNAMODB: dynamoDb.endpoint, ...QUIET },
      }),
    );
  const runs = Array.from({ length: COLD_RUNS }, () => ({
    ours: coldMs(RECORDER),
    sdk: coldMs(sdk),
  }));
  await dynamoDb.close();
  const value = (of: 'ours' | 'sdk') => Number(median(runs.map((run) => run[of])).toFixed(1));
  print({ figure: 'recorder.cold', value: value('ours'), unit: 'ms' });
  print({ figure: 'recorder-sdk.cold', value: value('sdk'), unit: 'ms' });
}

async function countCalls(): Promise<void> {
  const dynamoDb = await startDynamoDb({});
  await createTable(dynamoDb.endpoint, TABLE);
  const wire = await startWire(dynamoDb.endpoint);
  Object.assign(process.env, CREDENTIALS);
  const { handler } = require(RECORDER) as {
    handler: (event: unknown) => Promise<CloudFrontResponseResult>;
  };

  const first = await wire.during(() => handler(eventOf(wire.endpoint)));
  const isOld = Date.now() + 1_000; // a mark must be older than the read that trusts it: core/fence.ts
  while (Date.now() < isOld) await new Promise((resolve) => setImmediate(resolve));
  const unchanged = await wire.during(() => handler(eventOf(wire.endpoint)));
  await wire.close();
  await dynamoDb.close();

  if (unchanged.result?.headers?.['x-isr-ruling']?.[0]?.value !== 'kept')
    throw new Error('the page was not kept');
  const writes = (operations: readonly string[]) =>
    operations.filter((it) => it === 'UpdateItem').length;
  print({ figure: 'recorder.first.calls', value: first.operations.length, unit: 'calls' });
  print({ figure: 'recorder.first.writes', value: writes(first.operations), unit: 'writes' });
  print({
    figure: 'recorder.unchanged.calls',
    value: unchanged.operations.length,
    unit: 'calls',
    goal: 1,
    op: '<=',
  });
  print({
    figure: 'recorder.unchanged.writes',
    value: writes(unchanged.operations),
    unit: 'writes',
    goal: 0,
    op: '<=',
  });
}

/** Stands between the handler and DynamoDB and notes every operation that passes. */
async function startWire(target: string) {
  const operations: string[] = [];
  const server = createServer((incoming, outgoing) => {
    operations.push(String(incoming.headers['x-amz-target']).split('.').at(-1) ?? '');
    const onward = request(
      target,
      { method: incoming.method, headers: incoming.headers },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      },
    );
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async during<T>(work: () => Promise<T>): Promise<{ result: T; operations: string[] }> {
      operations.length = 0;
      const result = await work();
      return { result, operations: [...operations] };
    },
    async close(): Promise<void> {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function eventOf(endpoint: string): CloudFrontResponseEvent {
  const config = formatRecorderConfig({ table: TABLE, region: 'us-east-1', endpoint });
  const header = (key: string, value: string) => ({ [key]: [{ key, value }] });
  return {
    Records: [
      {
        cf: {
          config: {
            distributionDomainName: 'd111111abcdef8.cloudfront.net',
            distributionId: 'EDFDVBD6EXAMPLE',
            eventType: 'origin-response',
            requestId: 'bench',
          },
          request: {
            clientIp: '203.0.113.178',
            method: 'GET',
            uri: '/posts/42',
            querystring: '',
            headers: header('host', 'example.org'),
            origin: {
              custom: {
                customHeaders: header('x-isr-config', config),
                domainName: 'example.org',
                keepaliveTimeout: 5,
                path: '',
                port: 443,
                protocol: 'https',
                readTimeout: 30,
                sslProtocols: ['TLSv1.2'],
              },
            },
          },
          response: {
            status: '200',
            statusDescription: 'OK',
            headers: {
              ...header('cache-control', 's-maxage=300, stale-while-revalidate=3600'),
              ...header('cache-tag', TAGS.join(',')),
              ...header('x-isr-elapsed', '20'),
              ...header('etag', '"v1"'),
            },
          },
        },
      },
    ],
  };
}

main();
