/**
 * What the job of a revalidation is told when no try carries it out.
 *
 * A message speaks for its job only while that is open, and only for the job's own work: a late duplicate of a finished
 * one, other work under its id and poison under its id say nothing of it.
 * @module
 */
import type { InvalidatorPorts } from './invalidator';
import { isConflict, isOpen } from './jobs';

/** What a message says of itself, whether it could be read or not. */
export interface Said {
  readonly job: string;
  readonly requestedAtMs: number;
  /** `workId`; poison has none. */
  readonly work: string | undefined;
}

/**
 * For a revalidation that is poisoned, or goes to the dead-letter queue: its job ends, and says why.
 *
 * @param isLast  it goes there now; a poisoned one is met again with each of its tries
 */
export async function lost(
  said: Said,
  { error, isLast }: { readonly error: string; readonly isLast: boolean },
  { jobs, clock, count }: Pick<InvalidatorPorts, 'jobs' | 'clock' | 'count'>,
): Promise<void> {
  if (!(await speaksForItsJob(said, jobs))) return;
  const { job, requestedAtMs } = said;
  if (isLast) count({ FailedJobs: 1 }, { job });
  await jobs.failed(job, { requestedAtMs, failedAtMs: clock.now(), error });
}

/** Before the last try of a revalidation: should its worker die in it, its job knows that it had begun. */
export async function doubt(
  said: Said,
  { jobs, clock }: Pick<InvalidatorPorts, 'jobs' | 'clock'>,
): Promise<void> {
  if (!(await speaksForItsJob(said, jobs))) return;
  const { job, requestedAtMs } = said;
  await jobs.doubted(job, { requestedAtMs, doubtedAtMs: clock.now() });
}

async function speaksForItsJob(
  { job, work }: Said,
  jobs: Pick<InvalidatorPorts['jobs'], 'get'>,
): Promise<boolean> {
  const facts = await jobs.get(job);
  return isOpen(facts) && !isConflict(facts, work);
}
