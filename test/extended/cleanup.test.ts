/**
 * `cdk destroy` of the recorder's stack, and `isr cleanup` afterwards, against moto's CloudFormation, Lambda, CloudFront
 * and CloudWatch Logs. moto keeps no replicas: what Lambda answers while CloudFront has some is put in by a door before it.
 * It forgets which functions a distribution has, too: test/aws/leftovers.test.ts reads those.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { STACK_TAG } from '../../core/config';
import { build } from '../lib/stacks';
import { built } from '../support/bundles';
import { run } from '../support/process';
import { MOTO_ACCOUNT_ID, type Moto, startMoto } from './moto-server';

const STACK = 'Edge';
/** A zip's end of central directory, and nothing before it. */
const EMPTY_ZIP = `PK\x05\x06${'\0'.repeat(18)}`;
/** In Lambda's words (aws-samples/cloudfront-authorization-at-edge issue 246). */
const REPLICATED = JSON.stringify({
  Type: 'User',
  message:
    'Lambda was unable to delete arn:aws:lambda:us-east-1:1:function:f:1 because it is a replicated function. Please see our documentation for Deleting Lambda@Edge Functions and Replicas.',
});

let moto: Moto;
let door: Server;
let isReplicated = false;
let env: NodeJS.ProcessEnv;

const form = (fields: Record<string, string>) => ({
  headers: { 'content-type': 'application/x-www-form-urlencoded' },
  body: new URLSearchParams({ Version: '2010-05-15', StackName: STACK, ...fields }).toString(),
});
const json = (target: string, body: object) => ({
  headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': target },
  body: JSON.stringify(body),
});
const functions = async (): Promise<{ FunctionName: string; FunctionArn: string }[]> =>
  JSON.parse(await moto.ask('lambda', '/2015-03-31/functions/')).Functions;
const logGroups = async () =>
  JSON.parse(await moto.ask('logs', '/', json('Logs_20140328.DescribeLogGroups', {}))).logGroups;
const cleanup = (...args: string[]) => run(built('bin/isr.js'), ['cleanup', ...args], env);

beforeAll(async () => {
  moto = await startMoto();
  door = createServer(async (request, response) => {
    if (isReplicated && request.method === 'DELETE') {
      response.writeHead(400, { 'x-amzn-errortype': 'InvalidParameterValueException' });
      response.end(REPLICATED);
      return;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { method = 'GET', url = '/', headers } = request;
    const { host, connection, 'content-length': _, ...sent } = headers as Record<string, string>;
    const answer = await fetch(new URL(url, moto.endpoint), {
      method,
      headers: sent,
      ...(chunks.length > 0 ? { body: Buffer.concat(chunks) } : {}),
    });
    const type = answer.headers.get('x-amzn-errortype');
    response.writeHead(answer.status, type ? { 'x-amzn-errortype': type } : {});
    response.end(Buffer.from(await answer.arrayBuffer()));
  });
  await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve));
  env = {
    AWS_ENDPOINT_URL: `http://127.0.0.1:${(door.address() as AddressInfo).port}`,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
  };
}, 60_000);

afterAll(() => {
  door?.close();
  moto?.stop();
});

describe('the recorder of a stack', () => {
  let logGroup: string;

  beforeAll(async () => {
    const edge = build({}, { region: 'eu-west-1' })
      .app.synth()
      .stacks.find(({ stackName }) => stackName.endsWith('-edge'));
    const template = JSON.stringify(edge?.template);
    logGroup = /\/edge-isr\/[\w-]+\/recorder/.exec(template)?.[0] ?? '';
    const Value = '30';
    const parameter = { Name: '/cdk-bootstrap/hnb659fds/version', Value, Type: 'String' };
    await moto.ask('ssm', '/', json('AmazonSSM.PutParameter', parameter));
    const bucket = `/cdk-hnb659fds-assets-${MOTO_ACCOUNT_ID}-us-east-1`;
    await moto.ask('s3', bucket, { method: 'PUT' });
    for (const key of new Set(template.match(/[0-9a-f]{64}\.zip/g))) {
      await moto.ask('s3', `${bucket}/${key}`, { method: 'PUT', body: EMPTY_ZIP });
    }
    const made = await moto.ask(
      'cloudformation',
      '/',
      form({
        Action: 'CreateStack',
        TemplateBody: template,
        'Capabilities.member.1': 'CAPABILITY_IAM',
      }),
    );
    const stackId = /<StackId>(.*?)</.exec(made)?.[1];
    const [recorder] = await functions(); // moto's CloudFormation leaves a function's tags out
    await moto.ask(
      'lambda',
      `/2017-03-31/tags/${encodeURIComponent(recorder?.FunctionArn ?? '')}`,
      {
        method: 'POST',
        body: JSON.stringify({ Tags: { [STACK_TAG]: stackId } }),
      },
    );
    for (const logGroupName of [logGroup, '/aws/lambda/somebody-elses']) {
      await moto.ask('logs', '/', json('Logs_20140328.CreateLogGroup', { logGroupName }));
    }
  }, 60_000);

  it('is not touched while its stack is there', async () => {
    const { code, out, err } = await cleanup('--yes');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^keep {4}function {3}\S+ {2}stack Edge has it\nnothing is left over\n$/);
    expect(await functions()).toHaveLength(1);
  });

  it('stays when the stack is deleted, which ends', async () => {
    await moto.ask('cloudformation', '/', form({ Action: 'DeleteStack' }));
    const told = await moto.ask('cloudformation', '/', form({ Action: 'ListStacks' }));
    expect(told).toContain('<StackStatus>DELETE_COMPLETE</StackStatus>');
    expect(await functions()).toHaveLength(1);
  });

  it('is then listed, with its logs, and nothing is done', async () => {
    const { code, out } = await cleanup('--dry-run');
    expect(code).toBe(0);
    expect(out).toMatch(/^remove {2}function {3}\S+ {2}1 versions; its stack is gone$/m);
    expect(out).toContain(`remove  log group  us-east-1 ${logGroup}`);
    expect(out).not.toContain('somebody-elses');
    expect(await functions()).toHaveLength(1);
  });

  it('is not removed where nobody says yes', async () => {
    const { code, err } = await cleanup();
    expect({ code, err }).toEqual({ code: 1, err: 'isr: there is nobody to ask: say --yes\n' });
    expect(await functions()).toHaveLength(1);
  });

  it('stays with its logs, and is told of, while CloudFront has replicas of it', async () => {
    isReplicated = true;
    const { code, err } = await cleanup('--yes');
    isReplicated = false;
    expect(code).toBe(3);
    expect(err).toMatch(
      /^isr: \S+ is a replicated function still: run isr cleanup again in some hours\n$/,
    );
    expect(await logGroups()).toHaveLength(2);
  });

  it('is removed in the end, with its logs', async () => {
    const [recorder] = await functions();
    const { code, out } = await cleanup('--yes', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(out)).toEqual({
      removed: [recorder?.FunctionName, `us-east-1 ${logGroup}`],
      replicated: [],
      failed: [],
      kept: [],
    });
    expect(await functions()).toEqual([]);
    expect(await logGroups()).toMatchObject([{ logGroupName: '/aws/lambda/somebody-elses' }]);
    expect(await cleanup()).toMatchObject({ code: 0, out: 'nothing is left over\n' });
  });
});
