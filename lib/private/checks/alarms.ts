/**
 * `alarms`: whom they tell, and their bounds.
 * @module
 */
import { Token } from 'aws-cdk-lib';
import type { Settings } from '../settings';
import { checkCount, checkSeconds, checkThere, invalid } from './said';

/** Zero: the first one is an alarm. */
const COUNT = { min: 0, max: 1_000_000 };

export function checkAlarms({ alarms, region }: Settings): void {
  if (!alarms) return;
  const { topic, timeToFresh, warmFailures, graphErrors } = alarms;
  checkThere('alarms.topic', topic, 'it takes an SNS topic, which is told');
  if (!Token.isUnresolved(topic.env.region) && topic.env.region !== region) {
    throw invalid(
      'alarms.topic',
      `is in ${topic.env.region}: an alarm notifies topics of its own region, ${region}`,
    );
  }
  checkSeconds('alarms.timeToFresh', timeToFresh, { min: 1, max: 86_400, isWhole: false });
  checkCount('alarms.warmFailures', warmFailures, COUNT);
  checkCount('alarms.graphErrors', graphErrors, COUNT);
}
