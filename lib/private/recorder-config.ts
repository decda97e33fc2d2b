/**
 * The recorder's configuration from the construct's props: only what differs from the recorder's own defaults, for
 * a custom header is short.
 * @module
 */
import { formatRecorderConfig, RECORDER_DEFAULTS } from '../../core/config';
import type { CachingDefaults } from '../caching';
import type { Settings } from './settings';

/** Without a shield beside the table the recorder may run on the other side of the world, over a cold TLS connection. */
const FAR_DEADLINE_MS = 2_500;

function lifetimeOf(defaults: CachingDefaults | undefined) {
  return (
    defaults && {
      freshSeconds: defaults.sMaxAge.toSeconds(),
      staleSeconds: defaults.staleWhileRevalidate?.toSeconds() ?? 0,
      errorSeconds: defaults.staleIfError?.toSeconds() ?? 0,
    }
  );
}

/** @throws IsrError `config-invalid` when it is too long for a header */
export function recorderConfig(settings: Settings, isNear: boolean): string {
  const { tableName, site, region, unrecordedTtl, renderBudget, keyHeaders, maxTtl, purge } =
    settings;
  const defaults: Readonly<Record<string, unknown>> = RECORDER_DEFAULTS;
  const chosen = {
    site,
    deadlineMs: isNear ? undefined : FAR_DEADLINE_MS,
    unrecordedSeconds: unrecordedTtl?.toSeconds(),
    renderBudgetMs: renderBudget?.toMilliseconds(),
    keyHeaders: keyHeaders.length === 0 ? undefined : keyHeaders.map((key) => key.toLowerCase()),
    maxTtlSeconds: maxTtl.toSeconds(),
    purge: purge === 'native' ? undefined : purge,
    defaults: lifetimeOf(settings.defaults),
  };
  const differing = Object.entries(chosen).filter(
    ([field, value]) => value !== undefined && value !== defaults[field],
  );
  return formatRecorderConfig({ table: tableName, region, ...Object.fromEntries(differing) });
}
