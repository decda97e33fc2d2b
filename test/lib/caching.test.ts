import { App, Duration, Stack } from 'aws-cdk-lib';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { GeoRestriction, PriceClass } from 'aws-cdk-lib/aws-cloudfront';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { AwsSolutionsChecks } from 'cdk-nag';
import { describe, expect, it } from 'vitest';
import { Device, type EdgeIsrProps } from '../../lib';
import { build, only, templateOf } from './stacks';

const CERTIFICATE = 'arn:aws:acm:us-east-1:111122223333:certificate/1';
const elsewhere = new Stack(new App(), 'Else', { env: { region: 'eu-west-1' } });
const certificateOf = (arn: string) => Certificate.fromCertificateArn(elsewhere, arn, arn);

const configOf = (props: Partial<EdgeIsrProps>) =>
  only(templateOf(props), 'AWS::CloudFront::Distribution').DistributionConfig;

describe('the function on viewer-request', () => {
  it('drops tracking parameters by default, before the key is made', () => {
    const template = templateOf();
    const { FunctionCode, FunctionConfig } = only(template, 'AWS::CloudFront::Function');
    expect(FunctionConfig.Runtime).toBe('cloudfront-js-2.0');
    expect(FunctionCode).toContain('"utm_*"');
    const { FunctionAssociations } = only(template, 'AWS::CloudFront::Distribution')
      .DistributionConfig.DefaultCacheBehavior;
    expect(FunctionAssociations).toMatchObject([{ EventType: 'viewer-request' }]);
  });

  it('is not there when there is nothing for it to do', () => {
    const template = templateOf({ dropParameters: [] });
    template.resourceCountIs('AWS::CloudFront::Function', 0);
  });

  it('puts variants into the key, and tells the recorder', () => {
    const template = templateOf({ variants: { locales: ['en', 'de'], devices: [Device.MOBILE] } });
    const policy = only(template, 'AWS::CloudFront::CachePolicy').CachePolicyConfig;
    expect(policy.ParametersInCacheKeyAndForwardedToOrigin.HeadersConfig).toEqual({
      HeaderBehavior: 'whitelist',
      Headers: ['x-isr-locale', 'x-isr-device'],
    });
    const [origin] = only(template, 'AWS::CloudFront::Distribution').DistributionConfig.Origins;
    const config = JSON.stringify(origin.OriginCustomHeaders);
    expect(config).toContain('x-isr-locale');
  });

  it('is small: CloudFront takes 10 KB', () => {
    const { FunctionCode } = only(templateOf(), 'AWS::CloudFront::Function');
    expect(FunctionCode.length).toBeLessThan(3_000);
  });
});

describe('paths that are no pages', () => {
  const config = configOf({ staticPaths: ['/static/*'], bypassPaths: ['/account/*'] });
  const behaviorOf = (path: string) =>
    config.CacheBehaviors.find((it: { PathPattern: string }) => it.PathPattern === path);

  it('are not recorded', () => {
    for (const path of ['/static/*', '/account/*']) {
      expect(behaviorOf(path).LambdaFunctionAssociations).toBeUndefined();
    }
  });

  it('are immutable for browsers, or never cached', () => {
    expect(behaviorOf('/static/*').FunctionAssociations).toMatchObject([
      { EventType: 'viewer-response' },
    ]);
    expect(behaviorOf('/account/*')).toMatchObject({
      CachePolicyId: '4135ea2d-6df8-44a3-9df3-4b5a84be39ad', // CFDG, using-managed-cache-policies
      AllowedMethods: expect.arrayContaining(['POST']),
    });
  });
});

describe('a site of one’s own', () => {
  it('has its names, certificate, ACL, countries, price class and logs', () => {
    const { stack } = build();
    const config = configOf({
      domainNames: ['www.example.org'],
      certificate: certificateOf(CERTIFICATE),
      priceClass: PriceClass.PRICE_CLASS_100,
      webAclId: 'arn:aws:wafv2:us-east-1:111122223333:global/webacl/a/1',
      geoRestriction: GeoRestriction.allowlist('DE'),
      logBucket: Bucket.fromBucketName(stack, 'Logs', 'logs'),
      logPrefix: 'site/',
    });
    expect(config).toMatchObject({
      Aliases: ['www.example.org'],
      PriceClass: 'PriceClass_100',
      WebACLId: 'arn:aws:wafv2:us-east-1:111122223333:global/webacl/a/1',
      Restrictions: { GeoRestriction: { RestrictionType: 'whitelist', Locations: ['DE'] } },
      Logging: { Prefix: 'site/' },
      ViewerCertificate: {
        AcmCertificateArn: CERTIFICATE,
        MinimumProtocolVersion: 'TLSv1.2_2021',
      },
    });
  });

  it('has nothing that cdk-nag finds', () => {
    const { app } = build({
      domainNames: ['www.example.org'],
      certificate: certificateOf(`${CERTIFICATE}2`),
      staticPaths: ['/static/*'],
      bypassPaths: ['/account/*'],
      variants: { locales: ['de'] },
      defaults: { sMaxAge: Duration.minutes(5) },
    });
    expect(new AwsSolutionsChecks(app).validateScope(app).violations).toEqual([]);
  });
});

