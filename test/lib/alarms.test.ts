import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App, Duration, Stack } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import { HttpOrigin } from 'aws-cdk-lib/aws-cloudfront-origins';
import { Alarm } from 'aws-cdk-lib/aws-cloudwatch';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { AwsSolutionsChecks } from 'cdk-nag';
import { describe, expect, it } from 'vitest';
import { ALARM_METRICS } from '../../core/costs';
import { METRICS, unitOf } from '../../core/metrics';
import { EdgeIsr, type EdgeIsrProps, JobEnd } from '../../lib';
import { build, root, templateOf } from './stacks';

const runbook = readFileSync(join(root, 'docs/runbook.md'), 'utf8');
const [alarmsText = '', metricsText = ''] = runbook.split('\n# Metrics\n');

type Options = Partial<Omit<NonNullable<EdgeIsrProps['alarms']>, 'topic'>>;

function withAlarms(
  options: Options = {},
  props: Partial<EdgeIsrProps> = {},
  region = 'eu-west-1',
) {
  const stack = new Stack(new App(), 'Site', { env: { region } });
  const topic = new Topic(stack, 'OnCall', { enforceSSL: true });
  const isr = new EdgeIsr(stack, 'Isr', {
    origin: new HttpOrigin('example.org'),
    alarms: { topic, ...options },
    ...props,
  });
  return { stack, isr };
}

interface Watched extends Readonly<Record<string, unknown>> {
  readonly AlarmDescription: string;
}

/** By their ids. */
function alarmsOf(stack: Stack): Readonly<Record<string, Watched>> {
  const found = Object.entries(Template.fromStack(stack).findResources('AWS::CloudWatch::Alarm'));
  return Object.fromEntries(
    found.map(([id, { Properties }]) => [
      /IsrAlarms(\w+)[0-9A-F]{8}$/.exec(id)?.[1] ?? id,
      Properties,
    ]),
  );
}

