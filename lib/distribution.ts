/**
 * The distribution: how CloudFront keys, keeps and serves the site.
 *
 * - MinTTL is 0, or `no-store` and `private` would be ignored; DefaultTTL is 0, so what says nothing is not kept.
 * - Query strings: all, or the recorder would not see them (CFDG, lambda-event-structure). Cookies: none, since
 *   forwarding them switches conditional requests off (CFDG, Cookies).
 * - An error is kept as long as the recorder says, never for CloudFront's own ten seconds.
 * - Viewers get a Cache-Control of their own, and none of our headers.
 * @module
 */
import { Annotations, Duration, Validations } from 'aws-cdk-lib';
import * as cloudfront from 'aws-cdk-lib/aws-cloudfront';
import type { Construct } from 'constructs';
import { ELAPSED, NATIVE_TAGS, RULING } from '../core/headers';
import type { RecordedOrigin } from './private/recorded-origin';
import { functionOf, scriptOf } from './private/script';
import { globalName, type Settings } from './private/settings';
import { viewerFunction } from './private/viewer-function';

/** The statuses that CloudFront keeps, and takes a caching duration for (CFDG, HTTPStatusCodes). */
const ERROR_STATUSES = [400, 403, 404, 405, 414, 500, 501, 502, 503, 504];

const YEAR = Duration.days(365);

export interface DistributionParts {
  readonly origin: RecordedOrigin;
  /** As `pageBehavior` made it. */
  readonly pages: cloudfront.AddBehaviorOptions;
}

/** A distribution of the site's own. */
export function distribution(
  scope: Construct,
  { origin, pages }: DistributionParts,
  settings: Settings,
): cloudfront.Distribution {
  const { bypassPaths = [], staticPaths = [] } = settings;
  const { allowedMethods } = origin;
  const isMore = bypassPaths.length + staticPaths.length > 0;
  const headers = isMore ? addedHeaders(scope, settings) : {};
  const files = staticPaths.length > 0 ? staticFiles(scope, settings) : {};
  const distribution = new cloudfront.Distribution(scope, 'Distribution', {
    comment: 'edge-isr',
    httpVersion: settings.httpVersion ?? cloudfront.HttpVersion.HTTP2_AND_3,
    ...ownOf(settings),
    defaultBehavior: { origin, ...pages, allowedMethods },
    additionalBehaviors: Object.fromEntries([
      ...bypassPaths.map(
        (path) => [path, { origin, ...BYPASS, ...headers, allowedMethods }] as const,
      ),
      ...staticPaths.map((path) => [path, { origin, ...files, ...headers }] as const),
    ]),
    errorResponses: ERROR_STATUSES.map((httpStatus) => ({
      httpStatus,
      ttl: Duration.seconds(0),
    })),
  });
  readTags(distribution);
  acknowledge(distribution, settings);
  if (origin.isGroup && bypassPaths.length > 0) warnOfForms(distribution);
  return distribution;
}

function warnOfForms(distribution: cloudfront.Distribution): void {
  Annotations.of(distribution).addWarningV2(
    'edge-isr:bypassPaths',
    'EdgeIsr: bypassPaths take no POST, PUT, PATCH or DELETE where origin is an OriginGroup: give those paths a behaviour with one of its origins instead, by isr.distribution.addBehavior',
  );
}

/** Makes a distribution that somebody else has made one of ours. */
export function adopt(distribution: cloudfront.Distribution): void {
  readTags(distribution);
  const { distributionConfig } = resourceOf(distribution);
  if ('customErrorResponses' in distributionConfig && distributionConfig.customErrorResponses) {
    Annotations.of(distribution).addWarningV2(
      'edge-isr:errorResponses',
      'EdgeIsr: the distribution says itself how long errors are kept; a page that comes into being is seen when its 404 has expired: give them a ttl of 0',
    );
    return;
  }
  resourceOf(distribution).addPropertyOverride(
    'DistributionConfig.CustomErrorResponses',
    ERROR_STATUSES.map((ErrorCode) => ({ ErrorCode, ErrorCachingMinTTL: 0 })),
  );
}

