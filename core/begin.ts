/**
 * The beginning of a job: its id stands for the work that came first, dry or not. Other work under it is a conflict, which
 * the job is told; nothing is done for that one.
 * @module
 */
import { isConflict, type JobFacts, workId } from './jobs';
import type { Clock, Jobs } from './ports';
import type { QueuedRevalidation } from './revalidation';

export interface BeginPorts {
  readonly jobs: Pick<Jobs, 'begin' | 'conflict'>;
  readonly clock: Pick<Clock, 'now'>;
}

/** @returns what the job was told first; undefined when that is other work */
export async function begin(
  revalidation: QueuedRevalidation,
  facts: Pick<JobFacts, 'purgingAtMs' | 'purge'>,
  ports: BeginPorts,
): Promise<{ readonly purge: string | undefined } | undefined> {
  const { job, requestedAtMs, tags, urls } = revalidation;
  const own = { tags: tags.length, urls: urls.length, work: workId(revalidation) };
  const first = await ports.jobs.begin(job, { requestedAtMs, ...own, ...facts });
  if (!isConflict(first, own.work)) return first;
  await tellConflict(revalidation, ports);
  return undefined;
}

/** Its id stands for other work, which came first. */
export function tellConflict(
  revalidation: QueuedRevalidation,
  { jobs, clock }: BeginPorts,
): Promise<void> {
  return jobs.conflict(revalidation.job, { atMs: clock.now(), work: workId(revalidation) });
}
