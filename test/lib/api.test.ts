import { App, Lazy, Stack, Validations } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { HostedZone } from 'aws-cdk-lib/aws-route53';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { AwsSolutionsChecks } from 'cdk-nag';
import { describe, expect, it } from 'vitest';
import { ApiAuth, type ApiDomain, type ApiThrottle } from '../../lib';
import { build, only, templateOf } from './stacks';

/** Where what belongs to no stack under test lives: secrets, certificates and zones that were there before. */
const elsewhere = new Stack(new App(), 'Elsewhere');
const SECRET = 'arn:aws:secretsmanager:us-east-1:123456789012:secret:isr-token-AbCdEf';
const secret = Secret.fromSecretCompleteArn(elsewhere, 'Token', SECRET);
const certificateIn = (region: string) =>
  Certificate.fromCertificateArn(
    elsewhere,
    `Certificate${elsewhere.node.children.length}`,
    `arn:aws:acm:${region}:123456789012:certificate/0a1b`,
  );
const hostedZone = HostedZone.fromHostedZoneAttributes(elsewhere, 'Zone', {
  hostedZoneId: 'Z1',
  zoneName: 'example.org',
});

const bearer = { api: { auth: ApiAuth.bearer(secret) } };

describe('an API that is told nothing', () => {
  it('is the one that ApiAuth.iam() makes, at 100 requests a second', () => {
    const told = { api: { auth: ApiAuth.iam(), throttle: { ratePerSecond: 100, burst: 200 } } };
    expect(templateOf(told).toJSON()).toEqual(templateOf().toJSON());
    expect(only(templateOf(), 'AWS::ApiGateway::Stage').MethodSettings).toEqual([
      expect.objectContaining({ ThrottlingRateLimit: 100, ThrottlingBurstLimit: 200 }),
    ]);
  });
});

describe('auth: ApiAuth.bearer(secret)', () => {
  const { stack, app } = build(bearer);
  const template = Template.fromStack(stack);

  it('asks the authorizer for every method, and never remembers what it said', () => {
    const [authorizer] = Object.keys(template.findResources('AWS::ApiGateway::Authorizer'));
    const methods = Object.values(template.findResources('AWS::ApiGateway::Method'));
    expect(methods).toHaveLength(3);
    for (const { Properties } of methods) {
      expect(Properties).toMatchObject({
        AuthorizationType: 'CUSTOM',
        AuthorizerId: { Ref: authorizer },
      });
    }
    expect(only(template, 'AWS::ApiGateway::Authorizer')).toMatchObject({
      Type: 'TOKEN',
      IdentitySource: 'method.request.header.Authorization',
      AuthorizerResultTtlInSeconds: 0,
    });
  });

  it('refuses without asking it what is no bearer token', () => {
    const { IdentityValidationExpression } = only(template, 'AWS::ApiGateway::Authorizer');
    const isAsked = (header: string) => new RegExp(IdentityValidationExpression).test(header);
    expect(['Bearer abc', 'bearer  a~!'].map(isAsked)).toEqual([true, true]);
    expect(['', 'Bearer ', 'Basic abc', 'Bearer a b', 'x Bearer a'].map(isAsked)).toEqual([
      false,
      false,
      false,
      false,
      false,
    ]);
  });

  it('lets the authorizer read that secret’s two versions, and no more', () => {
    const [policy] = Object.entries(template.findResources('AWS::IAM::Policy')).filter(([id]) =>
      id.includes('Authorizer'),
    );
    expect(policy?.[1].Properties.PolicyDocument.Statement).toEqual([
      expect.objectContaining({ Action: ['logs:CreateLogStream', 'logs:PutLogEvents'] }),
      {
        Effect: 'Allow',
        Action: 'secretsmanager:GetSecretValue',
        Resource: SECRET,
        Condition: {
          'ForAnyValue:StringEquals': {
            'secretsmanager:VersionStage': ['AWSCURRENT', 'AWSPREVIOUS'],
          },
        },
      },
    ]);
  });

  it('finds a secret that is known by its name only', () => {
    const named = Secret.fromSecretNameV2(elsewhere, 'Named', 'isr-token');
    const text = JSON.stringify(templateOf({ api: { auth: ApiAuth.bearer(named) } }).toJSON());
    expect(text.includes(':secret:isr-token-??????"')).toBe(true);
  });

  it('lets the authorizer use the key of a secret that has one of its own, through Secrets Manager', () => {
    const key = Key.fromKeyArn(elsewhere, 'Key', 'arn:aws:kms:us-east-1:123456789012:key/0a1b');
    const own = Secret.fromSecretAttributes(elsewhere, 'Own', {
      secretCompleteArn: SECRET,
      encryptionKey: key,
    });
    const text = JSON.stringify(templateOf({ api: { auth: ApiAuth.bearer(own) } }).toJSON());
    expect(text.includes('"Action":"kms:Decrypt"')).toBe(true);
    expect(text.includes('"kms:ViaService"')).toBe(true);
  });

  it('has the secret’s name in the template, and nothing of what it holds', () => {
    const text = JSON.stringify(template.toJSON());
    expect(text).toContain(`"ISR_TOKEN_SECRET_ARN":"${SECRET}"`);
    expect(text).not.toContain('{{resolve:');
  });

  it('answers 401 without a token, 403 with another one, and 404 where there is no route', () => {
    const of = (ResponseType: string) => {
      const found = Object.values(
        template.findResources('AWS::ApiGateway::GatewayResponse', {
          Properties: { ResponseType },
        }),
      )[0]?.Properties;
      return { ...found, body: JSON.parse(found.ResponseTemplates['application/json']) };
    };
    expect(of('UNAUTHORIZED')).toMatchObject({
      ResponseParameters: { 'gatewayresponse.header.WWW-Authenticate': "'Bearer'" },
      body: { error: { code: 'unauthenticated', field: 'Authorization' } },
    });
    expect(of('ACCESS_DENIED').body).toMatchObject({ error: { code: 'denied' } });
    expect(of('MISSING_AUTHENTICATION_TOKEN')).toMatchObject({
      StatusCode: '404',
      body: { error: { code: 'route-unknown' } },
    });
  });

  it('changes nothing of what outlives a deployment', () => {
    for (const type of ['AWS::ApiGateway::RestApi', 'AWS::DynamoDB::Table', 'AWS::SQS::Queue']) {
      const ids = (each: Template) => Object.keys(each.findResources(type));
      expect(ids(template)).toEqual(ids(templateOf()));
    }
  });

  it('is clean to cdk-nag', () => {
    const nag = new AwsSolutionsChecks(app);
    expect(nag.validateScope(app).violations).toEqual([]);
    Validations.of(app).addPlugins(nag);
    app.synth();
  });
});