/** The L2 has no prop for it yet. */
function readTags(distribution: cloudfront.Distribution): void {
  resourceOf(distribution).addPropertyOverride('DistributionConfig.CacheTagConfig', {
    HeaderName: NATIVE_TAGS,
  });
}

function resourceOf(distribution: cloudfront.Distribution): cloudfront.CfnDistribution {
  return distribution.node.defaultChild as cloudfront.CfnDistribution;
}

/** What the team says of its site, as CloudFront takes it. */
function ownOf({ domainNames, certificate, logBucket, ...settings }: Settings) {
  return {
    ...(domainNames && { domainNames }),
    ...(certificate && {
      certificate,
      minimumProtocolVersion: cloudfront.SecurityPolicyProtocol.TLS_V1_2_2021,
    }),
    ...(settings.priceClass && { priceClass: settings.priceClass }),
    ...(settings.webAclId && { webAclId: settings.webAclId }),
    ...(settings.geoRestriction && { geoRestriction: settings.geoRestriction }),
    ...(logBucket && { logBucket }),
    ...(settings.logPrefix && { logFilePrefix: settings.logPrefix }),
  };
}

/** How pages are keyed, kept, recorded and shown. */
export function pageBehavior(
  scope: Construct,
  recorder: cloudfront.experimental.EdgeFunction,
  settings: Settings,
): cloudfront.AddBehaviorOptions {
  const viewerRequest = viewerFunction(scope, settings);
  return {
    viewerProtocolPolicy: cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
    compress: true,
    cachePolicy: cachePolicy(scope, settings),
    originRequestPolicy: originRequestPolicy(scope, settings),
    responseHeadersPolicy: responseHeadersPolicy(scope, settings),
    edgeLambdas: [
      {
        eventType: cloudfront.LambdaEdgeEventType.ORIGIN_RESPONSE,
        functionVersion: recorder.currentVersion,
      },
    ],
    ...(viewerRequest && {
      functionAssociations: [
        { eventType: cloudfront.FunctionEventType.VIEWER_REQUEST, function: viewerRequest },
      ],
    }),
  };
}

/** Files that never change: a year at the edge, where the origin says nothing else, and in browsers. */
function staticFiles(scope: Construct, settings: Settings): cloudfront.AddBehaviorOptions {
  const immutable = functionOf(
    scope,
    {
      id: 'StaticResponse',
      code: scriptOf('static-response'),
      comment: 'browsers never ask again for files whose name changes with their content',
    },
    settings,
  );
  return {
    viewerProtocolPolicy: cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
    compress: true,
    cachePolicy: new cloudfront.CachePolicy(scope, 'StaticCachePolicy', {
      cachePolicyName: `${globalName(settings)}-static`,
      comment: 'edge-isr: files whose name changes with their content',
      minTtl: Duration.seconds(0),
      defaultTtl: YEAR,
      maxTtl: YEAR,
      enableAcceptEncodingGzip: true,
      enableAcceptEncodingBrotli: true,
    }),
    functionAssociations: [
      { eventType: cloudfront.FunctionEventType.VIEWER_RESPONSE, function: immutable },
    ],
  };
}

/** What is for one viewer alone. */
const BYPASS: cloudfront.AddBehaviorOptions = {
  viewerProtocolPolicy: cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
  compress: true,
  cachePolicy: cloudfront.CachePolicy.CACHING_DISABLED,
  originRequestPolicy: cloudfront.OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
};

