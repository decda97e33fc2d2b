/**
 * The construct's template, deployed by moto's CloudFormation, and what then stands there driven by our command line.
 *
 * What moto cannot stands in moto-stack.ts. So the distribution is made through its API, the local CloudFront and API
 * stand before the deployed table and queue (with the configuration and the template that are deployed), and the
 * built functions run in our own threads, each with the environment that is deployed for it.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CloudFrontClient, ListInvalidationsCommand } from '@aws-sdk/client-cloudfront';
import { ReceiveMessageCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { Template } from 'aws-cdk-lib/assertions';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseWarmMessage } from '../../aws/queue';
import { formatRecorderConfig, parseRecorderConfig } from '../../core/config';
import { CONFIG, NATIVE_TAGS, RULING } from '../../core/headers';
import { CREDENTIALS, REGION } from '../../local/account';
import { type LocalApi, startApi } from '../../local/api';
import { startCloudFront } from '../../local/cloudfront';
import { type EventSource, mapQueue } from '../../local/lambda/event-source';
import { type LocalFunction, loadFunction } from '../../local/lambda/host';
import { build } from '../lib/stacks';
import { built } from '../support/bundles';
import { run } from '../support/process';
import { until } from '../support/until';
import { createDistribution, type Moto, startMoto } from './moto-server';
import { askCloudFormation, createStack, motoTemplate, unexpectedIn } from './moto-stack';

const STACK = 'Site';

let moto: Moto;
let stack: Deployed;
let distributionId: string;
let origin: Server;
let api: LocalApi;
let invalidators: EventSource;
let functions: Record<'recorder' | 'invalidator' | 'jobs', LocalFunction>;
const account = { region: REGION, credentials: CREDENTIALS };
const sqs = () => new SQSClient({ endpoint: moto.endpoint, ...account });

beforeAll(async () => {
  moto = await startMoto();
  const cloudFront = new CloudFrontClient({ endpoint: moto.endpoint, ...account });
  distributionId = await createDistribution(cloudFront);
  cloudFront.destroy();
  stack = await deploy(moto, distributionId);
  functions = {
    recorder: load('recorder', {}),
    invalidator: load('invalidator', await environmentOf('Invalidator')),
    jobs: load('jobs', await environmentOf('Jobs')),
  };
  const queueUrl = stack.outputs.RevalidateQueueUrl ?? '';
  const sqsEndpoint = moto.endpoint;
  api = await startApi({ queueUrl, sqsEndpoint, jobs: functions.jobs });
  const batches = { fn: functions.invalidator, batchSize: 1_000, batchWindowMs: 50 };
  invalidators = mapQueue({ queueUrl, sqsEndpoint, ...batches });
  origin = createServer((_, response) => {
    response.writeHead(200, {
      'content-type': 'text/html',
      'cache-control': 's-maxage=300',
      'cache-tag': 'post:42',
      'x-isr-elapsed': '5',
    });
    response.end('a page');
  });
  await new Promise<void>((resolve) => origin.listen(0, '127.0.0.1', resolve));
}, 120_000);

afterAll(async () => {
  const polls = invalidators?.close(); // its long poll at moto ends with moto
  await api?.close();
  origin?.close();
  moto?.stop();
  await polls;
  for (const each of Object.values(functions ?? {})) await each.close();
});

describe('the template', () => {
  it('is deployed by moto, but for what moto says it does not know', () => {
    expect(stack.status).toBe('CREATE_COMPLETE');
    expect(moto.log).not.toEqual([]);
    expect(unexpectedIn(moto.log)).toEqual([]);
  });

  it('maps each queue to its worker, as deployed', async () => {
    const text = await moto.ask('lambda', '/2015-03-31/event-source-mappings/');
    const { EventSourceMappings: mappings } = JSON.parse(text) as {
      EventSourceMappings: { EventSourceArn: string; FunctionArn: string; BatchSize: number }[];
    };
    const word = (arn: string) => /(\w+?)(Function)?[0-9A-F]{8}-/.exec(arn)?.[1];
    const shown = mappings.map(({ EventSourceArn, FunctionArn, BatchSize }) =>
      [word(EventSourceArn), word(FunctionArn), BatchSize].join(' '),
    );
    expect(shown.sort()).toEqual([
      'IsrRevalidateQueue IsrInvalidator 1000',
      'IsrWarmQueue IsrWarmer 1',
    ]);
  });
});

describe('a page that is recorded in the deployed table', () => {
  it('is found, purged and queued for its warm by isr revalidate', async () => {
    const { port } = origin.address() as AddressInfo;
    const edge = await startCloudFront({
      origin: `http://127.0.0.1:${port}`,
      port: 0,
      distributionId,
      customHeaders: { [CONFIG]: stack.recorderConfig },
      keyHeaders: [],
      tagHeader: NATIVE_TAGS,
      viewerHeaders: { remove: [], set: {} },
      originResponse: (event) => functions.recorder.invoke(event),
    });
    const viewed = await fetch(`${edge.url}/posts/42`);
    expect([viewed.status, viewed.headers.get(RULING)]).toEqual([200, 'kept']);
    await edge.close();

    const { code, out, err } = await isr('revalidate', 'post:42', '--json');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const { job } = JSON.parse(out);
    const state = async () => JSON.parse((await isr('jobs', job, '--json')).out).state;
    await until(async () => (await state()) === 'warming', 'the job is warming', 50_000);

    const cloudFront = new CloudFrontClient({ endpoint: moto.endpoint, ...account });
    const { InvalidationList } = await cloudFront.send(
      new ListInvalidationsCommand({ DistributionId: distributionId }),
    );
    cloudFront.destroy();
    expect(InvalidationList?.Items).toHaveLength(1);

    const warmQueue = stack.queueUrls.WarmQueue ?? '';
    const { Messages = [] } = await receive(warmQueue);
    const warms = Messages.map(({ Body = '' }) => parseWarmMessage(Body));
    expect(warms).toMatchObject([{ jobs: [job], urls: ['/posts/42'] }]);
  });
});

describe('a dead letter in the deployed queue', () => {
  it('is shown by isr jobs --dlq, and sent back by isr redrive', async () => {
    const queue = stack.outputs.RevalidateDeadLetterQueueUrl ?? '';
    const client = sqs();
    const MessageBody = JSON.stringify({ tags: ['post:7'] });
    await client.send(new SendMessageCommand({ QueueUrl: queue, MessageBody }));
    client.destroy();

    const listed = await isr('jobs', '--dlq', '--dead-letter-queue', queue, '--json');
    expect(listed.err).toBe('');
    const [letter] = JSON.parse(listed.out).messages;
    expect(letter).toMatchObject({ tags: ['post:7'], isPoisoned: false });

    const sent = await isr('redrive', '--all', '--dead-letter-queue', queue);
    expect(sent).toMatchObject({ code: 0, err: '' });
    const state = async () => JSON.parse((await isr('jobs', letter.jobs[0], '--json')).out).state;
    await until(async () => (await state()) === 'fresh', 'its job has ended', 50_000);
  });
});

interface Deployed {
  readonly status: string;
  readonly outputs: Readonly<Record<string, string>>;
  /** By the construct's id. */
  readonly queueUrls: Readonly<Record<string, string>>;
  /** The physical name of each function, by its logical id. */
  readonly functions: Readonly<Record<string, string>>;
  readonly recorderConfig: string;
}

