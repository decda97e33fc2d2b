/**
 * What is wrong with a prop, in one sentence: its name, its value, the rule. A file for each reason.
 * @module
 */
import { Token } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { WARM_LIMITS } from '../../../core/config';
import type { EdgeIsrProps } from '../../edge-isr';
import { type PurgeBudget, PurgeBy, WhenExceeded } from '../../purge';
import type { Settings } from '../settings';
import { checkAlarms } from './alarms';
import { checkApi } from './api';
import { checkCaching, checkKeyHeaders, checkReadHeaders } from './caching';
import { checkResponseHeaders } from './response-headers';
import { checkCount, checkOneOf, checkSeconds, invalid } from './said';
import { checkSite } from './site';
import { checkOwnTable, checkTable } from './table';

export { checkRegion } from './region';

const YEAR_SECONDS = 31_536_000;
/** Lambda developer guide, services-sqs-parameters. */
const BATCH_WINDOW_SECONDS_MAX = 300;
/** Half of the least is the recorder's (core/recorder.ts), half the cache's: A1 in ARCHITECTURE.md. */
const GRACE_SECONDS = { min: 1, max: 20 };
/** With grace and the purge it has to fit the invalidator's 300 s. */
const SETTLE_SECONDS_MAX = 60;

/** @throws IsrError `option-invalid`, with the prop as its field */
export function checkProps(scope: Construct, settings: Settings, props: EdgeIsrProps): void {
  const maxTtlSeconds = settings.maxTtl.toSeconds({ integral: false });
  checkKeyHeaders(props.keyHeaders ?? [], settings.keyHeaders);
  checkReadHeaders(settings);
  checkCaching(props, maxTtlSeconds);
  checkSite(props);
  checkSeconds('maxTtl', settings.maxTtl, { min: 1, max: 100 * YEAR_SECONDS });
  checkSeconds('unrecordedTtl', settings.unrecordedTtl, { min: 1, max: maxTtlSeconds });
  checkSeconds('renderBudget', settings.renderBudget, { min: 0, max: 86_400, isWhole: false });
  checkSeconds('batchWindow', settings.batchWindow, { min: 0, max: BATCH_WINDOW_SECONDS_MAX });
  checkSeconds('grace', settings.grace, { ...GRACE_SECONDS, isWhole: false });
  checkSeconds('settle', settings.settle, { min: 0, max: SETTLE_SECONDS_MAX, isWhole: false });
  checkOneOf('purge', settings.purge, PurgeBy);
  checkBudget(settings.budget);
  checkAlarms(settings);
  checkResponseHeaders(settings);
  checkOwnTable(settings);
  checkCount('warm.maxUrls', settings.warm?.maxUrls, WARM_LIMITS.maxUrls);
  checkCount('warm.perSecond', settings.warm?.perSecond, WARM_LIMITS.perSecond);
  checkCount('warm.concurrency', settings.warm?.concurrency, WARM_LIMITS.concurrency);
  checkApi(settings.api, settings.region);
  checkTable(scope, settings.table, settings.region);
}

/** None at all would be no purges, which nobody means: an unlimited month has no budget. */
function checkBudget(budget: PurgeBudget | undefined): void {
  checkOneOf('budget.whenExceeded', budget?.whenExceeded, WhenExceeded);
  const items = budget?.items;
  if (items === undefined || Token.isUnresolved(items)) return;
  if (Number.isSafeInteger(items) && items >= 1) return;
  throw invalid('budget.items', `is ${items}: it takes a whole number of items, at least 1`);
}
