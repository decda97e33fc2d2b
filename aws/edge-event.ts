/**
 * Lambda@Edge's origin-response event as core sees it, and core's ruling as CloudFront takes it.
 * @see CFDG, lambda-event-structure
 * @module
 */
import type {
  CloudFrontHeaders,
  CloudFrontResponseEvent,
  CloudFrontResponseResult,
} from 'aws-lambda';
import { CONFIG, type Fields } from '../core/headers';
import type { Page, Ruling } from '../core/recorder';
import { urlOf } from '../core/urls';

/** An S3 origin does not say (CFDG, cloudfront-limits: origin response timeout). */
const READ_TIMEOUT_SECONDS_MAX = 120;

type Cf = CloudFrontResponseEvent['Records'][0]['cf'];

export function pageOf({ request, response }: Cf): Page {
  return {
    url: urlOf(request.uri, request.querystring),
    originTimeoutMs: (request.origin?.custom?.readTimeout ?? READ_TIMEOUT_SECONDS_MAX) * 1_000,
    method: request.method,
    status: Number(response.status),
    request: fieldsOf(request.headers),
    response: fieldsOf(response.headers),
  };
}

/** The recorder's configuration, as the origin's custom header carries it. */
export function configTextOf({ request }: Cf): string | undefined {
  const { custom, s3 } = request.origin ?? {};
  return (custom ?? s3)?.customHeaders[CONFIG]?.[0]?.value;
}

export function withRuling(
  { response }: Cf,
  ruling: Pick<Ruling, 'headers'>,
): CloudFrontResponseResult {
  const headers: CloudFrontHeaders = { ...response.headers };
  for (const [name, value] of Object.entries(ruling.headers)) {
    if (value === '') delete headers[name];
    else headers[name] = [{ key: name, value }];
  }
  return { ...response, headers };
}

function fieldsOf(headers: CloudFrontHeaders): Fields {
  const lines = Object.entries(headers).map(([name, values]) => [
    name,
    values.map(({ value }) => value),
  ]);
  return Object.fromEntries(lines);
}