/** As `cdk deploy` does it: a bootstrapped account, the assets in its bucket, a stack. */
async function deploy(moto: Moto, id: string): Promise<Deployed> {
  const { ask, endpoint } = moto;
  const template = Template.fromStack(build({}, { region: REGION }).stack).toJSON();
  const standIn = { ref: id, attribute: 'd111111abcdef8.cloudfront.net' };
  await createStack(moto, { name: STACK, template: motoTemplate(template, standIn) });
  const told = await askCloudFormation(ask, { Action: 'DescribeStacks', StackName: STACK });
  const listed = await askCloudFormation(ask, { Action: 'ListStackResources', StackName: STACK });
  const physical = (type: string) =>
    Object.fromEntries(
      [...listed.matchAll(/<member>(.*?)<\/member>/gs)]
        .map(([, member = '']) => member)
        .filter((member) => tagged(member, 'ResourceType') === type)
        .map((member) => [
          tagged(member, 'LogicalResourceId'),
          tagged(member, 'PhysicalResourceId'),
        ]),
    );
  const atMoto = (url: string) => url.replace(/^https:\/\/sqs\.[^/]+/, endpoint);
  const outputs = [...told.matchAll(/<OutputKey>(.*?)<.*?<OutputValue>(.*?)</gs)];
  return {
    status: tagged(told, 'StackStatus'),
    outputs: Object.fromEntries(
      outputs.map(([, key = '', value = '']) => [idOf(key), atMoto(value)]),
    ),
    queueUrls: Object.fromEntries(
      Object.entries(physical('AWS::SQS::Queue')).map(([key, url]) => [idOf(key), atMoto(url)]),
    ),
    functions: physical('AWS::Lambda::Function'),
    recorderConfig: recorderConfigIn(template, endpoint),
  };
}

/** `IsrRevalidateQueue45BFBC13` → `RevalidateQueue` */
function idOf(logicalId: string): string {
  return logicalId.replace(/^Isr/, '').replace(/[0-9A-F]{8}$/, '');
}

function tagged(xml: string, name: string): string {
  return new RegExp(`<${name}>(.*?)</${name}>`, 's').exec(xml)?.[1] ?? '';
}

type Json = ReturnType<typeof JSON.parse>;

/** What the distribution's origin would send the recorder, with moto's address. */
function recorderConfigIn(template: Json, endpoint: string): string {
  const headers = JSON.stringify(template).match(
    /"HeaderName":"x-isr-config","HeaderValue":"((?:[^"\\]|\\.)*)"/,
  );
  const text = JSON.parse(`"${headers?.[1] ?? ''}"`);
  return formatRecorderConfig({ ...parseRecorderConfig(text), endpoint });
}

/** What the deployed function finds in its environment; its urls lead to moto. */
async function environmentOf(id: string): Promise<Record<string, string>> {
  const name = Object.entries(stack.functions).find(([key]) => idOf(key) === `${id}Function`)?.[1];
  const text = await moto.ask('lambda', `/2015-03-31/functions/${name}/configuration`);
  const variables: Record<string, string> = JSON.parse(text).Environment.Variables;
  return Object.fromEntries(
    Object.entries(variables).map(([key, value]) => [
      key,
      value.replace(/^https:\/\/sqs\.[^/]+/, moto.endpoint),
    ]),
  );
}

function load(name: string, env: Record<string, string>): LocalFunction {
  return loadFunction({
    name,
    bundle: built(`lambda/${name}/index.js`),
    env: { ...env, AWS_ENDPOINT_URL: moto.endpoint },
    timeoutMs: 60_000,
  });
}

function isr(...args: string[]) {
  return run(built('bin/isr.js'), args, { ISR_ENDPOINT: api.url });
}

async function receive(QueueUrl: string) {
  const client = sqs();
  const received = await client.send(new ReceiveMessageCommand({ QueueUrl }));
  client.destroy();
  return received;
}
