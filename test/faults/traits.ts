/**
 * What a seed decides beforehand. The first runs are a sweep: one revalidation, whose worker is killed at its first,
 * second, … request, before (odd runs) or after (even runs) that is passed on, and nothing else goes wrong.
 * @module
 */
import { type Random, randomOf } from '../simulation/random';
import type { Role } from './stage';

export interface Work {
  readonly tags?: readonly string[];
  readonly urls?: readonly string[];
}

export interface Asked {
  readonly job: string;
  readonly work: Work;
  readonly body: string;
  readonly isPoison: boolean;
}

export interface Sweep {
  readonly role: Role;
  readonly request: number;
  readonly moment: 'before' | 'after';
}

export interface Traits {
  readonly asked: readonly Asked[];
  readonly sweep?: Sweep;
  /** Of a request, that something happens to it. */
  readonly faults: number;
  /** Of a delivery, that its worker is killed. */
  readonly kills: number;
  /** Of a delivery, that another one begins at the same time. */
  readonly twice: number;
  /** What lies in the warm queue and is none. */
  readonly warmPoison?: string;
}

/** As many requests as an invalidator, or a warmer, makes of one revalidation: `requests.test.ts` holds it to that. */
export const SWEPT: Readonly<Record<Role, number>> = { invalidator: 39, warmer: 12 };
export const SWEEP_RUNS = 2 * (SWEPT.invalidator + SWEPT.warmer);

const SWEPT_WORK: Work = { tags: ['a', 'c'], urls: ['/d'] };
/** `nobody` is on no page. */
const WORKS: readonly Work[] = [
  { tags: ['a'] },
  { tags: ['b'] },
  { tags: ['a', 'b'] },
  { tags: ['c'], urls: ['/'] },
  { urls: ['/d'] },
  { tags: ['b'], urls: ['/c'] },
  { tags: ['nobody'] },
];
const POISONS = [
  'tags=a',
  '{"tags":["a"]',
  '{"tag":["a"]}',
  '{"tags":[]}',
  '["a"]',
  '{"tags":["a","b,c"]}',
  `{"tags":["${'x'.repeat(300)}"]}`,
  '{"urls":["https://elsewhere.example/"]}',
] as const;
const WARM_POISONS = ['', '{"part":"p"}', '[1]'] as const;

export function traitsOf(seed: number): Traits {
  if (seed <= SWEEP_RUNS) {
    const asked = [askedOf('job-1', SWEPT_WORK)];
    return { asked, sweep: sweepOf(seed), faults: 0, kills: 0, twice: 0 };
  }
  const random = randomOf(-seed);
  const works = Array.from({ length: 1 + random.below(3) }, () => random.pick(WORKS));
  const poisons = random.chance(0.3) ? [random.pick(POISONS), random.pick(POISONS)] : [];
  const asked = [
    ...works.map((work, at) => askedOf(`job-${at + 1}`, work)),
    ...poisons.map((body, at) => ({ job: `poison-${at + 1}`, work: {}, body, isPoison: true })),
  ];
  return {
    asked: shuffled(asked, random),
    faults: random.pick([0, 0.01, 0.02, 0.04, 0.16]),
    kills: random.pick([0, 0.3, 0.6]),
    twice: random.pick([0, 0.3]),
    ...(random.chance(0.1) ? { warmPoison: random.pick(WARM_POISONS) } : {}),
  };
}

function askedOf(job: string, work: Work): Asked {
  return { job, work, body: JSON.stringify(work), isPoison: false };
}

function sweepOf(run: number): Sweep {
  const moment = run % 2 === 1 ? 'before' : 'after';
  const request = Math.ceil(run / 2);
  const { invalidator } = SWEPT;
  return request <= invalidator
    ? { role: 'invalidator', request, moment }
    : { role: 'warmer', request: request - invalidator, moment };
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const left = [...items];
  return items.flatMap(() => left.splice(random.below(left.length), 1));
}
