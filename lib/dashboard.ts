/**
 * The dashboard: is what changed seen, what did it cost, and does anything stand in its way. Top to bottom in that order.
 * @module
 */
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type { EdgeIsr } from './edge-isr';
import { JobEnd } from './metrics';
import { globalName, type Settings } from './private/settings';

/** @param alarms  shown first, if there are any */
export function dashboard(
  isr: EdgeIsr,
  alarms: cloudwatch.IAlarm[],
  settings: Settings,
): cloudwatch.Dashboard {
  const edge = isr._meters.edgeRegion ?? 'this region';
  return new cloudwatch.Dashboard(isr, 'Dashboard', {
    dashboardName: globalName(settings), // shared by all regions of an account
    widgets: [
      alarms.length > 0 ? [new cloudwatch.AlarmStatusWidget({ alarms, width: 24 })] : [],
      [
        graph('Time to fresh, ms', [isr.metricTimeToFreshMsP50(), isr.metricTimeToFreshMsP95()]),
        graph(
          'Jobs by how they ended',
          Object.values(JobEnd).map((end) => isr.metricJobsSum(end)),
        ),
      ],
      [
        graph('Urls not fresh after their warm', [
          isr.metricStaleWarmsSum(),
          isr.metricWarmFailuresSum(),
        ]),
        graph('Dead letters', [
          isr.metricRevalidateDeadLettersMax({ label: 'revalidations' }),
          isr.metricWarmDeadLettersMax({ label: 'warms' }),
        ]),
        graph('Oldest revalidation, s', [isr.metricRevalidateAgeSecondsMax()]),
      ],
      [
        graph('Purge items', [isr.metricPurgeItemsSum(), isr.metricBudgetExceededSum()]),
        graph('Purge items of the month, USD', [isr.metricSpendUsdMax()]),
      ],
      [
        graph(`Responses that live a moment (${edge})`, [
          isr.metricCappedResponsesSum(),
          isr.metricGraphErrorsSum(),
          isr.metricTooManyTagsSum(),
        ]),
        graph(`The recorder (${edge})`, [
          isr.metricRecorderErrorsSum(),
          isr.metricRecorderThrottlesSum(),
        ]),
        graph('The workers', [
          isr.invalidator.metricErrors({ label: 'invalidator, errors' }),
          isr.invalidator.metricThrottles({ label: 'invalidator, throttles' }),
          isr.warmer.metricErrors({ label: 'warmer, errors' }),
          isr.warmer.metricThrottles({ label: 'warmer, throttles' }),
        ]),
      ],
    ],
  });
}

function graph(title: string, left: cloudwatch.IMetric[]): cloudwatch.GraphWidget {
  return new cloudwatch.GraphWidget({ title, left, width: 8, leftYAxis: { min: 0 } });
}
