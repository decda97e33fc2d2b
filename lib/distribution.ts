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
import { Duration, Validations } from 'aws-cdk-lib';
import * as cloudfront from 'aws-cdk-lib/aws-cloudfront';
import type { Construct } from 'constructs';
import { ELAPSED, NATIVE_TAGS, RULING } from '../core/headers';
import { globalName, type Settings } from './private/settings';

/** The statuses that CloudFront keeps, and takes a caching duration for (CFDG, HTTPStatusCodes). */
const ERROR_STATUSES = [400, 403, 404, 405, 414, 500, 501, 502, 503, 504];

export interface DistributionParts {
  readonly origin: cloudfront.IOrigin;
  readonly recorder: cloudfront.experimental.EdgeFunction;
}

export function distribution(
  scope: Construct,
  { origin, recorder }: DistributionParts,
  settings: Settings,
): cloudfront.Distribution {
  const distribution = new cloudfront.Distribution(scope, 'Distribution', {
    comment: 'edge-isr',
    httpVersion: cloudfront.HttpVersion.HTTP2_AND_3,
    defaultBehavior: {
      origin,
      allowedMethods: cloudfront.AllowedMethods.ALLOW_ALL, // only GET and HEAD are kept
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
    },
    errorResponses: ERROR_STATUSES.map((httpStatus) => ({
      httpStatus,
      ttl: Duration.seconds(0),
    })),
  });
  const resource = distribution.node.defaultChild as cloudfront.CfnDistribution;
  resource.addPropertyOverride('DistributionConfig.CacheTagConfig', { HeaderName: NATIVE_TAGS });
  acknowledge(distribution);
  return distribution;
}

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
  return new cloudfront.ResponseHeadersPolicy(scope, 'ResponseHeadersPolicy', {
    responseHeadersPolicyName: globalName(settings),
    comment: 'edge-isr: what viewers see',
    removeHeaders: [NATIVE_TAGS, RULING, ELAPSED],
    customHeadersBehavior: {
      customHeaders: [
        { header: 'Cache-Control', value: settings.browserCacheControl, override: true },
      ],
    },
  });
}

function acknowledge(distribution: cloudfront.Distribution): void {
  Validations.of(distribution).acknowledge(
    {
      id: 'AwsSolutions-CFR1',
      reason: 'Whom the site is for is its owner’s to say: a page is for everyone by default.',
    },
    {
      id: 'AwsSolutions-CFR2',
      reason:
        'A web ACL costs money every month; whether the site needs one is its owner’s to say.',
    },
    {
      id: 'AwsSolutions-CFR3',
      reason:
        'Access logs hold viewers’ addresses: they are switched on by whoever answers for them.',
    },
    {
      id: 'AwsSolutions-CFR4',
      reason:
        'Without a domain of one’s own CloudFront’s certificate serves, and its TLS version is fixed.',
    },
  );
}
