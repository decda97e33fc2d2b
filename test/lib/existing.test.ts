import { App, Stack } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import { Distribution, type DistributionProps } from 'aws-cdk-lib/aws-cloudfront';
import { HttpOrigin } from 'aws-cdk-lib/aws-cloudfront-origins';
import { describe, expect, it } from 'vitest';
import { EdgeIsr } from '../../lib';
import { build, only } from './stacks';

function existing(props: Partial<DistributionProps> = {}) {
  const stack = new Stack(new App(), 'Site', { env: { region: 'us-east-1' } });
  const distribution = new Distribution(stack, 'Theirs', {
    defaultBehavior: { origin: new HttpOrigin('theirs.example.org') },
    ...props,
  });
  const isr = new EdgeIsr(stack, 'Isr', {
    origin: new HttpOrigin('example.org'),
    ownDistribution: false,
  });
  return { stack, distribution, isr };
}

describe('a distribution that the team has', () => {
  it('is recorded, purged and warmed where it is told to', () => {
    const { stack, distribution, isr } = existing();
    isr.addTo(distribution, '/posts/*');
    const template = Template.fromStack(stack);
    const { DistributionConfig: config } = only(template, 'AWS::CloudFront::Distribution');
    expect(config.CacheTagConfig).toEqual({ HeaderName: 'x-isr-tags' });
    expect(config.CustomErrorResponses).toContainEqual({ ErrorCode: 404, ErrorCachingMinTTL: 0 });
    expect(config.DefaultCacheBehavior.LambdaFunctionAssociations).toBeUndefined();
    const [behavior] = config.CacheBehaviors;
    expect(behavior.PathPattern).toBe('/posts/*');
    expect(behavior.LambdaFunctionAssociations).toMatchObject([{ EventType: 'origin-response' }]);
    const recorded = config.Origins.find((it: { Id: string }) => it.Id === behavior.TargetOriginId);
    expect(recorded.OriginCustomHeaders).toMatchObject([{ HeaderName: 'x-isr-config' }]);
    const [id] = Object.keys(template.findResources('AWS::CloudFront::Distribution'));
    const workers = JSON.stringify(template.findResources('AWS::Lambda::Function'));
    expect(workers).toContain(`"ISR_DISTRIBUTION_ID":{"Ref":"${id}"}`);
    expect(workers).toContain(`{"Fn::GetAtt":["${id}","DomainName"]}`);
    const policies = JSON.stringify(template.findResources('AWS::IAM::Policy'));
    expect(policies).toContain(`:distribution/",{"Ref":"${id}"}]`);
  });

  it('may have the pages as its default', () => {
    const stack = new Stack(new App(), 'Site', { env: { region: 'us-east-1' } });
    const isr = new EdgeIsr(stack, 'Isr', {
      origin: new HttpOrigin('example.org'),
      ownDistribution: false,
    });
    isr.addTo(new Distribution(stack, 'Theirs', { defaultBehavior: isr.behavior() }));
    const template = Template.fromStack(stack);
    const { DistributionConfig: config } = only(template, 'AWS::CloudFront::Distribution');
    expect(config.DefaultCacheBehavior.LambdaFunctionAssociations).toHaveLength(1);
    expect(config.DefaultCacheBehavior.FunctionAssociations).toHaveLength(1);
  });

  it('keeps its own error pages, and is warned of how long they stand', () => {
    const { stack, distribution, isr } = existing({
      errorResponses: [{ httpStatus: 404, responsePagePath: '/404' }],
    });
    isr.addTo(distribution, '/posts/*');
    const warning = Match.stringLikeRegexp('give them a ttl of 0');
    expect(Annotations.fromStack(stack).findWarning('*', warning)).toHaveLength(1);
  });

  it('has to be named', () => {
    const { stack } = existing();
    expect(() => Template.fromStack(stack)).toThrow('call addTo(distribution)');
  });

  it('is not one that EdgeIsr has made', () => {
    const { stack, isr } = build();
    const theirs = new Distribution(stack, 'Theirs', { defaultBehavior: isr.behavior() });
    expect(() => isr.addTo(theirs)).toThrow('another distribution than EdgeIsr has');
    isr.addTo(isr.distribution, '/more/*');
  });

  it('says itself what belongs to it', () => {
    const props = { ownDistribution: false, domainNames: ['www.example.org'] };
    expect(() => build(props)).toThrow('EdgeIsr: domainNames belongs to the distribution');
  });
});
