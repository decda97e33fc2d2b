/**
 * The API as an OpenAPI 3.1 document, from the very schema that the gateway validates by and the types that it answers.
 *
 *     npm run build  →  dist/openapi.json, in the package as `edge-isr/openapi.json`
 *
 * test/end-to-end/openapi.test.ts reads real answers by it, test/lib/openapi.test.ts compares it with the construct.
 * @see OpenAPI Specification 3.1.1; its schemas are JSON Schema 2020-12
 * @module
 */
import { IDEMPOTENCY_KEY, KEY_PATTERN, KEY_RULE, REVALIDATION_SCHEMA } from './api';
import { ERRORS, type ErrorBody } from './errors';
import { JOBS_LIMIT } from './job-reader';
import {
  JOB_PLAN_SCHEMA,
  JOB_SUMMARY_SCHEMA,
  jobPageSchema,
  jobSchema,
  type Schema,
} from './job-schema';
import { JOB_STATES } from './jobs';

const ref = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });

/** @param version  the package's */
export function openApi(version: string) {
  return {
    openapi: '3.1.1',
    info: {
      title: 'edge-isr',
      version,
      summary: 'Says what has changed, and follows what becomes of it.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [
      {
        url: 'https://{api}.execute-api.{region}.amazonaws.com/v1',
        description: 'The stack’s output ApiUrl.',
        variables: { api: { default: 'api' }, region: { default: 'us-east-1' } },
      },
      { url: 'http://127.0.0.1:4001', description: 'isr dev' },
    ],
    security: [{ iam: [] }, { bearer: [] }, {}],
    paths: {
      '/revalidate': { post: REVALIDATE },
      '/jobs': { get: LIST_JOBS },
      '/jobs/{id}': { get: GET_JOB },
    },
    components: { schemas: SCHEMAS, securitySchemes: SECURITY },
  };
}

const { $schema: _draft4, title: _title, ...revalidation } = REVALIDATION_SCHEMA;

const SCHEMAS = {
  Revalidation: {
    ...revalidation, // every keyword in it means the same in draft 4 and 2020-12
    examples: [{ tags: ['post:42'], urls: ['/posts/42'] }],
  },
  Accepted: {
    type: 'object',
    properties: { job: { type: 'string', description: 'Its id, for GET /jobs/{id}.' } },
    required: ['job'],
  },
  Job: jobSchema(ref),
  JobPlan: JOB_PLAN_SCHEMA,
  JobSummary: JOB_SUMMARY_SCHEMA,
  JobPage: jobPageSchema(ref),
  Error: errorSchema({
    code: { type: 'string', enum: Object.keys(ERRORS) },
    message: { type: 'string', description: 'One sentence: the field, its value, the rule.' },
    field: { type: 'string', description: 'The place in the request, as in tags[2].' },
  }),
};

function errorSchema(properties: Record<keyof Required<ErrorBody['error']>, Schema>): Schema {
  const error = { type: 'object', properties, required: ['code', 'message'] };
  return { type: 'object', properties: { error }, required: ['error'] };
}

const SECURITY = {
  iam: {
    type: 'apiKey',
    in: 'header',
    name: 'Authorization',
    description: 'AWS Signature Version 4 of the service execute-api (ApiAuth.iam).',
    'x-amazon-apigateway-authtype': 'awsSigv4',
  },
  bearer: { type: 'http', scheme: 'bearer', description: 'A token (ApiAuth.bearer).' },
};

const answer = (name: string, description: string) => ({
  description,
  content: { 'application/json': { schema: ref(name) } },
});

/** What every operation may answer. */
const REFUSALS = {
  '401': answer('Error', 'No bearer token (ApiAuth.bearer).'),
  '403': answer('Error', 'Not signed, another token, or not allowed.'),
  '429': answer('Error', 'Too many requests: send it again later.'),
  '5XX': answer('Error', 'Send it again, with the same Idempotency-Key.'),
};

const REVALIDATE = {
  operationId: 'revalidate',
  summary: 'Revalidates everything that depends on these tags, and these urls.',
  description: 'When it is answered, the change is in the queue.',
  parameters: [
    {
      name: IDEMPOTENCY_KEY,
      in: 'header',
      description: `The job’s id, however often it is sent: ${KEY_RULE}.`,
      schema: { type: 'string', pattern: `^${KEY_PATTERN}$` },
    },
  ],
  requestBody: {
    required: true,
    content: { 'application/json': { schema: ref('Revalidation') } },
  },
  responses: {
    '202': answer('Accepted', 'It is queued.'),
    '400': answer('Error', 'The body or the key is wrong: nothing is queued.'),
    '415': answer('Error', 'The body is no application/json: nothing is queued.'),
    ...REFUSALS,
  },
};

const query = (name: string, schema: Schema, description: string) => ({
  name,
  in: 'query',
  description,
  schema,
});

const LIST_JOBS = {
  operationId: 'listJobs',
  summary: 'The newest jobs that a worker has begun, page by page.',
  parameters: [
    query('state', { type: 'string', enum: JOB_STATES }, 'In this state only.'),
    query(
      'limit',
      { type: 'integer', minimum: 1, maximum: JOBS_LIMIT.max, default: JOBS_LIMIT.default },
      'So many at most.',
    ),
    query('cursor', { type: 'string' }, 'From an earlier page.'),
  ],
  responses: {
    '200': answer('JobPage', 'A page of them.'),
    '400': answer('Error', 'A parameter is wrong.'),
    ...REFUSALS,
  },
};

const GET_JOB = {
  operationId: 'getJob',
  summary: 'What became of one revalidation so far.',
  parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }],
  responses: {
    '200': answer('Job', 'The job.'),
    '404': answer(
      'Error',
      'No such job: unknown, older than 30 days, or in a queue and not begun.',
    ),
    ...REFUSALS,
  },
};
