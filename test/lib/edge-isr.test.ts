import { Duration, type Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import type * as cloudfront from 'aws-cdk-lib/aws-cloudfront';
import { HttpOrigin, OriginGroup } from 'aws-cdk-lib/aws-cloudfront-origins';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { describe, expect, it } from 'vitest';
import { REVALIDATION_SCHEMA, REVALIDATION_TEMPLATE } from '../../core/api';
import { parseRecorderConfig, RECORDER_DEFAULTS, STACK_TAG } from '../../core/config';
import { EdgeIsr, PurgeBy, WhenExceeded } from '../../lib';
import { fillTemplate } from '../../local/mapping-template';
import { build, only, templateOf } from './stacks';

const template = templateOf();
const config = only(template, 'AWS::CloudFront::Distribution').DistributionConfig;

describe('what CloudFront keeps', () => {
  it('carries its tags in the header that the recorder sets', () => {
    expect(config.CacheTagConfig).toEqual({ HeaderName: 'x-isr-tags' });
  });

  it('is ruled by one recorder, at origin-response, without the body', () => {
    const [version] = Object.keys(template.findResources('AWS::Lambda::Version'));
    expect(config.DefaultCacheBehavior.LambdaFunctionAssociations).toEqual([
      { EventType: 'origin-response', LambdaFunctionARN: { Ref: version } },
    ]);
  });

  it('is keyed by path and the whole query, by no cookie, and by no header that was not asked for', () => {
    const policy = only(template, 'AWS::CloudFront::CachePolicy').CachePolicyConfig;
    expect(policy).toMatchObject({ MinTTL: 0, DefaultTTL: 0, MaxTTL: 31_536_000 });
    expect(policy.ParametersInCacheKeyAndForwardedToOrigin).toEqual({
      QueryStringsConfig: { QueryStringBehavior: 'all' },
      CookiesConfig: { CookieBehavior: 'none' },
      HeadersConfig: { HeaderBehavior: 'none' },
      EnableAcceptEncodingGzip: true,
      EnableAcceptEncodingBrotli: true,
    });
  });

  it('is never an error for longer than the recorder says', () => {
    const byStatus = Object.fromEntries(
      config.CustomErrorResponses.map((each: { ErrorCode: number }) => [each.ErrorCode, each]),
    );
    for (const status of [404, 414, 500, 501, 502, 503, 504]) {
      expect(byStatus[status]).toEqual({ ErrorCode: status, ErrorCachingMinTTL: 0 });
    }
  });

  it('comes through the shield beside the table', () => {
    expect(config.Origins[0].OriginShield).toEqual({
      Enabled: true,
      OriginShieldRegion: 'us-east-1',
    });
  });
});

describe('what viewers get', () => {
  it('is HTTPS, compressed, and every method', () => {
    expect(config).toMatchObject({ HttpVersion: 'http2and3', IPV6Enabled: true });
    expect(config.DefaultCacheBehavior).toMatchObject({
      ViewerProtocolPolicy: 'redirect-to-https',
      Compress: true,
      AllowedMethods: ['GET', 'HEAD', 'OPTIONS', 'PUT', 'PATCH', 'POST', 'DELETE'],
    });
    expect(config.DefaultCacheBehavior.CachedMethods).toBeUndefined(); // CloudFront's default: GET and HEAD
  });

  it('has a Cache-Control for browsers, and none of our own headers', () => {
    const policy = only(
      template,
      'AWS::CloudFront::ResponseHeadersPolicy',
    ).ResponseHeadersPolicyConfig;
    expect(policy.CustomHeadersConfig.Items).toEqual([
      { Header: 'Cache-Control', Override: true, Value: 'public, max-age=0, must-revalidate' },
    ]);
    expect(policy.RemoveHeadersConfig.Items.map((each: { Header: string }) => each.Header)).toEqual(
      ['x-isr-tags', 'x-isr-ruling', 'x-isr-elapsed'],
    );
  });

  it('reaches the origin as a form does: with its Content-Type, without cookies', () => {
    const policy = only(template, 'AWS::CloudFront::OriginRequestPolicy').OriginRequestPolicyConfig;
    expect(policy.HeadersConfig).toEqual({
      HeaderBehavior: 'whitelist',
      Headers: ['Content-Type'],
    });
    expect(policy.CookiesConfig).toEqual({ CookieBehavior: 'none' });
  });
});

describe('the recorder', () => {
  const functions = template.findResources('AWS::Lambda::Function', {
    Properties: { Description: 'lambda/recorder.ts' },
  });

  it('is what Lambda@Edge takes: x86, no environment, no layers', () => {
    const [recorder] = Object.values(functions);
    expect(recorder?.Properties).toMatchObject({
      Architectures: ['x86_64'],
      Runtime: 'nodejs24.x',
      Handler: 'index.handler',
      Timeout: 5,
    });
    expect(recorder?.Properties.Environment).toBeUndefined();
    expect(recorder?.Properties.Layers).toBeUndefined();
  });

  it('stays when the stack goes, for its replicas cannot be deleted for hours', () => {
    expect(Object.values(functions)[0]?.DeletionPolicy).toBe('Retain');
    const [version] = Object.values(template.findResources('AWS::Lambda::Version'));
    expect(version?.DeletionPolicy).toBe('Retain');
  });

  it('says whose it is, so that isr cleanup knows it later', () => {
    const Tags = [{ Key: STACK_TAG, Value: { Ref: 'AWS::StackId' } }];
    expect(Object.values(functions)[0]?.Properties.Tags).toEqual(Tags);
  });

  it('gets its table, its region and nothing that is a default, in the origin’s header', () => {
    const { TableName } = only(template, 'AWS::DynamoDB::Table');
    const [header] = config.Origins[0].OriginCustomHeaders;
    expect(header.HeaderName).toBe('x-isr-config');
    expect(JSON.parse(header.HeaderValue)).toEqual({ table: TableName, region: 'us-east-1' });
  });
});

describe('what a prop changes', () => {
  const configOf = (props: Parameters<typeof templateOf>[0], env = { region: 'eu-west-1' }) => {
    const template = templateOf(props, env);
    const { Origins } = only(template, 'AWS::CloudFront::Distribution').DistributionConfig;
    const headers = (origin: {
      OriginCustomHeaders: { HeaderName: string; HeaderValue: string }[];
    }) =>
      origin.OriginCustomHeaders.find(({ HeaderName }) => HeaderName === 'x-isr-config')
        ?.HeaderValue;
    return { template, origins: Origins, configs: Origins.map(headers).map(parseRecorderConfig) };
  };

  it('maxTtl, keyHeaders: the policy and the recorder agree', () => {
    const { template, configs } = configOf({
      maxTtl: Duration.hours(1),
      keyHeaders: ['Accept-Language', 'RSC'],
    });
    const policy = only(template, 'AWS::CloudFront::CachePolicy').CachePolicyConfig;
    expect(policy.MaxTTL).toBe(3_600);
    expect(policy.ParametersInCacheKeyAndForwardedToOrigin.HeadersConfig).toEqual({
      HeaderBehavior: 'whitelist',
      Headers: ['Accept-Language', 'RSC'],
    });
    expect(configs[0]).toMatchObject({
      maxTtlSeconds: 3_600,
      keyHeaders: ['accept-language', 'rsc'],
    });
  });

  it('unrecordedTtl, renderBudget: the recorder’s configuration', () => {
    const { configs } = configOf({
      unrecordedTtl: Duration.seconds(30),
      renderBudget: Duration.millis(2_500),
    });
    expect(configs[0]).toMatchObject({ unrecordedSeconds: 30, renderBudgetMs: 2_500 });
  });

  it('originShield false: no shield, and a longer deadline for the distance', () => {
    const { origins, configs } = configOf({ originShield: false });
    expect(origins[0].OriginShield).toBeUndefined();
    expect(configs[0].deadlineMs).toBe(2_500);
  });

  it('an origin with a shield of its own keeps it, and the recorder knows how far it is', () => {
    const far = configOf({
      origin: new HttpOrigin('example.org', { originShieldRegion: 'ap-southeast-2' }),
    });
    expect(far.origins[0].OriginShield.OriginShieldRegion).toBe('ap-southeast-2');
    expect(far.configs[0].deadlineMs).toBe(2_500);
    const none = configOf({
      origin: new HttpOrigin('example.org', { originShieldEnabled: false }),
    });
    expect(none.origins[0].OriginShield).toEqual({ Enabled: false });
    expect(none.configs[0].deadlineMs).toBe(2_500);
  });

  it.each([
    ['us-west-1', 'us-west-2'],
    ['eu-west-3', 'eu-west-2'],
    ['ap-northeast-1', 'ap-northeast-1'],
  ])('a table in %s has its shield in %s', (region, shield) => {
    const { origins, configs } = configOf({}, { region });
    expect(origins[0].OriginShield.OriginShieldRegion).toBe(shield);
    expect(configs[0]).toMatchObject({ region, deadlineMs: RECORDER_DEFAULTS.deadlineMs });
  });

  it('an origin keeps its own custom headers', () => {
    const { origins } = configOf({
      origin: new HttpOrigin('example.org', { customHeaders: { 'x-secret': 's' } }),
    });
    expect(origins[0].OriginCustomHeaders).toHaveLength(2);
    expect(origins[0].OriginCustomHeaders[0]).toEqual({ HeaderName: 'x-secret', HeaderValue: 's' });
  });

  it('an origin group: both origins are recorded', () => {
    const { origins, configs } = configOf({
      origin: new OriginGroup({
        primaryOrigin: new HttpOrigin('a.example.org'),
        fallbackOrigin: new HttpOrigin('b.example.org'),
      }),
    });
    expect(origins).toHaveLength(2);
    expect(configs[1]).toEqual(configs[0]);
    expect(origins[1].OriginShield).toEqual(origins[0].OriginShield);
  });

  it('purge and budget: the recorder and the invalidator know of them', () => {
    const budget = { items: 5_000, whenExceeded: WhenExceeded.REFUSE };
    const template = templateOf({ purge: PurgeBy.PATHS, budget });
    template.hasResourceProperties('AWS::Lambda::Function', {
      Environment: {
        Variables: Match.objectLike({
          ISR_PURGE: 'paths',
          ISR_BUDGET_ITEMS: '5000',
          ISR_BUDGET_WHEN_EXCEEDED: 'refuse',
        }),
      },
    });
    expect(JSON.stringify(template.toJSON())).toContain(String.raw`\"purge\":\"paths\"`);
  });

  it('batchWindow: the queue waits for it, and the messages stay hidden long enough', () => {
    const template = templateOf({ batchWindow: Duration.seconds(20) });
    template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      BatchSize: 1_000,
      MaximumBatchingWindowInSeconds: 20,
    });
    template.hasResourceProperties('AWS::SQS::Queue', {
      MaximumMessageSize: 262_144,
      VisibilityTimeout: 6 * 300 + 20,
    });
  });

  it('settle: the invalidator’s environment', () => {
    const template = templateOf({ settle: Duration.seconds(3) });
    template.hasResourceProperties('AWS::Lambda::Function', {
      Description: 'lambda/invalidator.ts',
      Environment: { Variables: { ISR_SETTLE_MS: '3000' } },
    });
  });

  it('grace: the invalidator’s environment', () => {
    const template = templateOf({ grace: Duration.millis(1_500) });
    template.hasResourceProperties('AWS::Lambda::Function', {
      Description: 'lambda/invalidator.ts',
      Environment: { Variables: { ISR_GRACE_MS: '1500' } },
    });
  });

  it('browserCacheControl: what browsers are told', () => {
    const template = templateOf({ browserCacheControl: 'no-store' });
    template.hasResourceProperties('AWS::CloudFront::ResponseHeadersPolicy', {
      ResponseHeadersPolicyConfig: {
        CustomHeadersConfig: { Items: [{ Header: 'Cache-Control', Value: 'no-store' }] },
      },
    });
  });

  it('apiLogRole false: the account’s own setting stays', () => {
    templateOf({ apiLogRole: false }).resourceCountIs('AWS::ApiGateway::Account', 0);
    template.resourceCountIs('AWS::ApiGateway::Account', 1);
  });
});

