/**
 * A dry run: what a revalidation would do, told to its job. No epoch is written, nothing is purged, nothing is warmed.
 * @module
 */
import type { InvalidatorConfig } from './config';
import { workId } from './jobs';
import { plan, readEdges } from './plan/plan';
import type { Clock, Graph, Jobs } from './ports';
import { FREE_ITEMS_A_MONTH, priceUsd } from './price';
import type { QueuedRevalidation } from './revalidation';

export interface DryRunPorts {
  readonly graph: Pick<Graph, 'edges' | 'isLive'>;
  readonly jobs: Pick<Jobs, 'begin' | 'conflict' | 'planned'>;
  readonly clock: Pick<Clock, 'now'>;
}

/** @throws what a port throws; planned again, its job keeps the first plan */
export async function planOnly(
  revalidation: QueuedRevalidation,
  { warmUrlsMax }: Pick<InvalidatorConfig, 'warmUrlsMax'>,
  { graph, jobs, clock }: DryRunPorts,
): Promise<void> {
  const { job, requestedAtMs, tags, urls } = revalidation;
  const work = workId(revalidation);
  const counts = { tags: tags.length, urls: urls.length };
  const first = await jobs.begin(job, { requestedAtMs, ...counts, work });
  if (first.work !== work) return jobs.conflict(job, { atMs: clock.now(), work });

  const nowSeconds = Math.floor(clock.now() / 1_000);
  const reading = await readEdges(graph, revalidation, { nowSeconds, warmUrlsMax });
  const { items, covered, warm } = plan(revalidation, reading, warmUrlsMax);
  await jobs.planned(job, {
    atMs: clock.now(),
    items: items.map(({ item, why }) => ({ item, why })),
    itemsCount: items.length,
    priceUsd: priceUsd(items.length, FREE_ITEMS_A_MONTH), // as if the month's free ones were gone
    covered,
    sample: warm,
    collateral: { count: 0, sample: [] }, // an item hits what depends on what was asked for, and no more
    budget: 'no budget is set',
  });
}
