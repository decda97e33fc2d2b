/**
 * The revalidate API's contract: lib/ gives it to API Gateway, local/ serves it by the same schema and mapping.
 *
 *     POST /revalidate {"tags":["post:42"],"urls":["/posts/42"]}  →  202 {"job":"c6af9ac6-7b61-11e6-9a41-93e8deadbeef"}
 *     GET /jobs/{id}                                             →  200 {"id":…,"state":"fresh",…}
 *     GET /jobs?state=failed&limit=20                            →  200 {"jobs":[…],"looked":200,"cursor":"MTc2…"}
 *
 * The gateway writes the body into the queue as it is; the job's id and time travel as message attributes. The id is the
 * request's `Idempotency-Key`, or else the request's own.
 * @module
 */
import { TAG_PATTERN } from './tags';
import { URL_LENGTH_MAX, URL_PATTERN } from './urls';

export const TAGS_MAX = 1_000;
export const URLS_MAX = 1_000;
/** The queue's MaximumMessageSize: SQS itself refuses a longer revalidation. */
export const REVALIDATION_BYTES_MAX = 262_144;

/** JSON Schema draft 4, as API Gateway validates it; `pattern` and `maxLength` are parseTag's and parseUrl's own. */
export const REVALIDATION_SCHEMA = {
  $schema: 'http://json-schema.org/draft-04/schema#',
  title: 'Revalidation',
  type: 'object',
  additionalProperties: false,
  properties: {
    tags: {
      type: 'array',
      minItems: 1,
      maxItems: TAGS_MAX,
      items: { type: 'string', pattern: TAG_PATTERN },
    },
    urls: {
      type: 'array',
      minItems: 1,
      maxItems: URLS_MAX,
      items: { type: 'string', maxLength: URL_LENGTH_MAX, pattern: URL_PATTERN },
    },
    dryRun: { type: 'boolean' },
    allowCollateral: { type: 'boolean' },
  },
  anyOf: [{ required: ['tags'] }, { required: ['urls'] }],
} as const;

/** Message attributes that the gateway adds. */
export const JOB_ATTRIBUTE = 'job';
export const REQUESTED_AT_ATTRIBUTE = 'requestedAtMs';

/** A request header: the id of the job that this revalidation is, however often it is sent. */
export const IDEMPOTENCY_KEY = 'Idempotency-Key';
export const KEY_PATTERN = '[A-Za-z0-9_-]{16,64}';
export const KEY_RULE = 'it takes 16 to 64 characters of A-Z, a-z, 0-9, _ and -';
/** What a bearer API lets through to its authorizer; the scheme has no case (RFC 9110 §11.1). */
export const BEARER_PATTERN = '^[Bb][Ee][Aa][Rr][Ee][Rr] +([!-~]+)$';

/** A job's id, whoever gave it: a request's key or own id, or a message's. */
export const JOB_ID = /^[A-Za-z0-9_-]{1,64}$/;

/**
 * The job's id, for a template of the request or of its answer: both know the request's headers, by the names that it
 * spelled them with (as CDK's own preflight template does it, aws-apigateway/lib/resource.ts).
 */
export const SET_JOB = [
  '#set($job=$context.requestId)',
  '#foreach($name in $input.params().header.keySet())',
  `#if($name.equalsIgnoreCase('${IDEMPOTENCY_KEY}'))#set($job=$input.params().header.get($name))#end`,
  '#end',
].join('');

/**
 * API Gateway's mapping template (VTL): the body as SQS's query protocol.
 *
 * A template cannot refuse a request. With a bad key it leaves the message out of it, and SQS does: MissingParameter, 400,
 * nothing queued. A good key is letters that need no escape.
 */
export const REVALIDATION_TEMPLATE = [
  `Action=SendMessage${SET_JOB}#if($job.matches('${KEY_PATTERN}'))`,
  'MessageBody=$util.urlEncode($input.body)',
  `MessageAttribute.1.Name=${JOB_ATTRIBUTE}`,
  'MessageAttribute.1.Value.DataType=String',
  'MessageAttribute.1.Value.StringValue=$job',
  `MessageAttribute.2.Name=${REQUESTED_AT_ATTRIBUTE}`,
  'MessageAttribute.2.Value.DataType=Number',
  'MessageAttribute.2.Value.StringValue=$context.requestTimeEpoch#end',
].join('&');

/** What SQS says of a message without a body: nothing else is missing in ours (SQS API reference, CommonErrors). */
export const KEY_REFUSED = 'MissingParameter';

/** What the gateway answers once the message is in the queue (202). */
export const ACCEPTED_TEMPLATE = `${SET_JOB}\n{"job":"$job"}`;
