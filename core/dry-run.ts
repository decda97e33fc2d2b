/**
 * A dry run: what a revalidation would do, told to its job. No epoch is written, nothing is purged, nothing is warmed.
 * @module
 */
import { begin } from './begin';
import { verdictOf } from './budget';
import type { InvalidatorConfig } from './config';
import { candidatesMax } from './heat';
import { PLAN_SAMPLE_MAX, unpurgeableOf } from './jobs';
import { allHit } from './plan/part';
import { type PlanOptions, plan, readEdges } from './plan/plan';
import type { Clock, Graph, Jobs, Ledger } from './ports';
import { priceUsd } from './price';
import type { QueuedRevalidation, Revalidation } from './revalidation';

export interface DryRunPorts {
  readonly graph: Pick<Graph, 'edges' | 'isLive' | 'urls'>;
  readonly jobs: Pick<Jobs, 'begin' | 'conflict' | 'planned'>;
  readonly ledger: Pick<Ledger, 'used'>;
  readonly clock: Pick<Clock, 'now'>;
}

/** How a revalidation is planned, dry or not. */
export function planOptions(
  { allowCollateral = false }: Pick<Revalidation, 'allowCollateral'>,
  { warmUrlsMax, purge }: InvalidatorConfig,
): PlanOptions {
  return { warmUrlsMax: candidatesMax(warmUrlsMax), purge, allowCollateral };
}

/** @throws what a port throws; planned again, its job keeps the first plan */
export async function planOnly(
  revalidation: QueuedRevalidation,
  config: InvalidatorConfig,
  ports: DryRunPorts,
): Promise<void> {
  if (!(await begin(revalidation, {}, ports))) return;
  const { graph, jobs, ledger, clock } = ports;
  const planned = planOptions(revalidation, config);
  const options = { ...planned, warmUrlsMax: Math.max(planned.warmUrlsMax, PLAN_SAMPLE_MAX) };
  const nowSeconds = Math.floor(clock.now() / 1_000);
  const reading = await readEdges(graph, revalidation, { nowSeconds, ...options });
  const made = plan(revalidation, reading, options);
  const used = await ledger.used(clock.now());
  const { isPurged, words } = verdictOf(config.budget, used, made.items.length);
  await jobs.planned(revalidation.job, {
    atMs: clock.now(),
    items: made.items,
    itemsCount: made.items.length,
    skipped: made.skipped,
    skippedCount: made.skipped.length,
    priceUsd: priceUsd(made.items.length, used),
    covered: made.covered,
    sample: made.warm,
    collateral: allHit(made.items.flatMap(({ collateral }) => collateral ?? [])),
    unpurgeable: unpurgeableOf(made),
    isAllowed: isPurged,
    budget: words,
  });
}
