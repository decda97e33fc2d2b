/**
 * What is checked when a run has come to rest:
 *
 *     F1  an acknowledged revalidation is carried out: purges that came after it hit every page it is about, and its job
 *         has ended; or it is in the dead-letter queue, and its job has failed with a reason
 *     F2  a poisoned message is in the dead-letter queue, its job says what is wrong with it, and no other message
 *         fails for it
 *     F3  CloudFront holds no two invalidations for the same work
 *     F4  the ledger counts no less than CloudFront, and no more unless something is in the dead-letter queue
 *     F5  a fresh job does not lie: its pages were rendered after it was acknowledged
 *
 * Nobody can tell a job anything when each request that would have told it was cut off: such are counted (`untold`), and
 * are in the dead-letter queue all the same.
 * @module
 */
import { hash } from '../../core/hash';
import { isEnded, type Job } from '../../core/jobs';
import { type Held, isHit, PAGES } from './cloudfront';
import type { Passing } from './door';
import type { Sent } from './queue';
import type { Role } from './stage';
import type { Work } from './traits';

export interface Acknowledged {
  readonly job: string;
  readonly message: string;
  readonly work: Work;
  readonly isPoison: boolean;
  readonly atMs: number;
  /** Counted together with CloudFront's invalidations. */
  readonly order: number;
}

export interface Delivery {
  readonly role: Role;
  readonly ids: readonly string[];
  /** Requests that were cut off or throttled. */
  readonly hindered: Passing[];
  killedAt?: number;
}

export interface Rest {
  readonly acknowledged: readonly Acknowledged[];
  readonly deliveries: readonly Delivery[];
  readonly jobs: ReadonlyMap<string, Job | undefined>;
  readonly held: readonly Held[];
  readonly renderedAtMs: (url: string) => number | undefined;
  /** Items of the ledger. */
  readonly used: number;
  readonly dead: ReadonlyMap<string, Sent>;
  readonly deadWarms: ReadonlyMap<string, Sent>;
  /** Nothing went wrong but poison. */
  readonly isCalm: boolean;
}

/** Requests of a batch that may come before a job can be told anything: who is it, and has it a job yet? */
const REQUESTS_BEFORE_TOLD = 3;

export function violationsOf(rest: Rest): {
  readonly violations: readonly string[];
  readonly untold: number;
} {
  const violations: string[] = [];
  let untold = 0;
  for (const one of rest.acknowledged) {
    const job = rest.jobs.get(one.job);
    const isDead = rest.dead.has(one.message);
    const said = `${one.job} ${JSON.stringify(one.work)} is ${job?.state ?? 'unknown'}`;
    if (one.isPoison && !isDead) violations.push(`F2: ${said}, and was taken for a revalidation`);
    else if (!one.isPoison && isCarriedOut(one, rest)) {
      if (!hasEnded(one, rest)) violations.push(`F1: ${said}, though all of it was done`);
      if (job?.state === 'fresh' && !isFresh(one, rest)) violations.push(`F5: ${said}, and is not`);
    } else if (!isDead) violations.push(`F1: ${said}, and is lost`);
    else if (hasReason(job)) {
      if (rest.isCalm && !one.isPoison) violations.push(`F2: ${said} for no reason: ${job?.error}`);
    } else if (isHindered(one, rest)) untold += 1;
    else violations.push(`F1: ${said} and dead, its reason is ${JSON.stringify(job?.error)}`);
  }
  return { violations: [...violations, ...paidTwice(rest), ...miscounted(rest)], untold };
}

function pagesOf({ tags = [], urls = [] }: Work) {
  return PAGES.filter(
    (page) => urls.includes(page.url) || page.tags.some((it) => tags.includes(it)),
  );
}

/** CloudFront has taken, after it was acknowledged, what hits each of its pages. */
function isCarriedOut({ work, order }: Acknowledged, { held }: Rest): boolean {
  const items = held.filter((it) => it.order > order).flatMap((it) => it.items);
  return pagesOf(work).every((page) => isHit(page, items));
}

/** Or a warm of it is in its own dead-letter queue, and nobody could tell the job. */
function hasEnded(one: Acknowledged, rest: Rest): boolean {
  const job = rest.jobs.get(one.job);
  if (job && isEnded(job.state)) return true;
  if (rest.dead.has(one.message)) return isHindered(one, rest);
  const warms = [...rest.deadWarms.values()].filter(({ body }) => body.includes(one.job));
  return (
    job?.state === 'warming' && warms.some(({ id }) => isHindered({ ...one, message: id }, rest))
  );
}

function isFresh({ work, atMs }: Acknowledged, { renderedAtMs }: Rest): boolean {
  return pagesOf(work).every(({ url }) => (renderedAtMs(url) ?? atMs) >= atMs);
}

/** It says who did what: a service that was asked, a field that is wrong, a worker that has died. */
const REASON =
  /DynamoDB|SQS|CloudFront|another worker|other purges|last try has begun|the body|no field|tags|urls/;

function hasReason(job: Job | undefined): boolean {
  return job?.state === 'failed' && REASON.test(job.error ?? '');
}

/** Whether everything that would have told a job of its message's end was kept from doing so. */
function isHindered({ job, message, isPoison }: Acknowledged, { deliveries }: Rest): boolean {
  const own = deliveries.filter(({ ids }) => ids.includes(message));
  const tries = isPoison ? own : own.slice(-1); // poison tells its job at each try
  return tries.every(
    ({ ids, hindered, killedAt = Number.POSITIVE_INFINITY }) =>
      killedAt <= REQUESTS_BEFORE_TOLD * ids.length ||
      hindered.some(({ body }) => body.includes(job)),
  );
}

/** An invalidation belongs to the purge that its reference names; each job belongs to one purge. */
function paidTwice({ held, jobs }: Rest): string[] {
  const purges = new Set([...jobs.values()].flatMap((job) => job?.purge ?? []));
  const paid = new Set<string>();
  return held.flatMap(({ reference, items }) => {
    const purge = [...purges].find((id) => hash(JSON.stringify([id, items])) === reference);
    if (!purge) return [`F3: nobody's job knows the invalidation of ${items.join(' ')}`];
    const again = items.filter((item) => paid.has(`${purge} ${item}`));
    for (const item of items) paid.add(`${purge} ${item}`);
    return again.map((item) => `F3: ${item} was paid again for the purge ${purge}`);
  });
}

function miscounted({ held, used, dead }: Rest): string[] {
  const items = held.reduce((sum, it) => sum + it.items.length, 0);
  const counted = `F4: the ledger counts ${used} items, CloudFront has taken ${items}`;
  return used < items || (used > items && dead.size === 0) ? [counted] : [];
}
