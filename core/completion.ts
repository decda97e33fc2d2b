/**
 * When a job's purge is over everywhere: CloudFront says so of an invalidation, to whoever asks (GetInvalidation).
 *
 * Nobody waits for it. The warmer asks when it has told a job's last part, by which time it is mostly so; else whoever reads
 * the job asks. A question costs nothing but a call, is asked of warmed jobs only, and once it was answered with yes
 * never again: the job keeps the time.
 * @module
 */
import { isCompleted, isWarmed, type JobFacts } from './jobs';
import { inParallel } from './parallel';
import type { Clock, Jobs, Purger } from './ports';

export interface CompletionPorts {
  readonly jobs: Pick<Jobs, 'completed'>;
  readonly purger: Pick<Purger, 'status'>;
  readonly clock: Pick<Clock, 'now'>;
}

/** Of a purge in waves, after the newest: invalidations that are asked about side by side. */
const ASKED_AT_ONCE = 10;

/**
 * @returns the job with its completion, if it could be had
 * @throws what a port throws; nothing is lost, the next one asks again
 */
export async function complete(
  facts: JobFacts,
  { jobs, purger, clock }: CompletionPorts,
): Promise<JobFacts> {
  if (!isWarmed(facts, clock.now()) || isCompleted(facts)) return facts;
  const [newest = '', ...older] = [...(facts.invalidations ?? [])].reverse();
  if ((await purger.status(newest)) !== 'completed') return facts;
  const statuses = await inParallel(older, ASKED_AT_ONCE, (id) => purger.status(id));
  if (statuses.some((status) => status !== 'completed')) return facts;
  const completedAtMs = clock.now();
  await jobs.completed(facts.id, completedAtMs);
  return { ...facts, completedAtMs };
}

/** For jobs of which a part was just warmed. @throws what a port throws */
export async function completeAll(
  ids: readonly string[],
  ports: CompletionPorts & { readonly jobs: Pick<Jobs, 'get' | 'completed'> },
): Promise<void> {
  const asked = new Map<string, ReturnType<Purger['status']>>();
  const status = (invalidation: string) => {
    const answer = asked.get(invalidation) ?? ports.purger.status(invalidation);
    asked.set(invalidation, answer); // many jobs, one invalidation
    return answer;
  };
  await inParallel(ids, ASKED_AT_ONCE, async (id) => {
    const facts = await ports.jobs.get(id);
    if (facts) await complete(facts, { ...ports, purger: { status } });
  });
}
