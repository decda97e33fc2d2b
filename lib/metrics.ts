/**
 * The metrics of a site, each method named by its unit, if it counts none, and its statistic.
 *
 * What the workers count is in the stack's region. What the recorder counts is in the region where it runs
 * (CFDG, lambda-edge-testing-debugging): with Origin Shield the shield's; without it each edge location has its nearest
 * region, and only `props.region` can name one. A dashboard shows metrics of any region, an alarm only those of its own
 * (CloudWatch, Cross-Account-Cross-Region).
 * @module
 */
import { Duration, Fn } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { type Metric, NAMESPACE, SITE, unitOf } from '../core/metrics';

/** How a job ended. */
export enum JobEnd {
  /** Every page was verified to be rendered after the change. */
  FRESH = 'fresh',
  /** Some were. */
  PARTLY_FRESH = 'partly-fresh',
  /** None was, or the revalidation failed eight times. */
  FAILED = 'failed',
  /** The budget left no purge for it. */
  REFUSED = 'refused',
}

const JOBS: Readonly<Record<JobEnd, Metric>> = {
  [JobEnd.FRESH]: 'FreshJobs',
  [JobEnd.PARTLY_FRESH]: 'PartlyFreshJobs',
  [JobEnd.FAILED]: 'FailedJobs',
  [JobEnd.REFUSED]: 'RefusedJobs',
};

/** What metrics are told by. */
export interface Meters {
  readonly site: string;
  readonly region: string;
  /** Where the recorder runs, as far as that is one region. */
  readonly edgeRegion: string | undefined;
  readonly recorder: lambda.IVersion;
  readonly revalidateQueue: sqs.IQueue;
  readonly revalidateDeadLetterQueue: sqs.IQueue;
  readonly warmDeadLetterQueue: sqs.IQueue;
}

/** A construct with metrics. */
export abstract class Metered extends Construct {
  /** @internal */
  abstract readonly _meters: Meters;

  /** Purge items sent to CloudFront: what a purge costs. */
  metricPurgeItemsSum(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.counted('PurgeItems', { statistic: 'Sum', ...props });
  }

  /**
   * USD that this month's purge items have cost, as of the last purge: the first 1,000 of a month are free.
   *
   * Another distribution of the account uses up the free ones too; that is not in it. Over a day, unless you say.
   */
  metricSpendUsdMax(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    const period = Duration.days(1);
    return this.counted('SpendUsd', { statistic: 'Maximum', period, ...props });
  }

  /** Purges that went past the month's budget, or would have. */
  metricBudgetExceededSum(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.counted('BudgetExceeded', { statistic: 'Sum', ...props });
  }

  /** Jobs by how they ended, counted when their last page was looked at. */
  metricJobsSum(end: JobEnd, props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.counted(JOBS[end], { statistic: 'Sum', ...props });
  }

  /** Milliseconds from a revalidation's request to its last page verified: half of the fresh jobs took no longer. */
  metricTimeToFreshMsP50(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.counted('TimeToFresh', { statistic: 'p50', ...props });
  }

  /** Milliseconds from a revalidation's request to its last page verified: 95 % of the fresh jobs took no longer. */
  metricTimeToFreshMsP95(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.counted('TimeToFresh', { statistic: 'p95', ...props });
  }

  /** Urls that could not be fetched to the end of their warm: the origin refused, or did not answer. */
  metricWarmFailuresSum(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.counted('WarmFailures', { statistic: 'Sum', ...props });
  }

  /** Urls that were still rendered before the change at the end of their warm: each is a page that is wrong. */
  metricStaleWarmsSum(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.counted('StaleWarms', { statistic: 'Sum', ...props });
  }

  /** Revalidations that failed eight times. */
  metricRevalidateDeadLettersMax(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    const { revalidateDeadLetterQueue: queue } = this._meters;
    return queue.metricApproximateNumberOfMessagesVisible({ statistic: 'Maximum', ...props });
  }

  /** Warms that failed eight times, up to 25 urls each. */
  metricWarmDeadLettersMax(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    const { warmDeadLetterQueue: queue } = this._meters;
    return queue.metricApproximateNumberOfMessagesVisible({ statistic: 'Maximum', ...props });
  }

  /** Seconds that the oldest revalidation has waited for. */
  metricRevalidateAgeSecondsMax(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    const { revalidateQueue: queue } = this._meters;
    return queue.metricApproximateAgeOfOldestMessage({ statistic: 'Maximum', ...props });
  }

  /** Responses that live only a moment: they may be old, or could not be recorded. In the recorder's region. */
  metricCappedResponsesSum(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.countedAtEdge('CappedResponses', props);
  }

  /** Responses that live only a moment since DynamoDB was late, down, or refused. In the recorder's region. */
  metricGraphErrorsSum(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.countedAtEdge('GraphErrors', props);
  }

  /** Responses that live only a moment since they have more than 400 tags. In the recorder's region. */
  metricTooManyTagsSum(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.countedAtEdge('TooManyTags', props);
  }

  /** Recorders that crashed or timed out: each is a 502 for a viewer. In the recorder's region. */
  metricRecorderErrorsSum(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.ofRecorder('Errors', props);
  }

  /** Recorders for which Lambda had no room: each is a 503 for a viewer. In the recorder's region. */
  metricRecorderThrottlesSum(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.ofRecorder('Throttles', props);
  }

  private counted(metric: Metric, props: cloudwatch.MetricOptions): cloudwatch.Metric {
    const { site, region } = this._meters;
    return new cloudwatch.Metric({
      namespace: NAMESPACE,
      metricName: metric,
      dimensionsMap: { [SITE]: site },
      unit: unitOf(metric) as cloudwatch.Unit,
      region,
      ...props,
    });
  }

  private countedAtEdge(metric: Metric, props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    const { edgeRegion } = this._meters;
    return this.counted(metric, { statistic: 'Sum', region: edgeRegion, ...props });
  }

  /** Lambda's own: a replica goes by the name of its function and the region of that. */
  private ofRecorder(metricName: string, props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    const { recorder, edgeRegion } = this._meters;
    const name = Fn.select(6, Fn.split(':', recorder.functionArn)); // arn:aws:lambda:us-east-1:…:function:NAME:3
    return new cloudwatch.Metric({
      namespace: 'AWS/Lambda',
      metricName,
      dimensionsMap: { FunctionName: `us-east-1.${name}` },
      unit: cloudwatch.Unit.COUNT,
      statistic: 'Sum',
      region: edgeRegion,
      ...props,
    });
  }
}
