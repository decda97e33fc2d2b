import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { HeadersFrameOption, HttpVersion } from 'aws-cdk-lib/aws-cloudfront';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { AwsSolutionsChecks } from 'cdk-nag';
import { describe, expect, it } from 'vitest';
import type { EdgeIsrProps } from '../../lib';
import { build, only, templateOf } from './stacks';

const ADDED: Partial<EdgeIsrProps> = {
  securityHeaders: {
    strictTransportSecurity: { accessControlMaxAge: Duration.days(365), override: true },
    frameOptions: { frameOption: HeadersFrameOption.DENY, override: true },
  },
  cors: {
    accessControlAllowCredentials: false,
    accessControlAllowHeaders: ['*'],
    accessControlAllowMethods: ['GET'],
    accessControlAllowOrigins: ['https://example.org'],
    originOverride: false,
  },
  responseHeaders: [{ header: 'x-team', value: 'web', override: false }],
};

function policies(props: Partial<EdgeIsrProps>) {
  const found = templateOf(props).findResources('AWS::CloudFront::ResponseHeadersPolicy');
  return Object.values(found).map(({ Properties }) => Properties.ResponseHeadersPolicyConfig);
}

describe('headers that the team adds', () => {
  const SEEN = {
    SecurityHeadersConfig: {
      StrictTransportSecurity: { AccessControlMaxAgeSec: 31_536_000, Override: true },
      FrameOptions: { FrameOption: 'DENY', Override: true },
    },
    CorsConfig: { AccessControlAllowOrigins: { Items: ['https://example.org'] } },
  };

  it('are on pages, beside what browsers are told', () => {
    const [pages, ...others] = policies(ADDED);
    expect(others).toEqual([]);
    expect(pages).toMatchObject(SEEN);
    expect(pages.CustomHeadersConfig.Items.map(({ Header }: { Header: string }) => Header)).toEqual(
      ['Cache-Control', 'x-team'],
    );
  });

  it('are on static and bypassed paths too, without a Cache-Control of ours', () => {
    const props = { ...ADDED, staticPaths: ['/static/*'], bypassPaths: ['/account/*'] };
    const added = policies(props).find(({ Name }) => Name.endsWith('-added'));
    expect(added).toMatchObject(SEEN);
    expect(added.RemoveHeadersConfig).toBeUndefined();
    expect(added.CustomHeadersConfig.Items).toEqual([
      { Header: 'x-team', Value: 'web', Override: false },
    ]);
    const { DistributionConfig } = only(templateOf(props), 'AWS::CloudFront::Distribution');
    const [one, two] = DistributionConfig.CacheBehaviors.map(
      (it: { ResponseHeadersPolicyId: unknown }) => it.ResponseHeadersPolicyId,
    );
    expect(one).toEqual({ Ref: expect.stringMatching(/^IsrAddedHeadersPolicy/) });
    expect(two).toEqual(one);
  });

  it('leave no policy behind where there are none', () => {
    expect(policies({ staticPaths: ['/static/*'] })).toHaveLength(1);
  });

  it('are nothing that cdk-nag finds', () => {
    const { app } = build({ ...ADDED, staticPaths: ['/static/*'] });
    expect(new AwsSolutionsChecks(app).validateScope(app).violations).toEqual([]);
  });
});

describe('what else can be asked', () => {
  it('httpVersion: what viewers may speak', () => {
    const template = templateOf({ httpVersion: HttpVersion.HTTP2 });
    const { DistributionConfig } = only(template, 'AWS::CloudFront::Distribution');
    expect(DistributionConfig.HttpVersion).toBe('http2');
  });

  it('logRetention: of every worker and of the API', () => {
    const template = templateOf({ logRetention: RetentionDays.ONE_WEEK });
    template.resourcePropertiesCountIs('AWS::Logs::LogGroup', { RetentionInDays: 7 }, 4);
    template.resourceCountIs('AWS::Logs::LogGroup', 4);
  });

  it('tableRemovalPolicy: for stages that come and go', () => {
    const template = templateOf({ tableRemovalPolicy: RemovalPolicy.DESTROY });
    const [table] = Object.values(template.findResources('AWS::DynamoDB::Table'));
    expect(table).toMatchObject({ DeletionPolicy: 'Delete', UpdateReplacePolicy: 'Delete' });
  });
});

describe('what is not asked', () => {
  const template = templateOf({ staticPaths: ['/static/*'] });

  it('the table is encrypted with a key that AWS owns: a miss asks no KMS', () => {
    expect(only(template, 'AWS::DynamoDB::Table').SSESpecification).toEqual({ SSEEnabled: false });
  });

  it('MinTTL is 0 in every cache policy: else no-store and private are ignored', () => {
    const policies = Object.values(template.findResources('AWS::CloudFront::CachePolicy'));
    expect(policies).toHaveLength(2);
    for (const { Properties } of policies) {
      const { MinTTL, DefaultTTL, MaxTTL } = Properties.CachePolicyConfig;
      expect(MinTTL).toBe(0);
      expect(DefaultTTL).toBeLessThanOrEqual(MaxTTL);
    }
  });

  it('every behaviour compresses', () => {
    const { DistributionConfig } = only(template, 'AWS::CloudFront::Distribution');
    const behaviors = [
      DistributionConfig.DefaultCacheBehavior,
      ...DistributionConfig.CacheBehaviors,
    ];
    expect(behaviors.map(({ Compress }) => Compress)).toEqual([true, true]);
  });

  it('every function runs where Lambda@Edge runs too, and none on a runtime of its own', () => {
    const functions = Object.values(template.findResources('AWS::Lambda::Function'));
    expect(new Set(functions.map(({ Properties }) => Properties.Runtime))).toEqual(
      new Set(['nodejs24.x']),
    );
  });
});
