import { createServer, request } from 'node:http';
import {
  GetQueueAttributesCommand,
  type Message,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { REVALIDATION_BYTES_MAX } from '../../core/api';
import { CREDENTIALS, REGION } from '../../local/account';
import { type ApiOptions, type LocalApi, startApi } from '../../local/api';
import { type LocalFunction, loadFunction } from '../../local/lambda/host';
import { listen } from '../../local/listen';
import { type LocalSqs, startSqs } from '../../local/sqs';
import { until } from '../support/until';
import { bundleFolder } from './lambda-support';

/** Answers with its own event, or as the id tells. */
const JOBS = `
  export const handler = async (event) => {
    switch (event.pathParameters?.id) {
      case 'throws': throw new Error('the table is gone');
      case 'malformed': return { body: { no: 'text' } };
      case 'headers': return { statusCode: 200, headers: { 'x-bad': 'a\\nb' }, body: '' };
      case 'bare': return { statusCode: 204 };
      case 'binary': return { statusCode: 200, isBase64Encoded: true, body: 'aGk=',
        headers: { 'Content-Type': 'text/plain', 'Content-Length': '7' }, multiValueHeaders: { 'x-two': ['a', 'b'] } };
      case 'unknown': return { statusCode: 404, headers: { 'cache-control': 'no-store' }, body: '{"error":{}}' };
      default: return { statusCode: 200, body: JSON.stringify(event) };
    }
  };
`;

let sqs: LocalSqs;
let client: SQSClient;
let queueUrl: string;
let jobs: LocalFunction;
let api: LocalApi;
let bundles: Awaited<ReturnType<typeof bundleFolder>>;
const errors: unknown[] = [];

beforeAll(async () => {
  [sqs, bundles] = await Promise.all([startSqs(), bundleFolder()]);
  client = new SQSClient({ endpoint: sqs.endpoint, region: REGION, credentials: CREDENTIALS });
  const queue = await sqs.createQueue({
    name: 'revalidations',
    visibilitySeconds: 30,
    maximumMessageSize: REVALIDATION_BYTES_MAX,
  });
  queueUrl = queue.url;
  jobs = loadFunction({
    name: 'jobs',
    bundle: await bundles.bundle('jobs', JOBS),
    timeoutMs: 5_000,
  });
  api = await start();
});

afterEach(async () => {
  errors.length = 0;
  await client.send(new PurgeQueueCommand({ QueueUrl: queueUrl }));
});

afterAll(async () => {
  client.destroy();
  await api.close();
  await Promise.all([jobs.close(), sqs.close(), bundles.close()]);
});

describe('POST /revalidate with a good body', () => {
  it('queues it byte by byte, with the job’s id and time beside it', async () => {
    const body = ' {"tags":["post:42","$x%+&=?"],\n"urls":["/posts/42?a=1&b=%C3%A4+"]}\t';
    const beforeMs = Date.now();
    const answer = await post(body);
    expect(answer.status).toBe(202);
    expect(answer.headers.get('content-type')).toBe('application/json');
    const { job } = JSON.parse(answer.text);
    expect(job).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);

    const [message, ...others] = await queued();
    expect(others).toEqual([]);
    expect(message?.Body).toBe(body);
    expect(message?.MessageAttributes).toEqual({
      job: { DataType: 'String', StringValue: job },
      requestedAtMs: { DataType: 'Number', StringValue: expect.stringMatching(/^\d{13}$/) },
    });
    const atMs = Number(message?.MessageAttributes?.requestedAtMs?.StringValue);
    expect(atMs).toBeGreaterThanOrEqual(beforeMs);
    expect(atMs).toBeLessThanOrEqual(Date.now());
  });

  it.each([
    ['application/json', { 'content-type': 'application/json' }],
    ['application/json with a charset', { 'content-type': 'Application/JSON; charset=utf-8' }],
    ['no type at all', {}],
  ])('takes %s', async (_, headers) => {
    expect((await post('{"tags":["post:42"]}', headers)).status).toBe(202);
    expect(await queued()).toHaveLength(1);
  });

  it('gives every revalidation a job of its own', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => post('{"urls":["/"]}')));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(20);
  });

  it('takes a thousand tags, and as many bytes as the queue does', async () => {
    const tags = Array.from({ length: 1_000 }, (_, n) => `tag:${n}`);
    expect((await post(JSON.stringify({ tags }))).status).toBe(202);
    expect((await post(padded(REVALIDATION_BYTES_MAX - 200))).status).toBe(202);
  });
});

