/** Several sites on one table, and one site in several stages. */
import { App, Fn, Stack, Stage } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { HttpOrigin } from 'aws-cdk-lib/aws-cloudfront-origins';
import { AttributeType, type ITable, Table, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { Key } from 'aws-cdk-lib/aws-kms';
import { AwsSolutionsChecks } from 'cdk-nag';
import { describe, expect, it } from 'vitest';
import { EdgeIsr, type EdgeIsrProps } from '../../lib';
import { only } from './stacks';

const ENV = { region: 'eu-west-1', account: '123456789012' };
const KEYS = {
  partitionKey: { name: 'pk', type: AttributeType.STRING },
  sortKey: { name: 'sk', type: AttributeType.STRING },
};

function site(scope: Stack, id: string, props: Partial<EdgeIsrProps> = {}): EdgeIsr {
  return new EdgeIsr(scope, id, { origin: new HttpOrigin(`${id}.example.org`), ...props });
}

function edgesOf(stack: Stack): Stack[] {
  const around = Stage.of(stack) ?? stack.node.root;
  return around.node.children.filter((it) => it.node.id.endsWith('-edge')) as Stack[];
}

/** What a site's functions are told of their table, and what its roles may do with it. */
function told(template: Template, id: string) {
  const functions = Object.entries(template.findResources('AWS::Lambda::Function'));
  const environments = functions
    .filter(([name]) => name.startsWith(id))
    .map(([, { Properties }]) => Properties.Environment.Variables);
  return environments.map(({ ISR_TABLE, ISR_SITE }) => ({ ISR_TABLE, ISR_SITE }));
}

const rightsIn = (
  template: Template,
): { Action: string[]; Resource: unknown; Condition?: unknown }[] =>
  Object.values(template.findResources('AWS::IAM::Policy'))
    .flatMap(({ Properties }) => Properties.PolicyDocument.Statement)
    .filter(({ Action }) => [Action].flat()[0].startsWith('dynamodb:'));

const leading = (right: { Condition?: unknown }) =>
  (right.Condition as Record<string, Record<string, string | string[]>> | undefined)?.[
    'ForAllValues:StringLike'
  ]?.['dynamodb:LeadingKeys'];

describe('two sites of a stack on one table', () => {
  const stack = new Stack(new App(), 'Sites', { env: ENV });
  const shop = site(stack, 'Shop');
  site(stack, 'Blog', { table: shop.table });
  const template = Template.fromStack(stack);
  const [tableId] = Object.keys(template.findResources('AWS::DynamoDB::Table'));
  const tableName = only(template, 'AWS::DynamoDB::Table').TableName;

  it('have the one table, and everything else apart', () => {
    template.resourceCountIs('AWS::DynamoDB::Table', 1);
    template.resourceCountIs('AWS::CloudFront::Distribution', 2);
    template.resourceCountIs('AWS::ApiGateway::RestApi', 2);
    template.resourceCountIs('AWS::SQS::Queue', 8);
  });

  it('are told by their recorders whose keys are meant: the name is the second site’s alone', () => {
    const configs = Object.values(template.findResources('AWS::CloudFront::Distribution'))
      .flatMap(({ Properties }) => Properties.DistributionConfig.Origins)
      .map(({ OriginCustomHeaders: [header] }) => stack.resolve(header.HeaderValue));
    expect(JSON.parse(configs[0])).toEqual({ table: tableName, region: 'eu-west-1' });
    expect(configs[1]).toEqual({
      'Fn::Join': [
        '',
        [
          '{"table":"',
          { Ref: tableId },
          expect.stringMatching(/^","region":"eu-west-1","site":"Sites-Blog-[0-9A-F]{8}"\}$/),
        ],
      ],
    });
  });

  it('are told by their workers', () => {
    const table = { Ref: tableId };
    expect(told(template, 'Shop')).toEqual([
      { ISR_TABLE: table },
      { ISR_TABLE: table },
      { ISR_TABLE: table },
    ]);
    const name = expect.stringMatching(/^Sites-Blog-[0-9A-F]{8}$/);
    expect(told(template, 'Blog')).toEqual(
      [1, 2, 3].map(() => ({ ISR_TABLE: table, ISR_SITE: name })),
    );
  });

  it('cannot touch the other’s keys: IAM holds the second to its own, at the edge too', () => {
    const edges = edgesOf(stack).map((edge) => Template.fromStack(edge));
    const rights = [template, ...edges].flatMap(rightsIn);
    const [ofShop, ofBlog] = [false, true].map((isBlog) =>
      rights.filter((right) => JSON.stringify(leading(right) ?? '').includes('site#') === isBlog),
    );
    expect(ofShop?.map(leading)).toEqual([
      undefined,
      undefined,
      ['job#*', 'jobs#*'],
      ['job#*'],
      undefined,
    ]);
    const own = (...keys: string[]) =>
      keys.map((key) =>
        expect.stringMatching(new RegExp(`^site#Sites-Blog-[0-9A-F]{8}#${key}\\*$`)),
      );
    const all = own('');
    expect(ofBlog?.map(leading)).toEqual([all, all, own('job#', 'jobs#'), own('job#'), all]);
    const atEdge = rightsIn(edges[1] as Template)[0];
    expect(JSON.stringify(atEdge?.Resource)).toContain(`eu-west-1:123456789012:table/${tableName}`);
  });

  it('have nothing that cdk-nag finds', () => {
    expect(
      new AwsSolutionsChecks(stack.node.root).validateScope(stack.node.root).violations,
    ).toEqual([]);
  });
});

describe('a table of another stack', () => {
  it('of this app is named by reference where it can be, and by its name in us-east-1', () => {
    const app = new App();
    const data = new Stack(app, 'Data', { env: ENV });
    const table = new Table(data, 'Graph', {
      tableName: 'graph',
      ...KEYS,
      timeToLiveAttribute: 'expires',
    });
    const stack = new Stack(app, 'Web', { env: ENV });
    site(stack, 'Shop', { table });
    app.synth();
    expect(JSON.stringify(told(Template.fromStack(stack), 'Shop')[0]?.ISR_TABLE)).toMatch(
      /^\{"Fn::ImportValue":"Data:/,
    );
    const [edge] = edgesOf(stack);
    const [right] = rightsIn(Template.fromStack(edge as Stack));
    expect(JSON.stringify(right?.Resource)).toContain(
      ':dynamodb:eu-west-1:123456789012:table/graph',
    );
  });

  it.each<[string, (scope: Stack) => ITable]>([
    [
      'fromTableArn',
      (scope) =>
        Table.fromTableArn(scope, 'T', 'arn:aws:dynamodb:eu-west-1:123456789012:table/graph'),
    ],
    ['fromTableName', (scope) => Table.fromTableName(scope, 'T', 'graph')],
  ])('of another app is named by %s', (_, tableIn) => {
    const stack = new Stack(new App(), 'Web', { env: ENV });
    const isr = site(stack, 'Shop', { table: tableIn(stack) });
    expect(told(Template.fromStack(stack), 'Shop')[0]?.ISR_TABLE).toBe('graph');
    expect(isr.table.tableName).toBe('graph');
    const [edge] = edgesOf(stack);
    const [right] = rightsIn(Template.fromStack(edge as Stack));
    expect(JSON.stringify(right?.Resource)).toContain(
      ':dynamodb:eu-west-1:123456789012:table/graph',
    );
  });

  it.each<[string, string, (scope: Stack) => ITable]>([
    [
      'in another region',
      'is in eu-central-1: it takes one of the stack’s own region, eu-west-1',
      (scope) =>
        Table.fromTableArn(scope, 'T', 'arn:aws:dynamodb:eu-central-1:123456789012:table/graph'),
    ],
    [
      'of another account',
      'is in account 210987654321: it takes one of the stack’s own, 123456789012',
      (scope) =>
        Table.fromTableArn(scope, 'T', 'arn:aws:dynamodb:eu-west-1:210987654321:table/graph'),
    ],
    [
      'without a name of its own',
      'has no fixed name: the recorder, in us-east-1, has to know it before it is there, set its tableName',
      (scope) => new Table(scope, 'T', KEYS),
    ],
    [
      'whose name is known at deployment only',
      'has no fixed name: the recorder, in us-east-1, has to know it before it is there, set its tableName',
      (scope) => Table.fromTableName(scope, 'T', Fn.importValue('graph')),
    ],
    [
      'with other keys',
      'has the keys id: it takes pk and sk',
      (scope) =>
        new TableV2(scope, 'T', {
          tableName: 't',
          partitionKey: { name: 'id', type: AttributeType.STRING },
        }),
    ],
    [
      'with a key of its own',
      'has a KMS key of its own, which every cache miss would have to ask: use AWS’s',
      (scope) =>
        new Table(scope, 'T', { tableName: 't', ...KEYS, encryptionKey: new Key(scope, 'K') }),
    ],
  ])('%s is refused in one sentence', (_, problem, tableIn) => {
    const stack = new Stack(new App(), 'Web', { env: ENV });
    expect(() => site(stack, 'Shop', { table: tableIn(stack) })).toThrow(
      `EdgeIsr: table ${problem}`,
    );
  });

  it('needs no name in us-east-1, where the recorder is in the same stack', () => {
    const stack = new Stack(new App(), 'Web', { env: { region: 'us-east-1' } });
    site(stack, 'Shop', { table: new Table(stack, 'T', KEYS) });
    Template.fromStack(stack).resourceCountIs('AWS::DynamoDB::Table', 1);
  });
});

describe('one site in several stages of an account', () => {
  function stages(names: readonly string[]): Map<string, string[]> {
    const app = new App();
    for (const name of names) {
      const stage = new Stage(app, name, { env: ENV });
      site(new Stack(stage, 'Site'), 'Isr', {
        staticPaths: ['/static/*'],
        dashboard: true,
        variants: { locales: ['de'] },
      });
    }
    app.synth();
    return new Map(
      names.map((name) => {
        const stacks = (app.node.findChild(name) as Stage).node.children as Stack[];
        return [
          name,
          stacks.flatMap((stack) => [stack.stackName, ...namesIn(Template.fromStack(stack))]),
        ];
      }),
    );
  }

  /** Whatever has to be unique in a region, an account, or everywhere. */
  function namesIn(template: Template): string[] {
    return Object.entries<{ Type: string; Properties?: Record<string, unknown> }>(
      template.toJSON().Resources,
    ).flatMap(([, { Type, Properties = {} }]) => {
      const config = Object.values(Properties).find(
        (it) => typeof it === 'object' && it !== null && 'Name' in it,
      ) as { Name?: string } | undefined;
      const named = [
        'TableName',
        'QueueName',
        'FunctionName',
        'RoleName',
        'LogGroupName',
        'DashboardName',
        'Name',
      ];
      const found = [...named.map((name) => Properties[name]), config?.Name];
      return found.filter((it) => typeof it === 'string').map((it) => `${Type} ${it}`);
    });
  }

  it('has no name twice', () => {
    const all = [...stages(['Dev', 'Staging', 'Prod']).values()].flat();
    expect(all.length).toBeGreaterThan(20);
    const api = (name: string) => !name.startsWith('AWS::ApiGateway::');
    const unique = all.filter(api);
    expect(unique.filter((name, at) => unique.indexOf(name) !== at)).toEqual([]);
  });

  it('has the same names in every synthesis, whatever other stages there are', () => {
    expect(stages(['Dev', 'Prod']).get('Prod')).toEqual(
      stages(['Prod', 'Staging', 'Dev']).get('Prod'),
    );
  });

  it('has names that fit, however long those of its stages and stacks are', () => {
    const app = new App();
    const stage = new Stage(app, `Stage${'x'.repeat(60)}`, { env: ENV });
    const stack = new Stack(stage, `Site${'y'.repeat(50)}`);
    site(stack, `Isr${'z'.repeat(100)}`, { staticPaths: ['/static/*'] });
    app.synth();
    const [edge] = edgesOf(stack);
    expect(edge?.stackName.length).toBeLessThanOrEqual(128);
    const template = Template.fromStack(stack);
    for (const { Properties } of Object.values(
      template.findResources('AWS::CloudFront::Function'),
    )) {
      expect(Properties.Name).toMatch(/^[\w-]{1,64}$/);
    }
    for (const { Properties } of Object.values(
      template.findResources('AWS::CloudFront::CachePolicy'),
    )) {
      expect(Properties.CachePolicyConfig.Name.length).toBeLessThanOrEqual(128);
    }
  });
});
