/** openapi.json, read by a validator of OpenAPI, and real answers of the local API read by it: it cannot lie. */
import { readFileSync } from 'node:fs';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { REVALIDATION_BYTES_MAX, REVALIDATION_SCHEMA } from '../../core/api';
import { openApi } from '../../core/openapi';
import { type Blog, startBlog } from '../../examples/blog/app';
import { type LocalEdge, startLocalEdge } from '../../local/edge';
import { version } from '../../package.json';
import { built } from '../support/bundles';
import { until } from '../support/until';

const document = JSON.parse(readFileSync(built('openapi.json'), 'utf8'));

/** Of a real answer every name has to be in the document, though clients may meet newer ones. */
const closed = JSON.parse(JSON.stringify(document), (_, value) =>
  value?.type === 'object' && value.properties ? { ...value, additionalProperties: false } : value,
);
const ajv = new Ajv2020({ strict: false, allErrors: true }).addSchema(closed, 'api');

describe('openapi.json', () => {
  it('is what core makes of the schemas, for this version', () => {
    expect(document).toEqual(JSON.parse(JSON.stringify(openApi(version))));
  });

  it('is sound OpenAPI 3.1', async () => {
    expect(await new Validator().validate(structuredClone(document))).toEqual({ valid: true });
  });

  it('has the body’s schema as the gateway validates it', () => {
    const { $schema, title, ...schema } = REVALIDATION_SCHEMA;
    const { examples, ...given } = document.components.schemas[title];
    expect(given).toEqual(schema);
    const isValid = ajv.getSchema(`api#/components/schemas/${title}`);
    for (const example of examples) expect(isValid?.(example)).toBe(true);
  });
});

/** Only the gateway of a deployed API answers these (test/lib/openapi.test.ts). */
const GATEWAYS = ['401', '403', '429', '5XX'];

describe('every answer of the local API', () => {
  let blog: Blog;
  let edge: LocalEdge;
  const seen = new Set<string>();

  beforeAll(async () => {
    blog = await startBlog({ port: 0 });
    edge = await startLocalEdge({ origin: blog.url, port: 0, apiPort: 0 });
  });
  afterAll(async () => {
    await edge?.close();
    await blog?.close();
  });

  /** Asks, and holds the answer to what the document says of that operation and status. */
  async function ask(operation: string, path: string, init: RequestInit = {}) {
    const [method = '', template = ''] = operation.split(' ');
    const response = await fetch(edge.apiUrl + path, { method: method.toUpperCase(), ...init });
    const body = JSON.parse(await response.text());
    const pointer = `paths/${template.replaceAll('/', '~1')}/${method}/responses/${response.status}`;
    const isValid = ajv.getSchema(`api#/${pointer}/content/application~1json/schema`);
    if (!isValid) throw new Error(`${operation} answered ${response.status}, which is not in it`);
    isValid(body);
    expect({ operation, body, errors: isValid.errors }).toEqual({ operation, body, errors: null });
    expect(response.headers.get('content-type')).toBe('application/json');
    seen.add(`${operation} ${response.status}`);
    return { status: response.status, body };
  }

  const post = (body: unknown, headers: Record<string, string> = {}) =>
    ask('post /revalidate', '/revalidate', {
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });

  async function jobIn(state: string, work: unknown, headers?: Record<string, string>) {
    const { job } = (await post(work, headers)).body;
    return until(async () => {
      const { body } = await ask('get /jobs/{id}', `/jobs/${job}`);
      return body.state === state ? body : undefined;
    }, `a job is ${state}`);
  }

  it('is in it: jobs that were planned, are fresh, and met a conflict', async () => {
    await until(
      async () => (await fetch(`${edge.url}/posts/42`)).headers.has('age'),
      'it is cached',
    );
    const planned = await jobIn('planned', { tags: ['post:42'], dryRun: true });
    expect(planned.planned.items).toHaveLength(1);
    const key = { 'idempotency-key': 'the-key-of-openapi' };
    const fresh = await jobIn('fresh', { tags: ['post:42'] }, key);
    expect(fresh).toMatchObject({ warmed: 1, completedAtMs: expect.any(Number) });
    await post({ tags: ['post:1'] }, key);
    await until(async () => {
      const { body } = await ask('get /jobs/{id}', `/jobs/${fresh.id}`);
      return body.conflictAtMs;
    }, 'the conflict shows');
    expect((await ask('get /jobs', '/jobs')).body.jobs).toHaveLength(2);
    expect((await ask('get /jobs', '/jobs?limit=1')).body.cursor).toBeDefined();
  });

  it('is in it: what is refused', async () => {
    expect((await post('{')).status).toBe(400);
    expect((await post({})).status).toBe(400);
    expect((await post({ tags: ['a b'] })).status).toBe(400);
    expect((await post({ tags: ['a'] }, { 'idempotency-key': 'short' })).status).toBe(400);
    expect((await post('{"tags":["a"]}'.padEnd(REVALIDATION_BYTES_MAX + 1))).status).toBe(400);
    expect((await post(' '.repeat(11_000_000))).status).toBe(400);
    expect((await post('{"tags":["a"]}', { 'content-type': 'text/plain' })).status).toBe(415);
    expect((await ask('get /jobs', '/jobs?state=done')).status).toBe(400);
    expect((await ask('get /jobs/{id}', '/jobs/unknown')).status).toBe(404);
  });

  it('is all that is in it, but for what the gateway answers', () => {
    const promised = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods as Record<string, { responses: object }>).flatMap(
        ([method, { responses }]) =>
          Object.keys(responses)
            .filter((status) => !GATEWAYS.includes(status))
            .map((status) => `${method} ${path} ${status}`),
      ),
    );
    expect([...seen].sort()).toEqual(promised.sort());
  });
});