describe('the table', () => {
  it('is on demand, expires items, can be restored, and outlives the stack', () => {
    const [table] = Object.values(template.findResources('AWS::DynamoDB::Table'));
    expect(table).toMatchObject({ DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' });
    expect(table?.Properties).toMatchObject({
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
      TimeToLiveSpecification: { AttributeName: 'expires', Enabled: true },
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
    });
  });
});

describe('the queues and their workers', () => {
  it('are two, each with a dead-letter queue that keeps longer than it', () => {
    template.resourceCountIs('AWS::SQS::Queue', 4);
    const queues = Object.entries(template.findResources('AWS::SQS::Queue'));
    const sources = queues.filter(([, { Properties }]) => Properties.RedrivePolicy);
    expect(sources).toHaveLength(2);
    for (const [, { Properties }] of sources) {
      const { deadLetterTargetArn, maxReceiveCount } = Properties.RedrivePolicy;
      const [, dead] = queues.find(([id]) => id === deadLetterTargetArn['Fn::GetAtt'][0]) ?? [];
      expect(maxReceiveCount).toBe(8);
      expect(dead?.Properties.MessageRetentionPeriod).toBe(14 * 86_400);
      expect(Properties.MessageRetentionPeriod).toBeLessThan(14 * 86_400);
    }
  });

  it('are encrypted, and refuse what comes without TLS', () => {
    for (const { Properties } of Object.values(template.findResources('AWS::SQS::Queue'))) {
      expect(Properties.SqsManagedSseEnabled).toBe(true);
    }
    template.resourcePropertiesCountIs(
      'AWS::SQS::QueuePolicy',
      {
        PolicyDocument: {
          Statement: [{ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }],
        },
      },
      4,
    );
  });

  it('report each message by itself, and hide it for six times the function’s time', () => {
    const mappings = Object.values(template.findResources('AWS::Lambda::EventSourceMapping'));
    const functions = template.findResources('AWS::Lambda::Function');
    const queues = template.findResources('AWS::SQS::Queue');
    expect(mappings).toHaveLength(2);
    for (const { Properties } of mappings) {
      expect(Properties.FunctionResponseTypes).toEqual(['ReportBatchItemFailures']);
      const timeout = functions[Properties.FunctionName.Ref]?.Properties.Timeout;
      const queue = queues[Properties.EventSourceArn['Fn::GetAtt'][0]]?.Properties;
      const window = Properties.MaximumBatchingWindowInSeconds ?? 0;
      expect(queue.VisibilityTimeout).toBeGreaterThanOrEqual(6 * timeout + window);
    }
  });

  it('are told what they need, by the names of core/config.ts', () => {
    const environmentOf = (description: string) =>
      Object.values(
        template.findResources('AWS::Lambda::Function', {
          Properties: { Description: description },
        }),
      )[0]?.Properties.Environment.Variables;
    expect(Object.keys(environmentOf('lambda/invalidator.ts'))).toEqual([
      'ISR_TABLE',
      'ISR_QUEUE_URL',
      'ISR_WARM_QUEUE_URL',
      'ISR_DISTRIBUTION_ID',
    ]);
    expect(Object.keys(environmentOf('lambda/warmer.ts'))).toEqual([
      'ISR_TABLE',
      'ISR_QUEUE_URL',
      'ISR_DISTRIBUTION_ID',
      'ISR_EDGE_URL',
    ]);
    expect(Object.keys(environmentOf('lambda/jobs.ts'))).toEqual([
      'ISR_TABLE',
      'ISR_DISTRIBUTION_ID',
    ]);
  });

  it('are told how to warm, where somebody has said how', () => {
    const warm = { maxUrls: 0, perSecond: 5, concurrency: 2 };
    const told = JSON.stringify(templateOf({ warm }).findResources('AWS::Lambda::Function'));
    expect(told).toContain('"ISR_WARM_URLS_MAX":"0"');
    expect(told).toContain('"ISR_WARM_PER_SECOND":"5","ISR_WARM_CONCURRENCY":"2"');
  });

  it('keep their logs for a month', () => {
    template.resourcePropertiesCountIs('AWS::Logs::LogGroup', { RetentionInDays: 30 }, 4);
    template.resourceCountIs('AWS::Logs::LogGroup', 4);
  });
});

describe('POST /revalidate', () => {
  const [post] = Object.values(
    template.findResources('AWS::ApiGateway::Method', { Properties: { HttpMethod: 'POST' } }),
  );
  const { Integration, ...method } = post?.Properties ?? {};

  it('is signed with IAM and validated, whatever Content-Type it comes with', () => {
    const [model] = Object.keys(template.findResources('AWS::ApiGateway::Model'));
    expect(method.AuthorizationType).toBe('AWS_IAM');
    expect(method.RequestModels).toEqual({
      'application/json': { Ref: model },
      $default: { Ref: model },
    });
    expect(only(template, 'AWS::ApiGateway::Model').Schema).toEqual(REVALIDATION_SCHEMA);
    expect(only(template, 'AWS::ApiGateway::RequestValidator').ValidateRequestBody).toBe(true);
    expect(Integration.PassthroughBehavior).toBe('NEVER');
    expect(Object.keys(Integration.RequestTemplates)).toEqual(['application/json']);
  });

  it('goes straight into the queue, by the template that the local API uses too', () => {
    expect(Integration).toMatchObject({
      Type: 'AWS',
      IntegrationHttpMethod: 'POST',
      RequestTemplates: { 'application/json': REVALIDATION_TEMPLATE },
      RequestParameters: {
        'integration.request.header.Content-Type': "'application/x-www-form-urlencoded'",
      },
    });
    expect(JSON.stringify(Integration.Uri)).toContain('sqs:path/');
  });

  /** What the caller gets for SQS's answer, by the rules of API Gateway: a pattern matches the whole status. */
  function answer(status: number, body: unknown, headers: Record<string, string> = {}) {
    const responses: { SelectionPattern?: string; StatusCode: string; ResponseTemplates: never }[] =
      Integration.IntegrationResponses;
    const chosen =
      responses.find(
        ({ SelectionPattern }) =>
          SelectionPattern && new RegExp(`^(?:${SelectionPattern})$`).test(String(status)),
      ) ?? responses.find(({ SelectionPattern }) => SelectionPattern === undefined);
    const override: { status?: number } = {};
    const text = fillTemplate(chosen?.ResponseTemplates['application/json'] ?? '', {
      body: JSON.stringify(body),
      headers,
      context: { requestId: 'r-1', responseOverride: override },
    });
    return { status: override.status ?? Number(chosen?.StatusCode), ...JSON.parse(text) };
  }

  it('answers 202 with the job’s id, once the queue has it', () => {
    expect(answer(200, { SendMessageResponse: {} })).toEqual({ status: 202, job: 'r-1' });
    const headers = { 'idempotency-KEY': 'order-4711-changed' };
    expect(answer(200, {}, headers)).toEqual({ status: 202, job: 'order-4711-changed' });
  });

  it('answers 400 for a bad idempotency key, with which it leaves the message out', () => {
    const headers = { 'Idempotency-Key': `it's "42"\\` };
    const context = { requestId: 'r-1', requestTimeEpoch: 1 };
    const form = fillTemplate(REVALIDATION_TEMPLATE, { body: '{}', headers, context });
    expect(form).toBe('Action=SendMessage');
    expect(answer(400, { Error: { Code: 'MissingParameter' } }, headers)).toEqual({
      status: 400,
      error: {
        code: 'key-invalid',
        message: `Idempotency-Key is "it's "42"\\": it takes 16 to 64 characters of A-Z, a-z, 0-9, _ and -`,
        field: 'Idempotency-Key',
      },
    });
  });

  it('answers 400 for a body that the queue finds too long', () => {
    const refused = answer(400, { Error: { Code: 'InvalidParameterValue' } });
    expect(refused).toMatchObject({
      status: 400,
      error: { code: 'body-too-large', field: 'body' },
    });
  });

  it('answers 502, and never 202, when the queue did not take it for any other reason', () => {
    expect(answer(400, { Error: { Code: 'RequestThrottled' } })).toMatchObject({
      status: 502,
      error: { code: 'api-unavailable' },
    });
    expect(answer(400, { Error: { Code: 'AccessDeniedException' } }).status).toBe(502);
    expect(answer(400, {}).status).toBe(502); // whatever cannot be read is not the caller's fault
    expect(answer(403, { Error: { Code: 'AccessDenied' } }).status).toBe(502);
    expect(answer(500, {}).status).toBe(502);
    expect(answer(302, {}).status).toBe(502);
  });

  it('answers every refusal of the gateway itself in the one shape', () => {
    const answers = Object.values(template.findResources('AWS::ApiGateway::GatewayResponse'));
    expect(answers.length).toBeGreaterThanOrEqual(7);
    for (const { Properties } of answers) {
      const text = Properties.ResponseTemplates['application/json']
        .replaceAll('$context.error.messageString', '"said"') // comes with its quotes
        .replaceAll('$context.error.validationErrorString', String.raw`[missing ([\"tags\"])]`);
      expect(JSON.parse(text)).toEqual({
        error: expect.objectContaining({ code: expect.any(String), message: expect.any(String) }),
      });
    }
    template.hasResourceProperties('AWS::ApiGateway::GatewayResponse', {
      ResponseType: 'REQUEST_TOO_LARGE',
      StatusCode: '400',
    });
  });
});

describe('GET /jobs and GET /jobs/{id}', () => {
  it('are signed with IAM and ask the jobs function', () => {
    const methods = template.findResources('AWS::ApiGateway::Method', {
      Properties: {
        HttpMethod: 'GET',
        AuthorizationType: 'AWS_IAM',
        Integration: { Type: 'AWS_PROXY' },
      },
    });
    const resources = template.findResources('AWS::ApiGateway::Resource');
    const paths = Object.values(methods).map(
      ({ Properties }) => resources[Properties.ResourceId.Ref]?.Properties.PathPart,
    );
    expect(paths.sort()).toEqual(['jobs', '{id}']);
  });
});

describe('in a region other than us-east-1', () => {
  const { app, stack } = build({}, { region: 'eu-west-1' });
  const edge = app.node.children.find((child) => child.node.id.endsWith('-edge')) as Stack;

  it('the recorder has a stack of its own in us-east-1, deployed first', () => {
    expect(edge.region).toBe('us-east-1');
    expect(stack.dependencies).toEqual([edge]);
    Template.fromStack(edge).hasResourceProperties('AWS::Lambda::Function', {
      Description: 'lambda/recorder.ts',
    });
  });

  it('its role may touch the one table, in the table’s region', () => {
    const policy = only(Template.fromStack(edge), 'AWS::IAM::Policy').PolicyDocument;
    const { TableName } = only(Template.fromStack(stack), 'AWS::DynamoDB::Table');
    expect(policy.Statement[0].Action).toEqual(['dynamodb:BatchGetItem', 'dynamodb:UpdateItem']);
    expect(JSON.stringify(policy.Statement[0].Resource)).toContain(`:table/${TableName}`);
    expect(JSON.stringify(policy.Statement[0].Resource)).toContain('dynamodb:eu-west-1:');
  });

  it('two sites live side by side in one stack', () => {
    const { stack } = build({}, { region: 'eu-west-1' });
    new EdgeIsr(stack, 'Other', { origin: new HttpOrigin('other.example.org') });
    const template = Template.fromStack(stack);
    template.resourceCountIs('AWS::CloudFront::Distribution', 2);
    template.resourceCountIs('AWS::ApiGateway::Account', 1); // one setting for the account
    const names = Object.values(template.findResources('AWS::DynamoDB::Table')).map(
      ({ Properties }) => Properties.TableName,
    );
    expect(new Set(names).size).toBe(2);
  });
});

describe('grants', () => {
  it('let a role revalidate, or read jobs', () => {
    const { stack, isr } = build();
    const role = new Role(stack, 'Cms', { assumedBy: new ServicePrincipal('ec2.amazonaws.com') });
    isr.grantRevalidate(role);
    isr.grantReadJobs(role);
    const [policy] = Object.entries(Template.fromStack(stack).findResources('AWS::IAM::Policy'))
      .filter(([id]) => id.startsWith('Cms'))
      .map(([, { Properties }]) => Properties.PolicyDocument.Statement);
    const text = JSON.stringify(policy);
    expect(text).toContain('/POST/revalidate');
    expect(text).toContain('/GET/jobs/*');
    expect(text).toContain('/GET/jobs"');
    expect(text.match(/"Action":"[^"]+"/g)).toEqual(['"Action":"execute-api:Invoke"']);
  });
});

describe('the outputs', () => {
  it('say where everything is', () => {
    const names = Object.keys(template.findOutputs('*')).map((name) =>
      name.replace(/^Isr|[0-9A-F]{8}$/g, ''),
    );
    expect(names).toEqual([
      'DistributionUrl',
      'DistributionId',
      'ApiUrl',
      'TableName',
      'RevalidateQueueUrl',
      'RevalidateDeadLetterQueueUrl',
      'WarmDeadLetterQueueUrl',
    ]);
  });
});

it('an origin that is nothing, or that already carries our header, is refused', () => {
  const nothing: cloudfront.IOrigin = { bind: () => ({}) };
  expect(() => build({ origin: nothing })).toThrow(/^origin binds to nothing/);
  const taken = new HttpOrigin('example.org', { customHeaders: { 'X-ISR-Config': '{}' } });
  expect(() => build({ origin: taken })).toThrow(
    'origin already has the custom header X-ISR-Config: EdgeIsr sets it',
  );
});
