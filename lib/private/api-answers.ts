/**
 * What the gateway itself answers when something is wrong: always `{"error":{"code","message","field"}}`.
 *
 *     POST /revalidate {"tag":"x"}  →  400 {"error":{"code":"body-invalid","message":"the body is no revalidation: …","field":"body"}}
 *
 * Templates of gateway responses are plain substitution, no VTL (APIG, api-gateway-gatewayresponse-definition).
 * `$context.error.messageString` brings its quotes along. `$context.error.validationErrorString` does not, though it
 * has quotes inside: `[object has missing required properties (["tags"])]`. AWS's pages do not say that it is escaped;
 * clients in the field parse `"…": "$context.error.validationErrorString"` as JSON and find those very messages in it
 * (a public canary of a deployed API compares a dozen), so it is. It names the property, not the place: hence `field`.
 * @module
 */
import * as apigateway from 'aws-cdk-lib/aws-apigateway';
import {
  ACCEPTED_TEMPLATE,
  IDEMPOTENCY_KEY,
  KEY_REFUSED,
  KEY_RULE,
  REVALIDATION_BYTES_MAX,
  SET_JOB,
} from '../../core/api';
import type { ErrorCode } from '../../core/errors';

interface Answer {
  readonly code: ErrorCode;
  /** JSON text: a string, or a variable that brings its quotes along. */
  readonly message: string;
  readonly field?: string;
}

const JSON_TYPE = 'application/json';
const TOO_LARGE: Answer = {
  code: 'body-too-large',
  message: `"the body is longer than ${REVALIDATION_BYTES_MAX} bytes: send it in parts"`,
  field: 'body',
};
/** `escapeJavaScript` escapes a single quote, which is no JSON: APIG, api-gateway-mapping-template-reference undoes it so. */
const SET_SHOWN = `#set($shown=$util.escapeJavaScript($job).replaceAll("\\\\'","'"))`;
const KEY_INVALID: Answer = {
  code: 'key-invalid',
  message: `"${IDEMPOTENCY_KEY} is \\"$shown\\": ${KEY_RULE}"`,
  field: IDEMPOTENCY_KEY,
};
const UNAVAILABLE: Answer = {
  code: 'api-unavailable',
  message: '"the request was not taken: send it again"',
};

function template({ code, message, field }: Answer): string {
  const place = field === undefined ? '' : `,"field":"${field}"`;
  return `{"error":{"code":"${code}","message":${message}${place}}}`;
}

const UNSIGNED: Answer = {
  code: 'denied',
  message: '"the request is not signed, or the API has no such route"',
};
const NO_ROUTE: Answer = { code: 'route-unknown', message: '"the API has no such route"' };
const NO_TOKEN: Answer = {
  code: 'unauthenticated',
  message: '"Authorization is missing, or no Bearer token"',
  field: 'Authorization',
};
const WRONG_TOKEN: Answer = {
  code: 'denied',
  message: '"the bearer token is not the one of the API"',
  field: 'Authorization',
};

/**
 * What the gateway refuses before it calls the queue or the function. Elsewhere AWS's own status stays.
 *
 * A route that is not there is a "missing authentication token", of whatever kind the API's authorization is.
 */
export function answerGatewayErrors(api: apigateway.RestApi, isBearer: boolean): void {
  const { ResponseType } = apigateway;
  const said = '$context.error.messageString';
  const answers: [apigateway.ResponseType, Answer, statusCode?: string][] = [
    [
      ResponseType.BAD_REQUEST_BODY,
      {
        code: 'body-invalid',
        message: '"the body is no revalidation: $context.error.validationErrorString"',
        field: 'body',
      },
    ],
    [ResponseType.REQUEST_TOO_LARGE, TOO_LARGE, '400'],
    [
      ResponseType.UNSUPPORTED_MEDIA_TYPE,
      {
        code: 'type-unsupported',
        message: '"the body is taken as application/json only"',
        field: 'content-type',
      },
    ],
    isBearer
      ? [ResponseType.MISSING_AUTHENTICATION_TOKEN, NO_ROUTE, '404']
      : [ResponseType.MISSING_AUTHENTICATION_TOKEN, UNSIGNED],
    [ResponseType.RESOURCE_NOT_FOUND, { code: 'route-unknown', message: said }],
    [ResponseType.THROTTLED, { code: 'throttled', message: said }],
    [ResponseType.QUOTA_EXCEEDED, { code: 'throttled', message: said }],
    [ResponseType.DEFAULT_4XX, { code: 'denied', message: said }],
    [ResponseType.DEFAULT_5XX, { code: 'api-unavailable', message: said }],
  ];
  if (isBearer) {
    answers.push([ResponseType.UNAUTHORIZED, NO_TOKEN], [ResponseType.ACCESS_DENIED, WRONG_TOKEN]);
  }
  for (const [type, answer, statusCode] of answers) {
    api.addGatewayResponse(type.responseType, {
      type,
      ...(statusCode && { statusCode }),
      // RFC 9110 §11.6.1: a 401 says what it wants
      ...(answer === NO_TOKEN && { responseHeaders: { 'WWW-Authenticate': "'Bearer'" } }),
      templates: { [JSON_TYPE]: template(answer) },
    });
  }
}

/** Statuses that `POST /revalidate` answers itself. */
export const REVALIDATE_STATUSES = ['202', '400', '502'];

/**
 * What the queue's answer becomes, by its HTTP status (APIG, API_IntegrationResponse, selectionPattern). Only a 2xx is
 * a yes. A 400 that names InvalidParameterValue means too long, for everything else was validated; one that names
 * MissingParameter means a bad idempotency key, for which our template left the message out; but SQS also throttles and
 * denies with 400 (SQS API reference, CommonErrors), and that is no fault of the request.
 */
export const QUEUE_ANSWERS: apigateway.IntegrationResponse[] = [
  {
    selectionPattern: '2\\d{2}',
    statusCode: '202',
    responseTemplates: { [JSON_TYPE]: ACCEPTED_TEMPLATE },
  },
  {
    selectionPattern: '400|413',
    statusCode: '400',
    responseTemplates: {
      [JSON_TYPE]: [
        "#set($code = $input.path('$.Error.Code'))",
        "#if($code == 'InvalidParameterValue')",
        template(TOO_LARGE),
        `#elseif($code == '${KEY_REFUSED}')`,
        SET_JOB,
        SET_SHOWN,
        template(KEY_INVALID),
        '#else',
        '#set($context.responseOverride.status = 502)',
        template(UNAVAILABLE),
        '#end',
      ].join('\n'),
    },
  },
  { statusCode: '502', responseTemplates: { [JSON_TYPE]: template(UNAVAILABLE) } },
];
