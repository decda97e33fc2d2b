/** Whatever a team asks for: the same rights, the same ids of what holds state, no secret, and nothing for cdk-nag. */
import { readdirSync, readFileSync } from 'node:fs';
import { App, Duration, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { Distribution } from 'aws-cdk-lib/aws-cloudfront';
import { HttpOrigin } from 'aws-cdk-lib/aws-cloudfront-origins';
import { HostedZone } from 'aws-cdk-lib/aws-route53';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { AwsSolutionsChecks } from 'cdk-nag';
import { describe, expect, it } from 'vitest';
import { ApiAuth, Device, type EdgeIsrProps, PurgeBy, WhenExceeded } from '../../lib';
import { type Built, build, only } from './stacks';

/** What was there before, in no stack under test. */
const elsewhere = new Stack(new App(), 'Elsewhere');
const certificateIn = (region: string) =>
  Certificate.fromCertificateArn(
    elsewhere,
    `Certificate-${region}`,
    `arn:aws:acm:${region}:123456789012:certificate/0a1b`,
  );
const SECRET = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:isr-token-AbCdEf';
const alarms = {
  topic: Topic.fromTopicArn(elsewhere, 'OnCall', 'arn:aws:sns:eu-west-1:123456789012:on-call'),
};
const auth = ApiAuth.bearer(Secret.fromSecretCompleteArn(elsewhere, 'Token', SECRET));
const domain = {
  domainName: 'isr.example.org',
  certificate: certificateIn('eu-west-1'),
  hostedZone: HostedZone.fromHostedZoneAttributes(elsewhere, 'Zone', {
    hostedZoneId: 'Z1',
    zoneName: 'example.org',
  }),
};
const budget = { items: 5_000, whenExceeded: WhenExceeded.REFUSE };

const OPTIONS: Readonly<Record<string, Partial<EdgeIsrProps>>> = {
  'alarms and dashboard': { alarms, dashboard: true, budget },
  'api.auth bearer': { api: { auth } },
  'api.domain': { api: { domain } },
  'ownDistribution false': { ownDistribution: false },
  'all of them': {
    alarms,
    dashboard: true,
    budget,
    api: { auth, domain, throttle: { ratePerSecond: 10 } },
    domainNames: ['www.example.org'],
    certificate: certificateIn('us-east-1'),
    staticPaths: ['/static/*'],
    bypassPaths: ['/account/*'],
    variants: { locales: ['en', 'de'], devices: [Device.MOBILE, Device.DESKTOP] },
    defaults: { sMaxAge: Duration.minutes(5) },
    purge: PurgeBy.PATHS,
    grace: Duration.seconds(2),
    settle: Duration.seconds(3),
    warm: { maxUrls: 10, perSecond: 5, concurrency: 2 },
  },
};

function synthesised(props: Partial<EdgeIsrProps>): Built {
  const built = build(props, { region: 'eu-west-1' });
  if (props.ownDistribution === false) {
    const origin = new HttpOrigin('theirs.example.org');
    const distribution = new Distribution(built.stack, 'Theirs', { defaultBehavior: { origin } });
    built.isr.addTo(distribution, '/posts/*');
  }
  return built;
}

const STATEFUL = ['AWS::DynamoDB::Table', 'AWS::SQS::Queue', 'AWS::ApiGateway::RestApi'];

/** Their ids, and what CloudFormation would replace them for. */
function stateIn(template: Template) {
  return STATEFUL.flatMap((type) =>
    Object.entries(template.findResources(type)).map(([id, { Properties }]) => {
      const { TableName, KeySchema, AttributeDefinitions, QueueName, FifoQueue } = Properties;
      return [id, { TableName, KeySchema, AttributeDefinitions, QueueName, FifoQueue }];
    }),
  );
}

/** Of each role, what it may do, but for whose distribution. */
function rightsIn(template: Template): Record<string, string> {
  const policies = Object.entries(template.findResources('AWS::IAM::Policy'));
  return Object.fromEntries(
    policies.map(([id, { Properties }]) => {
      const text = JSON.stringify(Properties.PolicyDocument.Statement);
      return [id, text.replace(/\{"Ref":"(IsrDistribution|Theirs)\w+"\}/g, 'theDistribution')];
    }),
  );
}

const plain = Template.fromStack(synthesised({}).stack);

describe.each(Object.entries(OPTIONS))('with %s', (_, props) => {
  const { app, stack } = synthesised(props);
  const template = Template.fromStack(stack);

  it('cdk-nag finds nothing in what is ours', () => {
    const { violations } = new AwsSolutionsChecks(app).validateScope(app);
    const ours = violations.flatMap(({ violatingResources }) => violatingResources);
    const theirs = /Site\/Theirs\//;
    expect(ours.filter(({ constructPath }) => !theirs.test(constructPath ?? ''))).toEqual([]);
  });

  it('what holds state is what it was: an upgrade replaces nothing', () => {
    expect(stateIn(template)).toEqual(stateIn(plain));
  });

  it('every role has the rights that it had, and a new one those that are named', () => {
    const { ...rights } = rightsIn(template);
    const added = Object.keys(rights).filter((id) => !(id in rightsIn(plain)));
    expect(added.map((id) => id.replace(/RoleDefaultPolicy\w+$/, ''))).toEqual(
      props.api?.auth ? ['IsrApiAuthorizer'] : [],
    );
    for (const id of added) delete rights[id];
    expect(rights).toEqual(rightsIn(plain));
  });

  it('holds no secret', () => {
    const text = JSON.stringify(template.toJSON());
    expect(text).not.toMatch(/\{\{resolve:|SecretString|NoEcho|AKIA[A-Z0-9]{16}|-----BEGIN/);
  });

  it('is synthesised to the same bytes again', () => {
    const files = () => {
      const { directory } = synthesised(props).app.synth();
      return readdirSync(directory, { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.template.json'))
        .map((name) => [name, readFileSync(`${directory}/${name}`, 'utf8')]);
    };
    expect(files()).toEqual(files());
  });
});

describe('the API’s access log', () => {
  it('has who asked for what and what they were told, as JSON, kept for a month', () => {
    const { AccessLogSetting } = only(plain, 'AWS::ApiGateway::Stage');
    const groups = Object.entries(plain.findResources('AWS::Logs::LogGroup'));
    const [, group] =
      groups.find(([id]) => JSON.stringify(AccessLogSetting.DestinationArn).includes(`"${id}"`)) ??
      [];
    expect(group?.Properties.RetentionInDays).toBe(30);
    expect(Object.keys(JSON.parse(AccessLogSetting.Format))).toEqual([
      'requestId',
      'time',
      'caller',
      'ip',
      'method',
      'path',
      'status',
      'latencyMs',
      'integrationStatus',
      'error',
    ]);
  });

  it('never has a header or a body, where a token would be', () => {
    const { AccessLogSetting, MethodSettings } = only(plain, 'AWS::ApiGateway::Stage');
    expect(AccessLogSetting.Format).not.toMatch(/input|authorizer|header/i);
    expect(MethodSettings[0]).toMatchObject({ DataTraceEnabled: false, LoggingLevel: 'ERROR' });
  });
});

describe('a body that is refused', () => {
  it('is told which property is wrong, and that it is the body', () => {
    const answers = Object.values(plain.findResources('AWS::ApiGateway::GatewayResponse'));
    const body = answers.find(({ Properties }) => Properties.ResponseType === 'BAD_REQUEST_BODY');
    const text = body?.Properties.ResponseTemplates['application/json'];
    expect(text).toContain('$context.error.validationErrorString');
    expect(text).toContain('"field":"body"');
  });
});

describe('what runs at once is bounded', () => {
  it('by the queues’ mappings, so that no concurrency is reserved out of the account’s', () => {
    const mappings = Object.values(plain.findResources('AWS::Lambda::EventSourceMapping'));
    const bounds = mappings.map(({ Properties }) => Properties.ScalingConfig.MaximumConcurrency);
    expect(bounds.sort()).toEqual([10, 5]);
    expect(JSON.stringify(plain.findResources('AWS::Lambda::Function'))).not.toContain(
      'ReservedConcurrentExecutions',
    );
  });
});