describe('alarms and the runbook', () => {
  const alarms = alarmsOf(withAlarms({}, { budget: { items: 500 } }).stack);

  it('have the same names', () => {
    const headings = [...alarmsText.matchAll(/^## (.+)$/gm)].map(([, name]) => name);
    expect(Object.keys(alarms).sort()).toEqual(headings.sort());
  });

  it('name each other: each description ends with its place', () => {
    for (const [name, { AlarmDescription }] of Object.entries(alarms)) {
      expect(AlarmDescription).toMatch(/^[A-Z].+\. What to do: docs\/runbook\.md#\w+ in the pack/);
      expect(AlarmDescription).toContain(`#${name.toLowerCase()} `);
    }
  });

  it('say what viewers notice, how to look, and how to mend', () => {
    const sections = alarmsText.split(/^## /m).slice(1);
    for (const section of sections) expect(section).toMatch(/\n\*[\s\S]+\nLook: [\s\S]+\nMend: /);
  });

  it('notify the topic when they begin and when they are over; silence is no alarm', () => {
    for (const { AlarmActions, OKActions, TreatMissingData } of Object.values(alarms)) {
      expect(AlarmActions).toEqual([{ Ref: expect.stringMatching(/^OnCall/) }]);
      expect(OKActions).toEqual(AlarmActions);
      expect(TreatMissingData).toBe('notBreaching');
    }
  });
});

it('isr cost counts the metrics that alarms watch', () => {
  const { stack } = withAlarms();
  const watched = Object.values(Template.fromStack(stack).findResources('AWS::CloudWatch::Alarm'));
  const metrics = watched.flatMap(({ Properties: { Metrics } }): { MetricStat?: object }[] =>
    Metrics ? Metrics.filter((it: { MetricStat?: object }) => it.MetricStat) : [{}],
  );
  expect(metrics).toHaveLength(ALARM_METRICS);
});

describe('an alarm', () => {
  it('is there only when it is asked for, a dashboard too', () => {
    const template = templateOf();
    template.resourceCountIs('AWS::CloudWatch::Alarm', 0);
    template.resourceCountIs('AWS::CloudWatch::Dashboard', 0);
  });

  it('watches what the workers count, by their unit and the site', () => {
    expect(alarmsOf(withAlarms().stack).TimeToFresh).toMatchObject({
      Namespace: 'EdgeIsr',
      MetricName: 'TimeToFresh',
      Dimensions: [{ Name: 'Site', Value: expect.stringMatching(/^Site-Isr-/) }],
      ExtendedStatistic: 'p95',
      Unit: 'Milliseconds',
      Threshold: 120_000,
      EvaluationPeriods: 3,
    });
  });

  it('has the bounds that it is given', () => {
    const options = { timeToFresh: Duration.seconds(10), warmFailures: 0, graphErrors: 3 };
    const { TimeToFresh, WarmFailures, GraphErrors } = alarmsOf(withAlarms(options).stack);
    expect([TimeToFresh?.Threshold, WarmFailures?.Threshold, GraphErrors?.Threshold]).toEqual([
      10_000, 0, 3,
    ]);
  });

  it('on the budget needs a budget', () => {
    expect(alarmsOf(withAlarms().stack)).not.toHaveProperty('BudgetExceeded');
  });
});

describe('what the recorder counts', () => {
  it.each(['us-east-1', 'eu-west-1'])(
    'is alarmed where the shield is in the region: %s',
    (region) => {
      const { stack } = withAlarms({}, {}, region);
      expect(alarmsOf(stack)).toMatchObject({ GraphErrors: { MetricName: 'GraphErrors' } });
      Annotations.fromStack(stack).hasNoWarning('*', Match.stringLikeRegexp('alarms has no'));
      expect(JSON.stringify(alarmsOf(stack).RecorderErrors?.Metrics)).toMatch(/"us-east-1\."/);
    },
  );

  it.each<[string, string, Partial<EdgeIsrProps>]>([
    ['in eu-west-2', 'eu-west-3', {}],
    [
      'in eu-central-1',
      'eu-west-1',
      { origin: new HttpOrigin('a.org', { originShieldRegion: 'eu-central-1' }) },
    ],
    ['in the regions nearest to its viewers', 'eu-west-1', { originShield: false }],
  ])('%s, with the stack in %s, is not: a warning says so', (where, region, props) => {
    const { stack } = withAlarms({}, props, region);
    const alarms = alarmsOf(stack);
    expect(alarms).not.toHaveProperty('GraphErrors');
    expect(alarms).not.toHaveProperty('RecorderErrors');
    Annotations.fromStack(stack).hasWarning(
      '*',
      Match.stringLikeRegexp(`alarms has no GraphErrors and no RecorderErrors: .*${where}`),
    );
  });

  it('can be alarmed by a stack in that region: the metric carries it', () => {
    const { stack, isr } = withAlarms({}, {}, 'eu-west-3');
    const other = new Stack(stack.node.root as App, 'Shield', { env: { region: 'eu-west-2' } });
    const metric = isr.metricGraphErrorsSum();
    new Alarm(other, 'GraphErrors', { metric, threshold: 10, evaluationPeriods: 3 });
    expect(metric.region).toBe('eu-west-2');
    Template.fromStack(other).hasResourceProperties('AWS::CloudWatch::Alarm', {
      Dimensions: [{ Name: 'Site', Value: Match.stringLikeRegexp('^Site-Isr-') }],
    });
  });
});

describe('a metric', () => {
  const { isr } = build({}, { region: 'eu-west-1' });
  const methods = [
    ...Object.values(JobEnd).map((end) => isr.metricJobsSum(end)),
    isr.metricTimeToFreshMsP50(),
    isr.metricTimeToFreshMsP95(),
    isr.metricStaleWarmsSum(),
    isr.metricWarmFailuresSum(),
    isr.metricPurgeItemsSum(),
    isr.metricSpendUsdMax(),
    isr.metricBudgetExceededSum(),
    isr.metricCappedResponsesSum(),
    isr.metricGraphErrorsSum(),
    isr.metricTooManyTagsSum(),
  ];

  it('has a method for each that is counted, with its unit', () => {
    const counted = [...METRICS.edge, ...METRICS.workers];
    const units = new Map(methods.map(({ metricName, unit }) => [metricName, unit as string]));
    expect(units).toEqual(new Map(counted.map((name) => [name, unitOf(name) as string])));
  });

  it('is in the runbook with its unit', () => {
    const rows = [...metricsText.matchAll(/^\| `(\w+)` \| (\w+) \|/gm)];
    const counted = [...METRICS.edge, ...METRICS.workers];
    expect(new Map(rows.map(([, name, unit]) => [name, unit]))).toEqual(
      new Map(counted.map((name) => [name, unitOf(name) as string])),
    );
  });

  it('is in the region where it is counted, and takes another statistic, period or region', () => {
    const { isr: far } = build({}, { region: 'eu-west-3' });
    expect(far.metricPurgeItemsSum().region).toBe('eu-west-3');
    expect(far.metricCappedResponsesSum().region).toBe('eu-west-2');
    const other = { statistic: 'Maximum', period: Duration.hours(1), region: 'us-east-2' };
    expect(far.metricCappedResponsesSum(other)).toMatchObject(other);
  });
});

describe('the dashboard', () => {
  const { stack, isr } = withAlarms({}, { dashboard: true });
  const [board] = Object.values(
    Template.fromStack(stack).findResources('AWS::CloudWatch::Dashboard'),
  );

  it('shows every metric that is counted, and the alarms', () => {
    const text = JSON.stringify(board?.Properties.DashboardBody);
    for (const name of [...METRICS.edge, ...METRICS.workers])
      expect(text).toContain(`\\"${name}\\"`);
    expect(text).toContain('IsrAlarmsRevalidateDeadLetters');
  });

  it('has a name that other regions do not, and can be added to', () => {
    expect(board?.Properties.DashboardName).toMatch(/^Site-Isr-\w+-eu-west-1$/);
    expect(isr.dashboard).toBeDefined();
  });
});

it('cdk-nag finds nothing in alarms and dashboard', () => {
  const { stack } = withAlarms({}, { dashboard: true, budget: { items: 500 } });
  expect(new AwsSolutionsChecks(stack).validateScope(stack).violations).toEqual([]);
});
