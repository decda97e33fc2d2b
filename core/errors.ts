/**
 * Every failure that a user can meet: a code, the HTTP status an API gives it, and what to do about it.
 *
 *     throw new IsrError('tag-invalid', 'tags[2] is "a,b": a tag has no comma, send two tags', 'tags[2]');
 *
 * docs/errors.md lists the same codes; test/core/errors.test.ts compares both ways.
 * @module
 */

export const ERRORS = {
  'api-unavailable': {
    status: 502,
    advice: 'The API could not queue the revalidation. Nothing was accepted: send it again.',
  },
  'body-invalid': {
    status: 400,
    advice:
      'Name tags, urls or both, as in {"tags":["post:42"],"urls":["/posts/42"]}; dryRun and allowCollateral may be true.',
  },
  'body-too-large': {
    status: 400,
    advice: 'A revalidation is at most 262,144 bytes (the queue refuses more): send it in parts.',
  },
  'config-invalid': {
    status: 500,
    advice:
      'A function was given no usable configuration: deploy the stack again, or restart isr dev.',
  },
  denied: {
    status: 403,
    advice:
      'The caller may not do this: check its credentials, and that it was granted grantRevalidate or grantReadJobs; with ApiAuth.bearer, that its token is the secret’s (AWSCURRENT).',
  },
  'endpoint-unreachable': {
    status: 502,
    advice: 'Check --endpoint (or ISR_ENDPOINT), and that isr dev or the deployed API is up.',
  },
  'graph-unavailable': {
    status: 503,
    advice:
      'DynamoDB did not answer: pages are served with a short lifetime, revalidations are retried.',
  },
  'job-unknown': {
    status: 404,
    advice:
      'The id is wrong, the job is older than 30 days, or no worker has begun it: ask again in a second, and isr jobs --dlq after hours.',
  },
  'key-conflict': {
    status: 409,
    advice:
      'The idempotency key stands for another revalidation: nothing was purged for this one. Send it with a key of its own.',
  },
  'key-invalid': {
    status: 400,
    advice:
      'An Idempotency-Key is 16 to 64 of A-Z, a-z, 0-9, _ and -, as a UUID is; without one every request is a job of its own.',
  },
  'message-poisoned': {
    status: 400,
    advice:
      'The message is no revalidation. It goes to the dead-letter queue; find out who sent it there.',
  },
  'option-invalid': {
    status: 400,
    advice: 'Correct the named option; --help lists them with examples.',
  },
  'origin-invalid': {
    status: 400,
    advice: 'Give the origin as http://host[:port] or https://host[:port], without a path.',
  },
  'origin-unreachable': { status: 502, advice: 'Start the origin first, or correct --origin.' },
  'plan-unavailable': {
    status: 503,
    advice:
      'The dry run has no plan yet, or failed: isr jobs ID shows it. Nothing was done; ask again.',
  },
  'port-taken': { status: 500, advice: 'Stop what listens there, or choose another with --port.' },
  'purge-failed': {
    status: 502,
    advice:
      "CloudFront refused the invalidation; it is retried. Check the worker's rights and the distribution id.",
  },
  'query-invalid': {
    status: 400,
    advice:
      'GET /jobs takes state (one of the states of a job), limit (1 to 100) and cursor (from an earlier answer).',
  },
  'queue-unreachable': {
    status: 502,
    advice:
      "Name the stack's dead-letter queues with --dead-letter-queue, or start isr dev; the caller needs sqs:ReceiveMessage there.",
  },
  'route-unknown': {
    status: 404,
    advice: 'The API has POST /revalidate, GET /jobs and GET /jobs/{id}.',
  },
  'tag-invalid': {
    status: 400,
    advice: 'A tag is 1 to 256 visible ASCII characters (33 to 126) without a comma.',
  },
  throttled: { status: 429, advice: 'Too many requests at once: send it again a little later.' },
  'type-unsupported': { status: 415, advice: 'Send the body as application/json.' },
  unauthenticated: {
    status: 401,
    advice:
      'The API takes a bearer token: give it with ISR_TOKEN (or --token), or as the client’s option token.',
  },
  'url-invalid': {
    status: 400,
    advice:
      'A url is a path with its query, as in /posts/42?page=2: no host, no fragment, at most 4,000 characters.',
  },
} as const;

export type ErrorCode = keyof typeof ERRORS;

/** What an API answers for an error; `field` names the place in the request, as in `tags[2]`. */
export interface ErrorBody {
  readonly error: { readonly code: ErrorCode; readonly message: string; readonly field?: string };
}

export class IsrError extends Error {
  override readonly name = 'IsrError';

  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly field?: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }

  get status(): number {
    return ERRORS[this.code].status;
  }

  get advice(): string {
    return ERRORS[this.code].advice;
  }

  toBody(): ErrorBody {
    const { code, message, field } = this;
    return { error: field === undefined ? { code, message } : { code, message, field } };
  }
}

/** The message of whatever was thrown. */
export function reasonOf(thrown: unknown): string {
  if (thrown instanceof AggregateError && !thrown.message)
    return thrown.errors.map(reasonOf).join('; ');
  return thrown instanceof Error ? thrown.message || thrown.name : String(thrown);
}