describe('grants with ApiAuth.bearer', () => {
  const { stack, isr } = build(bearer);
  const role = new Role(stack, 'Cms', { assumedBy: new ServicePrincipal('ec2.amazonaws.com') });

  it('grantRevalidate: who gets it may read the token as it is now', () => {
    isr.grantRevalidate(role);
    Template.fromStack(stack).hasResourceProperties('AWS::IAM::Policy', {
      Roles: [{ Ref: Match.stringLikeRegexp('^Cms') }],
      PolicyDocument: {
        Statement: [
          {
            Action: 'secretsmanager:GetSecretValue',
            Resource: SECRET,
            Condition: {
              'ForAnyValue:StringEquals': { 'secretsmanager:VersionStage': ['AWSCURRENT'] },
            },
          },
        ],
      },
    });
  });

  it('grantReadJobs: refused, since the token would be more than that', () => {
    expect(() => isr.grantReadJobs(role)).toThrow(
      'EdgeIsr: grantReadJobs cannot be less than grantRevalidate with ApiAuth.bearer: its one token opens all of the API, use grantRevalidate or ApiAuth.iam()',
    );
  });
});

describe('throttle', () => {
  it.each<[ApiThrottle, number, number]>([
    [{ ratePerSecond: 5 }, 5, 10],
    [{ burst: 7 }, 100, 7],
    [{ ratePerSecond: 10_000 }, 10_000, 5_000],
  ])('%j: the stage’s', (throttle, rate, burst) => {
    expect(only(templateOf({ api: { throttle } }), 'AWS::ApiGateway::Stage')).toMatchObject({
      MethodSettings: [{ ThrottlingRateLimit: rate, ThrottlingBurstLimit: burst }],
    });
  });
});

describe('domain', () => {
  const certificate = certificateIn('us-east-1');
  const domainName = 'isr.example.org';
  const template = templateOf({ api: { domain: { domainName, certificate, hostedZone } } });

  it('is the stage’s root, with its certificate and TLS 1.2', () => {
    expect(only(template, 'AWS::ApiGateway::DomainName')).toMatchObject({
      DomainName: domainName,
      RegionalCertificateArn: certificate.certificateArn,
      EndpointConfiguration: { Types: ['REGIONAL'] },
      SecurityPolicy: 'TLS_1_2',
    });
    const { BasePath, Stage } = only(template, 'AWS::ApiGateway::BasePathMapping');
    expect(BasePath).toBeUndefined();
    expect(Stage).toEqual({ Ref: expect.stringMatching(/DeploymentStage/) });
  });

  it('is what the output ApiUrl says', () => {
    const [output] = Object.values(template.findOutputs('*')).filter(
      ({ Value }) => Value === `https://${domainName}/`,
    );
    expect(output).toBeDefined();
  });

  it('gets its record in the zone, or none without one', () => {
    const records = Object.values(template.findResources('AWS::Route53::RecordSet'));
    expect(records.map(({ Properties }) => [Properties.Name, Properties.Type]).sort()).toEqual([
      ['isr.example.org.', 'A'],
    ]);
    const alone = templateOf({ api: { domain: { domainName, certificate } } });
    alone.resourceCountIs('AWS::Route53::RecordSet', 0);
  });

  it.each<[Partial<ApiDomain>, string]>([
    [
      { domainName: 'https://isr.example.org' },
      'EdgeIsr: api.domain.domainName is "https://isr.example.org": it takes a host name in lower case, as isr.example.org',
    ],
    [
      { domainName: '*.example.org' },
      'EdgeIsr: api.domain.domainName is "*.example.org": it takes a host name in lower case, as isr.example.org',
    ],
    [
      { domainName: 'isr.example.com' },
      'EdgeIsr: api.domain.domainName is "isr.example.com": it does not lie in the hosted zone example.org',
    ],
    [
      { domainName: Lazy.string({ produce: () => domainName }) },
      'EdgeIsr: api.domain.domainName is known at deployment only: give a fixed value',
    ],
    [
      { certificate: certificateIn('eu-west-1') },
      "EdgeIsr: api.domain.certificate is in eu-west-1: the API is regional and takes one of the stack's own region, us-east-1",
    ],
  ])('%#: a bad one gets one sentence', (bad, sentence) => {
    const domain = { domainName, certificate, hostedZone, ...bad };
    expect(() => build({ api: { domain } })).toThrow(
      expect.objectContaining({ code: 'option-invalid', message: sentence }),
    );
  });
});