describe('POST /revalidate with a bad body', () => {
  const long = (length: number) => 'x'.repeat(length);
  const many = (count: number, of: (n: number) => string) =>
    JSON.stringify(Array.from({ length: count }, (_, n) => of(n)));

  it.each([
    ['no JSON', '{"tags":[', 'body-invalid', 'body', /is no JSON/],
    ['nothing', '', 'body-invalid', 'body', /is no JSON/],
    ['a list', '["post:42"]', 'body-invalid', 'body', /takes an object/],
    ['null', 'null', 'body-invalid', 'body', /takes an object/],
    ['neither tags nor urls', '{}', 'body-invalid', 'tags', /names nothing/],
    ['an unknown field', '{"tags":["a"],"path":"/"}', 'body-invalid', 'path', /path is no field/],
    ['empty tags', '{"tags":[]}', 'body-invalid', 'tags', /tags is empty/],
    ['empty urls', '{"tags":["a"],"urls":[]}', 'body-invalid', 'urls', /urls is empty/],
    ['tags that are text', '{"tags":"post:42"}', 'body-invalid', 'tags', /list of strings/],
    ['a tag that is a number', '{"tags":["a",42]}', 'body-invalid', 'tags[1]', /takes a string/],
    ['a tag with a comma', '{"tags":["a","b","a,b"]}', 'tag-invalid', 'tags[2]', /"a,b".*no comma/],
    ['an empty tag', '{"tags":[""]}', 'tag-invalid', 'tags[0]', /at least one character/],
    ['a tag with a space', '{"tags":["a b"]}', 'tag-invalid', 'tags[0]', /no white space/],
    ['a tag with a line end', '{"tags":["a\\n"]}', 'tag-invalid', 'tags[0]', /no white space/],
    ['a tag in another alphabet', '{"tags":["é"]}', 'tag-invalid', 'tags[0]', /visible ASCII/],
    ['257 characters', `{"tags":["${long(257)}"]}`, 'tag-invalid', 'tags[0]', /at most 256.*257/],
    ['1,001 tags', `{"tags":${many(1_001, (n) => `t${n}`)}}`, 'body-invalid', 'tags', /1001.*1000/],
    ['1,001 urls', `{"urls":${many(1_001, (n) => `/${n}`)}}`, 'body-invalid', 'urls', /1001.*1000/],
    ['a url with a host', '{"urls":["https://a.example/"]}', 'url-invalid', 'urls[0]', /host/],
    ['a url with two slashes', '{"urls":["//a.example/"]}', 'url-invalid', 'urls[0]', /host/],
    ['no leading slash', '{"urls":["/a","posts/42"]}', 'url-invalid', 'urls[1]', /with a slash/],
    ['a fragment', '{"urls":["/a#b"]}', 'url-invalid', 'urls[0]', /fragment/],
    ['a wildcard', '{"urls":["/posts/*"]}', 'url-invalid', 'urls[0]', /wildcards/],
    ['4,001 characters', `{"urls":["/${long(4_000)}"]}`, 'url-invalid', 'urls[0]', /at most 4000/],
    ['more bytes than the queue takes', padded(262_145), 'body-too-large', 'body', /262144 bytes/],
  ])('%s: 400 that names the field, nothing queued', async (_, body, code, field, message) => {
    const answer = await post(body);
    expect(answer.status).toBe(400);
    expect(answer.headers.get('content-type')).toBe('application/json');
    expect(JSON.parse(answer.text)).toEqual({
      error: { code, field, message: expect.stringMatching(message) },
    });
    expect(await queued()).toEqual([]);
  });

  it('counts the bytes with the attributes, as SQS does', async () => {
    const answer = await post(padded(REVALIDATION_BYTES_MAX));
    expect(answer).toMatchObject({ status: 400, text: expect.stringContaining('body-too-large') });
    expect(await queued()).toEqual([]);
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp', ''])(
    'a Content-Type of "%s": 415, nothing queued',
    async (type) => {
      const answer = await post('{"tags":["a"]}', { 'content-type': type });
      expect(answer.status).toBe(415);
      expect(JSON.parse(answer.text).error).toMatchObject({ code: 'type-unsupported' });
      expect(await queued()).toEqual([]);
    },
  );

  it('more than API Gateway reads: 400 as in the construct, nothing queued', async () => {
    const answer = await post(padded(10_485_761));
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.text).error).toMatchObject({ code: 'body-too-large' });
    expect(await queued()).toEqual([]);
  });
});

