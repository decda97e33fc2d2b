/**
 * Alarms: what a viewer would notice, or a purchaser. Each has a heading of its own name in docs/runbook.md.
 *
 * That nothing was counted is no alarm: a site that nobody changes counts nothing.
 * An alarm watches its own region alone; what the recorder counts elsewhere is left out, and a warning says so.
 * @module
 */
import { Annotations, Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type * as sns from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import type { EdgeIsr } from './edge-isr';
import { JobEnd } from './metrics';
import type { Settings } from './private/settings';

export interface AlarmOptions {
  /**
   * Told when an alarm begins and when it is over. In the stack's own region.
   *
   * A topic that is encrypted needs a key of yours which CloudWatch may use.
   */
  readonly topic: sns.ITopic;

  /**
   * How long a change may take to be fresh, from its request to its last page verified: for 95 % of the jobs that became
   * so, three times 5 minutes long. From a second to a day.
   *
   * A warm takes 20 pages a second: raise it where one change covers thousands.
   *
   * @default Duration.minutes(2)
   */
  readonly timeToFresh?: Duration;

  /**
   * How many urls may fail to be warmed in 5 minutes: the origin refused, or did not answer, for a minute.
   *
   * @default 24 - fewer than one message of the warm queue holds
   */
  readonly warmFailures?: number;

  /**
   * How many pages may go unrecorded in 5 minutes, three times in a row: DynamoDB was late, down, or refused.
   *
   * @default 10
   */
  readonly graphErrors?: number;
}

const DEFAULTS = {
  timeToFresh: Duration.minutes(2),
  warmFailures: 24,
  graphErrors: 10,
  revalidateAge: Duration.minutes(15),
};

interface Rule {
  readonly metric: cloudwatch.IMetric;
  /** More than it is an alarm. @default 0 */
  readonly above?: number;
  /** So many periods in a row. @default 1 */
  readonly times?: number;
  /** One sentence for whoever is woken. */
  readonly says: string;
}

export class Alarms extends Construct {
  readonly all: cloudwatch.Alarm[] = [];

  constructor(scope: EdgeIsr, options: AlarmOptions, settings: Settings) {
    super(scope, 'Alarms');
    const action = new SnsAction(options.topic);
    for (const [id, rule] of Object.entries(rulesFor(scope, options, settings))) {
      const alarm = this.alarm(id, rule);
      alarm.addAlarmAction(action);
      alarm.addOkAction(action);
      this.all.push(alarm);
    }
    const { region, edgeRegion } = scope._meters;
    if (edgeRegion !== region) this.warn(edgeRegion);
  }

  private alarm(id: string, { metric, above = 0, times = 1, says }: Rule): cloudwatch.Alarm {
    return new cloudwatch.Alarm(this, id, {
      alarmDescription: `${says} What to do: docs/runbook.md#${id.toLowerCase()} in the package edge-isr.`,
      metric,
      threshold: above,
      comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods: times,
      treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
    });
  }

  private warn(edgeRegion: string | undefined): void {
    const where = edgeRegion ?? 'the regions nearest to its viewers, there being no Origin Shield';
    Annotations.of(this).addWarningV2(
      'edge-isr:edgeAlarms',
      `EdgeIsr: alarms has no GraphErrors and no RecorderErrors: the recorder counts in ${where}, and an alarm watches its own region alone; docs/runbook.md says how to have them there`,
    );
  }
}

function rulesFor(
  isr: EdgeIsr,
  {
    timeToFresh = DEFAULTS.timeToFresh,
    warmFailures = DEFAULTS.warmFailures,
    graphErrors = DEFAULTS.graphErrors,
  }: AlarmOptions,
  { budget }: Settings,
): Record<string, Rule> {
  const { region, edgeRegion } = isr._meters;
  const workers = [isr.invalidator, isr.warmer];
  return {
    RevalidateDeadLetters: {
      metric: isr.metricRevalidateDeadLettersMax(),
      says: 'A revalidation failed eight times: its pages may stay wrong until they expire.',
    },
    WarmDeadLetters: {
      metric: isr.metricWarmDeadLettersMax(),
      says: 'A warm failed eight times: its pages are purged, and not known to be fresh.',
    },
    RevalidateAge: {
      metric: isr.metricRevalidateAgeSecondsMax(),
      above: DEFAULTS.revalidateAge.toSeconds(),
      says: 'A revalidation has waited for 15 minutes: its pages are wrong meanwhile.',
    },
    FailedJobs: {
      metric: isr.metricJobsSum(JobEnd.FAILED),
      says: 'A job ended without a single page that is known to be fresh.',
    },
    StaleWarms: {
      metric: isr.metricStaleWarmsSum(),
      says: 'A page was still old when its warm ended, a minute after its purge.',
    },
    WarmFailures: {
      metric: isr.metricWarmFailuresSum(),
      above: warmFailures,
      says: 'Purged pages could not be fetched: viewers wait for them, or get errors.',
    },
    TimeToFresh: {
      metric: isr.metricTimeToFreshMsP95(),
      above: timeToFresh.toMilliseconds(),
      times: 3,
      says: 'Changes take too long to be seen.',
    },
    ...(edgeRegion === region && {
      GraphErrors: {
        metric: isr.metricGraphErrorsSum(),
        above: graphErrors,
        times: 3,
        says: 'Pages are not recorded: they live ten seconds, and the origin renders them again and again.',
      },
      RecorderErrors: {
        metric: sumOf([isr.metricRecorderErrorsSum(), isr.metricRecorderThrottlesSum()]),
        says: 'The recorder crashed or was throttled: viewers got a 502 or 503.',
      },
    }),
    WorkerErrors: {
      metric: sumOf(workers.map((worker) => worker.metricErrors({ statistic: 'Sum' }))),
      says: 'The invalidator or the warmer crashed or timed out; its messages come back.',
    },
    WorkerThrottles: {
      metric: sumOf(workers.map((worker) => worker.metricThrottles({ statistic: 'Sum' }))),
      times: 3,
      says: 'Lambda has no room for the invalidator or the warmer: revalidations wait.',
    },
    ...(budget && {
      BudgetExceeded: {
        metric: isr.metricBudgetExceededSum(),
        says: `A purge went past the month's budget of ${budget.items} items, or would have.`,
      },
    }),
  };
}

/** Of metrics that may say nothing where nothing has happened. */
function sumOf(metrics: readonly cloudwatch.IMetric[]): cloudwatch.MathExpression {
  const named = metrics.map((metric, at) => [`m${at}`, metric] as const);
  return new cloudwatch.MathExpression({
    expression: named.map(([name]) => `FILL(${name}, 0)`).join(' + '),
    usingMetrics: Object.fromEntries(named),
  });
}
