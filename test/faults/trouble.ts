/**
 * What a seed has in store for the requests of one delivery.
 * @module
 */
import type { Random } from '../simulation/random';
import type { Delivery } from './checks';
import { FAULTS, type Passing, type Trouble } from './door';
import type { Role } from './stage';
import type { Sweep, Traits } from './traits';

/** By then a worker has mostly done its work. */
const REQUESTS_MAX: Readonly<Record<Role, number>> = { invalidator: 60, warmer: 10 };

export interface TroubleTraits {
  readonly traits: Traits;
  /** Of its function in this run. */
  readonly isFirst: boolean;
  readonly random: Random;
  readonly count: (what: string) => void;
}

/** @param delivery is told what has kept its worker from its work */
export function troubleOf(
  delivery: Delivery,
  { traits, isFirst, random, count }: TroubleTraits,
): Omit<Trouble, 'kill' | 'say'> {
  const doomed = doomOf(delivery.role, traits, { isFirst, random });
  return {
    killAt({ number }) {
      if (!doomed || number !== doomed.request) return undefined;
      delivery.killedAt = number;
      count(`killed ${doomed.moment}`);
      return doomed.moment;
    },
    faultAt(passing: Passing) {
      if (!random.chance(traits.faults)) return undefined;
      const fault = random.pick(FAULTS);
      count(fault);
      if (fault !== 'delay' && fault !== 'duplicate') delivery.hindered.push(passing);
      return fault;
    },
    delayMs: () => ({ skipped: random.pick([100, 2_000, 50_000]), real: random.between(1, 12) }),
  };
}

/** The request at which its worker is killed. */
function doomOf(
  role: Role,
  { sweep, kills }: Traits,
  { isFirst, random }: Pick<TroubleTraits, 'isFirst' | 'random'>,
): Omit<Sweep, 'role'> | undefined {
  if (sweep?.role === role && isFirst) return sweep;
  if (!random.chance(kills)) return undefined;
  const request = 1 + random.below(REQUESTS_MAX[role]);
  return { request, moment: random.pick(['before', 'after'] as const) };
}