describe('POST /revalidate with an idempotency key', () => {
  it.each(['Idempotency-Key', 'idempotency-key', 'IDEMPOTENCY-KEY'])(
    'spelled %s has it for the job’s id',
    async (name) => {
      const answer = await post('{"tags":["a"]}', { [name]: 'order-4711_changed' });
      expect(answer).toMatchObject({ status: 202, text: '{"job":"order-4711_changed"}' });
      const [message] = await queued();
      expect(message?.MessageAttributes?.job?.StringValue).toBe('order-4711_changed');
    },
  );

  it.each([
    ['empty', ''],
    ['too short', 'x'.repeat(15)],
    ['too long', 'x'.repeat(65)],
    ['with a space', 'order 4711 changed'],
    ['with what would be another field', 'order-4711-changed&DelaySeconds=900'],
    ['with what would be a template', 'order-4711-$context.requestId'],
    ['with quotes', `it's "order"-4711`],
  ])('that is %s: 400 that names header, value and rule, nothing queued', async (_, key) => {
    const answer = await post('{"tags":["a"]}', { 'idempotency-key': key });
    expect(answer.status).toBe(400);
    const rule = 'it takes 16 to 64 characters of A-Z, a-z, 0-9, _ and -';
    expect(JSON.parse(answer.text)).toEqual({
      error: {
        code: 'key-invalid',
        field: 'Idempotency-Key',
        message: `Idempotency-Key is ${JSON.stringify(key)}: ${rule}`,
      },
    });
    expect(await queued()).toEqual([]);
  });
});

describe('POST /revalidate without its queue', () => {
  it('is an error and never a 202', async () => {
    const gone = createServer();
    const port = await listen(gone, {});
    await new Promise((resolve) => gone.close(resolve));
    const alone = await start({ sqsEndpoint: `http://127.0.0.1:${port}` });
    const answer = await post('{"tags":["a"]}', {}, alone.url);
    await alone.close();
    expect(answer).toMatchObject({
      status: 504,
      text: '{"error":{"code":"api-unavailable","message":"Internal server error"}}',
    });
    expect(errors).toMatchObject([{ code: 'ECONNREFUSED' }]);
  });

  it('is the same when the queue was deleted', async () => {
    const alone = await start({ queueUrl: `${sqs.endpoint}/000000000000/deleted` });
    expect(await post('{"tags":["a"]}', {}, alone.url)).toMatchObject({ status: 504 });
    await alone.close();
    expect(errors).toMatchObject([{ name: 'QueueDoesNotExist' }]);
  });
});

describe('GET /jobs/{id}', () => {
  it('invokes the function with the event of a proxy integration', async () => {
    const answer = await fetch(`${api.url}/jobs/a%2Fb%20c?x=1&x=2&y=`, {
      headers: { 'X-Name': 'value' },
    });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({
      resource: '/jobs/{id}',
      path: '/jobs/a%2Fb%20c',
      httpMethod: 'GET',
      headers: { 'x-name': 'value' },
      multiValueHeaders: { 'x-name': ['value'] },
      queryStringParameters: { x: '2', y: '' },
      multiValueQueryStringParameters: { x: ['1', '2'], y: [''] },
      pathParameters: { id: 'a/b c' },
      requestContext: {
        resourcePath: '/jobs/{id}',
        httpMethod: 'GET',
        requestId: expect.stringMatching(/^[\da-f-]{36}$/),
        identity: { sourceIp: '127.0.0.1' },
      },
      body: null,
      isBase64Encoded: false,
    });
  });

  it('passes on status, headers and body', async () => {
    const unknown = await fetch(`${api.url}/jobs/unknown`);
    expect(unknown.status).toBe(404);
    expect(unknown.headers.get('cache-control')).toBe('no-store');
    expect(await unknown.text()).toBe('{"error":{}}');

    const binary = await fetch(`${api.url}/jobs/binary`);
    expect(binary.headers.get('content-type')).toBe('text/plain');
    expect(binary.headers.get('x-two')).toBe('a, b');
    expect(await binary.text()).toBe('hi');

    expect((await fetch(`${api.url}/jobs/bare`)).status).toBe(204);
  });

  it.each([
    ['throws', /the function jobs failed/],
    ['headers', /it takes statusCode, headers/],
    ['malformed', /it takes statusCode, headers and a body of text/],
  ])('is 502 when the function’s answer is: %s', async (id, message) => {
    const answer = await fetch(`${api.url}/jobs/${id}`);
    expect(answer.status).toBe(502);
    expect(await answer.text()).toBe(
      '{"error":{"code":"api-unavailable","message":"Internal server error"}}',
    );
    expect(errors).toMatchObject([{ message: expect.stringMatching(message) }]);
  });
});

