/**
 * The revalidate API's contract: lib/ gives it to API Gateway, local/ serves it by the same schema and mapping.
 *
 *     POST /revalidate {"tags":["post:42"],"urls":["/posts/42"]}  →  202 {"job":"c6af9ac6-7b61-11e6-9a41-93e8deadbeef"}
 *     GET /jobs/{id}                                             →  200 {"id":…,"state":"fresh",…}
 *
 * The gateway writes the body into the queue as it is; the job's id and time travel as message attributes.
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

/** API Gateway's mapping template (VTL): the body as SQS's query protocol. */
export const REVALIDATION_TEMPLATE = [
  'Action=SendMessage',
  'MessageBody=$util.urlEncode($input.body)',
  `MessageAttribute.1.Name=${JOB_ATTRIBUTE}`,
  'MessageAttribute.1.Value.DataType=String',
  'MessageAttribute.1.Value.StringValue=$context.requestId',
  `MessageAttribute.2.Name=${REQUESTED_AT_ATTRIBUTE}`,
  'MessageAttribute.2.Value.DataType=Number',
  'MessageAttribute.2.Value.StringValue=$context.requestTimeEpoch',
].join('&');

/** What the gateway answers once the message is in the queue (202). */
export const ACCEPTED_TEMPLATE = '{"job":"$context.requestId"}';
