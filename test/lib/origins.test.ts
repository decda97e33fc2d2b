/** Every kind of origin behind RecordedOrigin, as the template has it. */
import { App, Stack } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import type * as cloudfront from 'aws-cdk-lib/aws-cloudfront';
import {
  HttpOrigin,
  OriginGroup,
  S3BucketOrigin,
  S3StaticWebsiteOrigin,
  VpcOrigin,
} from 'aws-cdk-lib/aws-cloudfront-origins';
import { Vpc } from 'aws-cdk-lib/aws-ec2';
import { ApplicationLoadBalancer } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { describe, expect, it } from 'vitest';
import { parseRecorderConfig } from '../../core/config';
import type { EdgeIsrProps } from '../../lib';
import { EdgeIsr } from '../../lib';
import { only } from './stacks';

type OriginIn = (stack: Stack) => cloudfront.IOrigin;

function built(originIn: OriginIn, props: Partial<EdgeIsrProps> = {}) {
  const env = { region: 'eu-west-1', account: '123456789012' };
  const stack = new Stack(new App(), 'Site', { env });
  const isr = new EdgeIsr(stack, 'Isr', { origin: originIn(stack), ...props });
  const template = Template.fromStack(stack);
  const { DistributionConfig: config } = only(template, 'AWS::CloudFront::Distribution');
  return { stack, isr, template, config };
}

interface Header {
  readonly HeaderName: string;
  readonly HeaderValue: string;
}

const RECORDED = {
  OriginShield: { Enabled: true, OriginShieldRegion: 'eu-west-1' },
  OriginCustomHeaders: expect.arrayContaining([
    { HeaderName: 'x-isr-config', HeaderValue: expect.stringContaining('"region":"eu-west-1"') },
  ]),
};

const internalAlb = (stack: Stack) =>
  new ApplicationLoadBalancer(stack, 'Alb', { vpc: new Vpc(stack, 'Vpc'), internetFacing: false });

describe('an origin', () => {
  it.each<[string, OriginIn, object]>([
    [
      'with custom headers of its own',
      () => new HttpOrigin('example.org', { customHeaders: { 'x-origin-secret': 's' } }),
      { DomainName: 'example.org' },
    ],
    [
      'in a VPC, a load balancer',
      (stack) =>
        VpcOrigin.withApplicationLoadBalancer(internalAlb(stack), {
          customHeaders: { 'x-a': 'b' },
        }),
      {
        VpcOriginConfig: {
          VpcOriginId: { 'Fn::GetAtt': [expect.stringMatching(/VpcOrigin/), 'Id'] },
        },
      },
    ],
    [
      'a bucket behind origin access control',
      (stack) => S3BucketOrigin.withOriginAccessControl(new Bucket(stack, 'Pages')),
      { S3OriginConfig: { OriginAccessIdentity: '' }, OriginAccessControlId: expect.anything() },
    ],
    [
      'a bucket that is a website',
      (stack) =>
        new S3StaticWebsiteOrigin(
          new Bucket(stack, 'Pages', { websiteIndexDocument: 'index.html' }),
        ),
      { CustomOriginConfig: expect.anything() },
    ],
  ])('%s is recorded, shielded, and what it was', (_, originIn, own) => {
    const { config } = built(originIn);
    expect(config.Origins).toHaveLength(1);
    expect(config.Origins[0]).toMatchObject({ ...RECORDED, ...own });
    expect(config.DefaultCacheBehavior.AllowedMethods).toContain('POST');
  });

  it('keeps its own headers beside ours', () => {
    const { config } = built((stack) =>
      VpcOrigin.withApplicationLoadBalancer(internalAlb(stack), { customHeaders: { 'x-a': 'b' } }),
    );
    expect(
      config.Origins[0].OriginCustomHeaders.map(({ HeaderName }: Header) => HeaderName),
    ).toEqual(['x-a', 'x-isr-config']);
  });

  it('that is a bucket may be read by this distribution, and by no other', () => {
    const { template, config } = built((stack) =>
      S3BucketOrigin.withOriginAccessControl(new Bucket(stack, 'Pages')),
    );
    expect(config).toBeDefined();
    const [id] = Object.keys(template.findResources('AWS::CloudFront::Distribution'));
    const policy = JSON.stringify(only(template, 'AWS::S3::BucketPolicy'));
    expect(policy).toContain(`:distribution/",{"Ref":"${id}"}`);
  });
});

describe('an origin group', () => {
  const group: OriginIn = (stack) =>
    new OriginGroup({
      primaryOrigin: VpcOrigin.withApplicationLoadBalancer(internalAlb(stack)),
      fallbackOrigin: S3BucketOrigin.withOriginAccessControl(new Bucket(stack, 'Pages')),
      fallbackStatusCodes: [500, 503],
    });

  it('has both of its origins recorded, by one configuration', () => {
    const { config } = built(group);
    expect(config.Origins).toHaveLength(2);
    for (const origin of config.Origins) expect(origin).toMatchObject(RECORDED);
    const [first, second] = config.Origins.map(
      ({ OriginCustomHeaders }: { OriginCustomHeaders: Header[] }) =>
        parseRecorderConfig(
          OriginCustomHeaders.find(({ HeaderName }) => HeaderName === 'x-isr-config')?.HeaderValue,
        ),
    );
    expect(second).toEqual(first);
    const [{ FailoverCriteria, Members, Id }] = config.OriginGroups.Items;
    expect(FailoverCriteria.StatusCodes.Items).toEqual([500, 503]);
    expect(Members.Items).toHaveLength(2);
    expect(config.DefaultCacheBehavior.TargetOriginId).toBe(Id);
  });

  it('takes GET, HEAD and OPTIONS only: CloudFront refuses to deploy more', () => {
    const readers = ['GET', 'HEAD', 'OPTIONS'];
    const { config, stack } = built(group, {
      bypassPaths: ['/account/*'],
      staticPaths: ['/static/*'],
    });
    expect(config.DefaultCacheBehavior.AllowedMethods).toEqual(readers);
    for (const { AllowedMethods = readers } of config.CacheBehaviors)
      expect(AllowedMethods).toEqual(readers);
    Annotations.fromStack(stack).hasWarning(
      '*',
      Match.stringLikeRegexp('bypassPaths take no POST'),
    );
  });

  it('does so in a distribution of the team’s, too', () => {
    const { isr, stack } = built(() => new HttpOrigin('example.org'));
    const { allowedMethods } = isr.behavior(group(stack));
    expect(allowedMethods?.methods).toEqual(['GET', 'HEAD', 'OPTIONS']);
    expect(isr.behavior().allowedMethods?.methods).toContain('POST');
  });

  it('is an OriginGroup: what fails over in secret is refused', () => {
    const secret: OriginIn = () => ({
      bind: (scope, options) => ({
        ...new HttpOrigin('a.example.org').bind(scope, options),
        failoverConfig: { failoverOrigin: new HttpOrigin('b.example.org') },
      }),
    });
    expect(() => built(secret)).toThrow(
      'origin fails over by itself: EdgeIsr has to know that beforehand, give it an OriginGroup',
    );
  });
});