describe('a page whose origin says nothing', () => {
  it('is kept as the defaults say', () => {
    const template = templateOf({
      defaults: { sMaxAge: Duration.minutes(5), staleWhileRevalidate: Duration.hours(1) },
    });
    const [origin] = only(template, 'AWS::CloudFront::Distribution').DistributionConfig.Origins;
    expect(origin.OriginCustomHeaders[0].HeaderValue).toContain(
      '"defaults":{"freshSeconds":300,"staleSeconds":3600,"errorSeconds":0}',
    );
  });
});

describe('a prop that is wrong', () => {
  it.each<[string, Partial<EdgeIsrProps>, string]>([
    [
      'defaults.sMaxAge',
      { maxTtl: Duration.hours(1), defaults: { sMaxAge: Duration.hours(2) } },
      'is 7200 s: it lies between 1 and 3600 s',
    ],
    [
      'defaults.staleWhileRevalidate',
      {
        maxTtl: Duration.hours(1),
        defaults: { sMaxAge: Duration.hours(1), staleWhileRevalidate: Duration.days(1) },
      },
      'is 86400 s: it lies between 0 and 3600 s',
    ],
    [
      'dropParameters[1]',
      { dropParameters: ['a', 'b=c'] },
      'is "b=c": it takes a parameter’s name',
    ],
    ['dropParameters[0]', { dropParameters: ['*'] }, 'is "*": it takes a parameter’s name'],
    ['variants.locales', { variants: { locales: [] } }, 'is empty: name some, or leave it out'],
    ['variants', { variants: {} }, 'has neither locales nor devices'],
    ['variants.locales[1]', { variants: { locales: ['de', 'german!'] } }, 'is "german!": it takes'],
    ['variants.locales[1]', { variants: { locales: ['de', 'de'] } }, 'is "de": it is named twice'],
    [
      'keyHeaders',
      {
        keyHeaders: Array.from({ length: 9 }, (_, i) => `x-${i}`),
        variants: { locales: ['de'], devices: [Device.MOBILE] },
      },
      'has 9 names and variants add 2: a cache policy takes at most 10',
    ],
    [
      'keyHeaders[0]',
      { keyHeaders: ['Accept-Language'], variants: { locales: ['de'] } },
      'is "Accept-Language": variants.locales stand for it',
    ],
    ['staticPaths[0]', { staticPaths: ['static/*'] }, 'is "static/*": it takes a path pattern'],
    [
      'bypassPaths',
      { staticPaths: ['/a/*'], bypassPaths: ['/a/*'] },
      'and staticPaths have both "/a/*"',
    ],
    ['domainNames', { domainNames: ['a.example'] }, 'need a certificate'],
    [
      'domainNames[0]',
      { domainNames: ['https://a.example'], certificate: certificateOf(`${CERTIFICATE}3`) },
      'is "https://a.example": it takes a domain name',
    ],
    [
      'certificate',
      {
        domainNames: ['a.example'],
        certificate: certificateOf('arn:aws:acm:eu-west-1:111122223333:certificate/1'),
      },
      'CloudFront takes one of us-east-1 only',
    ],
    ['webAclId', { webAclId: 'arn:aws:wafv2:eu-west-1:1:regional/webacl/a/1' }, 'us-east-1 only'],
    ['logPrefix', { logPrefix: 'x' }, 'names files in no bucket'],
  ])('is named, with its value and the rule: %s', (prop, props, problem) => {
    expect(() => templateOf(props)).toThrow(`EdgeIsr: ${prop} `);
    expect(() => templateOf(props)).toThrow(problem);
  });

  it('is a function of more than 10 KB, for so many parameters', () => {
    const dropParameters = Array.from({ length: 1_000 }, (_, i) => `parameter-${i}`);
    expect(() => templateOf({ dropParameters })).toThrow(
      /dropParameters and variants make a function of \d+ bytes/,
    );
  });
});
