import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Validations } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { AwsSolutionsChecks } from 'cdk-nag';
import { describe, expect, it, vi } from 'vitest';
import { build, templateOf } from './stacks';

const ENVIRONMENTS = [
  { region: 'us-east-1' },
  { region: 'eu-west-1' },
  { region: 'eu-west-1', account: '123456789012' },
];

describe('cdk-nag’s AwsSolutions, and the CDK’s own checks of the template', () => {
  it.each(ENVIRONMENTS)('find nothing: %s', (env) => {
    const { app } = build({}, env);
    const nag = new AwsSolutionsChecks(app, { verbose: true });
    expect(nag.validateScope(app).violations).toEqual([]);
    Validations.of(app).addPlugins(nag);
    const { directory } = app.synth();
    const report = JSON.parse(readFileSync(join(directory, 'validation-report.json'), 'utf8'));
    expect(report.pluginReports).toEqual([]);
  });

  it('would find something: each suppression suppresses', () => {
    const acknowledge = vi.spyOn(Validations.prototype, 'acknowledge').mockReturnValue();
    const { app } = build({}, { region: 'eu-west-1' });
    acknowledge.mockRestore();
    const { violations } = new AwsSolutionsChecks(app).validateScope(app);
    expect(violations.map(({ ruleName }) => ruleName.replace(/\[.*/, '')).sort()).toEqual([
      'AwsSolutions-APIG3',
      'AwsSolutions-CFR1',
      'AwsSolutions-CFR2',
      'AwsSolutions-CFR3',
      'AwsSolutions-CFR4',
      'AwsSolutions-COG4',
      'AwsSolutions-IAM4',
      'AwsSolutions-IAM5',
    ]);
  });
});

describe('who may do what', () => {
  const { app, stack } = build({}, { region: 'eu-west-1' });
  const [edge] = app.node.children.filter((child) => child.node.id.endsWith('-edge'));
  const templates = [stack, edge as typeof stack].map((each) => Template.fromStack(each));

  /** Actions and resources of every role of ours; a reviewer reads this list. */
  function rights(): Record<string, string[]> {
    const found: Record<string, string[]> = {};
    for (const template of templates) {
      for (const [id, { Properties }] of Object.entries(
        template.findResources('AWS::IAM::Policy'),
      )) {
        found[id.replace(/(Role)?DefaultPolicy.*/, '')] = Properties.PolicyDocument.Statement.map(
          ({ Effect, Action, Resource, Condition }: Record<string, unknown>) =>
            `${Effect} ${[Action].flat().join(' ')} on ${shown(Resource)}${keysIn(Condition)}`,
        );
      }
    }
    return found;
  }

  /** Of the table, where not all of it is meant. */
  function keysIn(condition: unknown): string {
    const names = 'dynamodb:LeadingKeys';
    const { [names]: keys = [] } =
      (condition as Record<string, Record<string, string[]>> | undefined)?.[
        'ForAllValues:StringLike'
      ] ?? {};
    return [keys].flat().length === 0 ? '' : `, keys ${[keys].flat().join(' ')}`;
  }

  /** `{"Fn::GetAtt":["IsrTable9C2D4AA0","Arn"]}` → `IsrTable` */
  function shown(resource: unknown): string {
    return JSON.stringify(resource)
      .replace(/\{"Fn::GetAtt":\["(\w+?)[0-9A-F]{8}","Arn"\]\}/g, '$1')
      .replace(/\{"Ref":"(?:AWS::)?(\w+?)(?:[0-9A-F]{8})?"\}/g, '$1')
      .replace(/\{"Fn::Join":\["",\[(.*)\]\]\}/, (_, parts: string) => parts.replace(/[",]/g, ''))
      .replaceAll('"', '');
  }

  it('is this, and no more', () => {
    const writesLogs = (word: string) =>
      `Allow logs:CreateLogStream logs:PutLogEvents on Isr${word}Logs`;
    const consumes =
      'Allow sqs:ChangeMessageVisibility sqs:DeleteMessage sqs:GetQueueAttributes sqs:GetQueueUrl sqs:ReceiveMessage on';
    const asksCloudFront =
      'Allow cloudfront:GetInvalidation on arn:aws:cloudfront::AccountId:distribution/IsrDistribution';
    expect(rights()).toEqual({
      Recorder: [
        expect.stringMatching(
          /^Allow dynamodb:BatchGetItem dynamodb:UpdateItem on arn:aws:dynamodb:eu-west-1:AccountId:table\/Site-Isr-\w+$/,
        ),
        expect.stringMatching(
          /^Allow logs:CreateLogGroup logs:CreateLogStream logs:PutLogEvents on arn:aws:logs:\*:AccountId:log-group:\/edge-isr\/Site-Isr-\w+\/recorder:\*$/,
        ),
      ],
      IsrInvalidator: [
        writesLogs('Invalidator'),
        'Allow dynamodb:BatchGetItem dynamodb:GetItem dynamodb:Query dynamodb:UpdateItem on IsrTable',
        'Allow cloudfront:CreateInvalidation on arn:aws:cloudfront::AccountId:distribution/IsrDistribution',
        'Allow sqs:SendMessage on IsrWarmQueue',
        `${consumes} IsrRevalidateQueue`,
      ],
      IsrWarmer: [
        writesLogs('Warmer'),
        'Allow dynamodb:BatchGetItem dynamodb:GetItem dynamodb:UpdateItem on IsrTable',
        asksCloudFront,
        `${consumes} IsrWarmQueue`,
      ],
      IsrJobs: [
        writesLogs('Jobs'),
        'Allow dynamodb:BatchGetItem dynamodb:GetItem dynamodb:Query on IsrTable, keys job#* jobs#*',
        'Allow dynamodb:UpdateItem on IsrTable, keys job#*',
        asksCloudFront,
      ],
      IsrApiQueue: ['Allow sqs:SendMessage on IsrRevalidateQueue'],
    });
  });

  it('rests on AWS’s own policies in two places only', () => {
    const roles = templates.flatMap((template) =>
      Object.entries(template.findResources('AWS::IAM::Role')),
    );
    const managed = roles.filter(([, { Properties }]) => Properties.ManagedPolicyArns);
    expect(managed.map(([id]) => id.replace(/[0-9A-F]{8}$/, ''))).toEqual([
      'CustomCrossRegionStringParameterReaderCustomResourceProviderRole', // the CDK's own
      'EdgeIsrApiAccountRole',
    ]);
  });
});

describe('what an upgrade must never change', () => {
  const template = templateOf();
  const idsOf = (type: string) => Object.keys(template.findResources(type));

  it('the names of what holds state: another one would replace it', () => {
    expect(idsOf('AWS::DynamoDB::Table')).toEqual(['IsrTable9C2D4AA0']);
    expect(idsOf('AWS::SQS::Queue')).toEqual([
      'IsrRevalidateDeadLetterQueue6903FB00',
      'IsrRevalidateQueue45BFBC13',
      'IsrWarmDeadLetterQueue0A264101',
      'IsrWarmQueue54A92DC7',
    ]);
    expect(idsOf('AWS::CloudFront::Distribution')).toEqual(['IsrDistribution5D6490C6']);
    expect(idsOf('AWS::ApiGateway::RestApi')).toEqual(['IsrApiRest6514A1D3']);
    template.hasResourceProperties('AWS::DynamoDB::Table', { TableName: 'Site-Isr-9A41F0D4' });
  });

  it('two synths are equal, byte for byte', () => {
    const files = () => {
      const { app } = build({}, { region: 'eu-west-1' });
      const { directory } = app.synth();
      return readdirSync(directory, { recursive: true, encoding: 'utf8' })
        .filter((name) => /\.(template|assets)\.json$|\.js$/.test(name))
        .map((name) => [name, readFileSync(join(directory, name), 'utf8')]);
    };
    const first = files();
    expect(first.length).toBeGreaterThan(4);
    expect(files()).toEqual(first);
  });
});
