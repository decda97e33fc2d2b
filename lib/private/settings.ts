/**
 * The construct's props, checked and completed: what every part is built from.
 * @module
 */
import { Duration, Names } from 'aws-cdk-lib';
import * as logs from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { BROWSER_CACHE_CONTROL, RECORDER_DEFAULTS } from '../../core/config';
import { ruleHeaders, TRACKING_PARAMETERS, type ViewerRules } from '../../core/viewer-rules';
import type { EdgeIsrProps } from '../edge-isr';
import { checkProps, checkRegion } from './checks';
import { shieldRegionFor } from './shield';

export interface Settings extends EdgeIsrProps {
  /** Letters, digits and hyphens; the same in every synthesis. It names the table, the logs and the API. */
  readonly name: string;
  readonly tableName: string;
  /** Where the table is another site's: the name in it, which is the same. */
  readonly site: string | undefined;
  /** Where the stack and its table are. */
  readonly region: string;
  /** The shield's region that is nearest to the table; undefined when none is known. */
  readonly shieldRegion: string | undefined;
  readonly originShield: boolean;
  readonly ownDistribution: boolean;
  readonly maxTtl: Duration;
  /** Those of `variants` too. */
  readonly keyHeaders: string[];
  readonly viewerRules: ViewerRules;
  readonly browserCacheControl: string;
  readonly logRetention: logs.RetentionDays;
  readonly batchWindow: Duration;
}

/** @throws IsrError `option-invalid`, naming the prop, the value and the rule */
export function settingsOf(scope: Construct, props: EdgeIsrProps): Settings {
  const originShield = props.originShield ?? true;
  const region = checkRegion(scope, originShield);
  const viewerRules = {
    drop: props.dropParameters ?? TRACKING_PARAMETERS,
    locales: props.variants?.locales ?? [],
    devices: props.variants?.devices ?? [],
  };
  const name = Names.uniqueResourceName(scope, { maxLength: 100, separator: '-' });
  const settings = {
    ...props,
    name,
    tableName: props.table?.tableName ?? name,
    site: props.table && name,
    region,
    shieldRegion: shieldRegionFor(region),
    originShield,
    ownDistribution: props.ownDistribution ?? true,
    maxTtl: props.maxTtl ?? Duration.seconds(RECORDER_DEFAULTS.maxTtlSeconds),
    keyHeaders: [...(props.keyHeaders ?? []), ...ruleHeaders(viewerRules)],
    viewerRules,
    logRetention: props.logRetention ?? logs.RetentionDays.ONE_MONTH,
    browserCacheControl: props.browserCacheControl ?? BROWSER_CACHE_CONTROL,
    batchWindow: props.batchWindow ?? Duration.seconds(1),
  };
  checkProps(scope, settings, props);
  return settings;
}

/** Names of CloudFront's policies, and of stacks in us-east-1, are shared by all regions of an account. */
export function globalName({ name, region }: Settings): string {
  return `${name}-${region}`;
}