function cachePolicy(scope: Construct, settings: Settings) {
  const { maxTtl, keyHeaders } = settings;
  return new cloudfront.CachePolicy(scope, 'CachePolicy', {
    cachePolicyName: globalName(settings),
    comment: 'edge-isr: the origin says how long, the recorder whether',
    minTtl: Duration.seconds(0),
    defaultTtl: Duration.seconds(0),
    maxTtl,
    queryStringBehavior: cloudfront.CacheQueryStringBehavior.all(),
    cookieBehavior: cloudfront.CacheCookieBehavior.none(),
    headerBehavior:
      keyHeaders.length === 0
        ? cloudfront.CacheHeaderBehavior.none()
        : cloudfront.CacheHeaderBehavior.allowList(...keyHeaders),
    enableAcceptEncodingGzip: true,
    enableAcceptEncodingBrotli: true,
  });
}

/** Beside what is in the key CloudFront forwards hardly a header (CFDG, controlling-origin-requests): a form needs one. */
function originRequestPolicy(scope: Construct, settings: Settings) {
  return new cloudfront.OriginRequestPolicy(scope, 'OriginRequestPolicy', {
    originRequestPolicyName: globalName(settings),
    comment: 'edge-isr: what a POST needs and no page may depend on',
    headerBehavior: cloudfront.OriginRequestHeaderBehavior.allowList('Content-Type'),
    cookieBehavior: cloudfront.OriginRequestCookieBehavior.none(),
    queryStringBehavior: cloudfront.OriginRequestQueryStringBehavior.all(),
  });
}

/** The recorder has already taken the origin's own tag headers away; these three are what is left of us. */
function responseHeadersPolicy(scope: Construct, settings: Settings) {
  const own = { header: 'Cache-Control', value: settings.browserCacheControl, override: true };
  return new cloudfront.ResponseHeadersPolicy(scope, 'ResponseHeadersPolicy', {
    responseHeadersPolicyName: globalName(settings),
    comment: 'edge-isr: what viewers see',
    removeHeaders: [NATIVE_TAGS, RULING, ELAPSED],
    ...addedTo([own], settings),
  });
}

/** For what is no page: what the team adds, and nothing of ours. */
function addedHeaders(
  scope: Construct,
  settings: Settings,
): Pick<cloudfront.AddBehaviorOptions, 'responseHeadersPolicy'> {
  const { securityHeaders, cors, responseHeaders = [] } = settings;
  if (!securityHeaders && !cors && responseHeaders.length === 0) return {};
  const policy = new cloudfront.ResponseHeadersPolicy(scope, 'AddedHeadersPolicy', {
    responseHeadersPolicyName: `${globalName(settings)}-added`,
    comment: 'edge-isr: headers of static and bypassed paths',
    ...addedTo([], settings),
  });
  return { responseHeadersPolicy: policy };
}

function addedTo(
  own: cloudfront.ResponseCustomHeader[],
  { securityHeaders, cors, responseHeaders = [] }: Settings,
): cloudfront.ResponseHeadersPolicyProps {
  const customHeaders = [...own, ...responseHeaders];
  return {
    ...(customHeaders.length > 0 && { customHeadersBehavior: { customHeaders } }),
    ...(securityHeaders && { securityHeadersBehavior: securityHeaders }),
    ...(cors && { corsBehavior: cors }),
  };
}

function acknowledge(distribution: cloudfront.Distribution, settings: Settings): void {
  const { geoRestriction, webAclId, logBucket, certificate } = settings;
  const reasons: Record<string, string | undefined> = {
    CFR1: geoRestriction
      ? undefined
      : 'Whom the site is for is its owner’s to say: a page is for everyone by default.',
    CFR2: webAclId
      ? undefined
      : 'A web ACL costs money every month; whether the site needs one is its owner’s to say.',
    CFR3: logBucket
      ? undefined
      : 'Access logs hold viewers’ addresses: they are switched on by whoever answers for them.',
    CFR4: certificate
      ? undefined
      : 'Without a domain of one’s own CloudFront’s certificate serves, and its TLS version is fixed.',
  };
  for (const [rule, reason] of Object.entries(reasons)) {
    if (reason) Validations.of(distribution).acknowledge({ id: `AwsSolutions-${rule}`, reason });
  }
}
