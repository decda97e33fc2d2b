/**
 * What is purged of a gathered group: its plan; or, where the budget does not hold it, the plan of those who fit, in the order
 * in which they were requested. Who needs no item is not refused.
 *
 * It is written once (core/ports.ts, `Purges.decide`), so it says all that whoever goes on after a death has to tell.
 * @module
 */
import { admitted } from './admission';
import { refusalOf, verdictOf } from './budget';
import { chunks } from './chunks';
import type { InvalidatorConfig } from './config';
import { planOptions } from './dry-run';
import { workId } from './jobs';
import type { Count } from './metrics';
import type { Purge } from './plan/contract';
import { purgeOf } from './plan/part';
import { type Plan, plan, type Reading } from './plan/plan';
import type { Clock, Decision, Ledger, Records } from './ports';
import type { QueuedRevalidation, Revalidation } from './revalidation';
import { spellingsOf } from './urls';

const RECORDS_MAX = 100;

export interface Told {
  readonly reading: Reading;
  readonly config: InvalidatorConfig;
}

export interface DecisionPorts {
  readonly ledger: Pick<Ledger, 'used'>;
  readonly records: Records;
  readonly clock: Pick<Clock, 'now'>;
  readonly count: Count;
}

/** @throws what a port throws */
export async function decisionFor(
  members: readonly QueuedRevalidation[],
  told: Told,
  { ledger, records, clock, count }: DecisionPorts,
): Promise<Decision> {
  const { budget } = told.config;
  const usedBefore = await ledger.used(clock.now());
  const whole = purgeFor(members, told);
  const { isExceeded, isPurged } = verdictOf(budget, usedBefore, whole.items.length);
  if (isExceeded) count({ BudgetExceeded: 1 });
  if (!budget || isPurged) return { ...whole, usedBefore };

  const planFor = planner(told);
  const needs = (it: Revalidation) => planFor(it).items.length;
  const costly = worksOf(members).filter((it) => needs(it) > 0);
  const room = budget.items - usedBefore;
  const small = costly.filter((it) => needs(it) <= room);
  const taken = admitted(small, room, (some) => purgeFor(some, told).items.length);
  const purge = purgeFor(taken, told);
  const refused = costly.filter((it) => !taken.includes(it));
  const oldUntilMs =
    budget.whenExceeded === 'ttl' ? await lastCopies(refused, told, records) : undefined;
  return {
    ...purge,
    usedBefore,
    refused: refused.map((it) => ({
      work: workId(it),
      reason: refusalOf(budget, usedBefore + purge.items.length, needs(it)),
      ...(oldUntilMs && { oldUntilMs: oldUntilMs(it) }),
    })),
  };
}

/** One of each, in the order in which they were requested. */
function worksOf(members: readonly QueuedRevalidation[]): QueuedRevalidation[] {
  const inOrder = [...members].sort(
    (a, b) => a.requestedAtMs - b.requestedAtMs || (a.job < b.job ? -1 : 1),
  );
  return [...new Map(inOrder.map((it) => [workId(it), it])).values()];
}

function purgeFor(some: readonly Revalidation[], { reading, config }: Told): Purge {
  const whole = union(some);
  return purgeOf(plan(whole, reading, planOptions(whole, config)));
}

/** When the last copy that may be old of a work's pages is gone. */
async function lastCopies(
  works: readonly Revalidation[],
  { reading: { dependents, liveUrls } }: Told,
  records: Records,
): Promise<(work: Revalidation) => number> {
  const named = new Set(works.flatMap(({ urls }) => urls.filter((url) => liveUrls.has(url))));
  const until = new Map<string, number>();
  for (const some of chunks([...named].flatMap(spellingsOf), RECORDS_MAX)) {
    for (const [url, { untilSeconds }] of await records.of(some)) until.set(url, untilSeconds);
  }
  return ({ tags, urls }) => {
    const ends = [
      ...tags.map((tag) => dependents.get(tag)?.untilSeconds ?? 0),
      ...urls.flatMap(spellingsOf).map((url) => until.get(url) ?? 0),
    ];
    return ends.reduce((last, end) => Math.max(last, end), 0) * 1_000;
  };
}

/** Plans by their work: a burst is a thousand times the same. */
export function planner({ reading, config }: Told): (it: Revalidation) => Plan {
  const made = new Map<string, Plan>();
  return (it) => {
    const work = workId(it);
    const known = made.get(work) ?? plan(it, reading, planOptions(it, config));
    made.set(work, known);
    return known;
  };
}

export function union(asked: readonly Revalidation[]): Revalidation {
  return {
    tags: [...new Set(asked.flatMap(({ tags }) => tags))],
    urls: [...new Set(asked.flatMap(({ urls }) => urls))],
    allowCollateral: asked.every(({ allowCollateral }) => allowCollateral === true),
  };
}
