/**
 * A dry run: what a revalidation would do, told to its job. No epoch is written, nothing is purged, nothing is warmed.
 * @module
 */
import { begin } from './begin';
import { verdictOf } from './budget';
import type { InvalidatorConfig } from './config';
import { candidatesMax } from './heat';
import { unpurgeableOf } from './jobs';
import { type Plan, type PlanOptions, plan, readEdges } from './plan/plan';
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
  const options = planOptions(revalidation, config);
  const nowSeconds = Math.floor(clock.now() / 1_000);
  const reading = await readEdges(graph, revalidation, { nowSeconds, ...options });
  const made = plan(revalidation, reading, options);
  const used = await ledger.used(clock.now());
  await jobs.planned(revalidation.job, {
    atMs: clock.now(),
    items: made.items.map(({ item, why }) => ({ item, why })),
    itemsCount: made.items.length,
    priceUsd: priceUsd(made.items.length, used),
    covered: made.covered,
    sample: made.warm,
    collateral: collateralOf(made),
    unpurgeable: unpurgeableOf(made),
    budget: verdictOf(config.budget, used, made.items.length).words,
  });
}

function collateralOf({ items }: Plan) {
  const hit = items.flatMap(({ collateral }) => collateral ?? []);
  return {
    count: hit.reduce((sum, { count }) => sum + count, 0),
    sample: hit.flatMap(({ sample }) => sample),
  };
}