describe('GET /jobs', () => {
  it('invokes the function without an id', async () => {
    const answer = await fetch(`${api.url}/jobs?state=failed&limit=2`);
    expect(await answer.json()).toMatchObject({
      resource: '/jobs',
      path: '/jobs',
      pathParameters: null,
      queryStringParameters: { state: 'failed', limit: '2' },
    });
  });
});

describe('GET /.isr/queues', () => {
  it('tells whoever looks after them where the queues are', async () => {
    const queues = [{ url: queueUrl, deadLetterUrl: `${queueUrl}-dead-letter` }];
    const told = await start({ queues });
    expect(await (await fetch(`${told.url}/.isr/queues`)).json()).toEqual({ queues });
    await told.close();
  });
});

describe('every other request', () => {
  it.each([
    ['GET', '/'],
    ['GET', '/revalidate'],
    ['PUT', '/revalidate'],
    ['POST', '/revalidate/'],
    ['POST', '/jobs/1'],
    ['GET', '/jobs/'],
    ['GET', '/jobs/1/2'],
  ])('%s %s: 404, and nothing is queued', async (method, path) => {
    const answer = await fetch(api.url + path, { method });
    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({ error: { code: 'route-unknown' } });
    expect(await queued()).toEqual([]);
  });

  it('may be another service’s on the same port', async () => {
    const shared = await start({
      extra: ({ url }, response) => {
        if (!url?.startsWith('/2020-05-31/')) return false;
        response.end('<Distribution/>');
        return true;
      },
    });
    const other = await fetch(`${shared.url}/2020-05-31/distribution`);
    expect(await other.text()).toBe('<Distribution/>');
    expect((await post('{"tags":["a"]}', {}, shared.url)).status).toBe(202);
    await shared.close();
  });

  it.each([
    [{ host: 'attacker.example' }, 404],
    [{ host: '127.0.0.1.attacker.example:3001' }, 404],
    [{ host: '127.0.0.1:3001', origin: 'https://attacker.example' }, 404],
    [{ host: '127.0.0.1:3001', origin: 'null' }, 404],
    [{ host: 'localhost:3001', origin: 'http://localhost:3000' }, 202],
    [{ host: '[::1]:3001' }, 202],
  ])('from a page of another site in a browser is refused: %j', async (headers, status) => {
    const answered = await new Promise<number | undefined>((resolve, reject) => {
      const asked = request(
        { port: api.port, method: 'POST', path: '/revalidate', headers },
        (answer) => resolve(answer.resume().statusCode),
      );
      asked.on('error', reject).end('{"tags":["a"]}');
    });
    expect(answered).toBe(status);
    expect(await queued()).toHaveLength(status === 202 ? 1 : 0);
  });
});

describe('a client that leaves amid its body', () => {
  it('harms nobody', async () => {
    const leaving = request(`${api.url}/revalidate`, {
      method: 'POST',
      headers: { 'content-length': 100, expect: '100-continue' },
    });
    leaving.on('error', () => {}); // it is we who hang up
    leaving.flushHeaders();
    await new Promise((resolve) => leaving.once('continue', resolve));
    leaving.write('{"tags"');
    leaving.destroy();
    await until(() => leaving.closed, 'it has left');
    expect((await post('{"tags":["a"]}')).status).toBe(202);
    expect(errors).toEqual([]);
  });
});

describe('starting the API', () => {
  it('says that its port is taken', async () => {
    await expect(start({ port: api.port })).rejects.toMatchObject({ code: 'port-taken' });
  });
});

function start(options: Partial<ApiOptions> = {}): Promise<LocalApi> {
  return startApi({
    queueUrl,
    sqsEndpoint: sqs.endpoint,
    jobs,
    onError: (error) => errors.push(error),
    ...options,
  });
}

/** Without any header of fetch's own: a body of bytes has no type. */
async function post(body: string, headers: Record<string, string> = {}, url = api.url) {
  const answer = await fetch(`${url}/revalidate`, {
    method: 'POST',
    headers,
    body: new TextEncoder().encode(body),
  });
  return { status: answer.status, headers: answer.headers, text: await answer.text() };
}

/** A good revalidation of so many bytes. */
function padded(bytes: number): string {
  return '{"tags":["post:42"]}'.padEnd(bytes, ' ');
}

/** What the queue holds; none of it was handed out before. */
async function queued(): Promise<Message[]> {
  const { Attributes } = await client.send(
    new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: ['All'] }),
  );
  expect(Attributes?.ApproximateNumberOfMessagesNotVisible).toBe('0');
  const { Messages = [] } = await client.send(
    new ReceiveMessageCommand({
      QueueUrl: queueUrl,
      MaxNumberOfMessages: 10,
      MessageAttributeNames: ['All'],
    }),
  );
  return Messages;
}
