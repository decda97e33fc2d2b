/**
 * Paces in DynamoDB: one small item a name, changed by compare-and-set.
 *
 *     pace#warm | # | { freeAt: 1767222000123.5, perSecond: 12.5, slowedAt, raisedAt, expires }
 *
 * The whole state is compared: an item that was changed and changed back is as good as one that was not. Who is slower
 * pays for its write all the same, and reads again. `expires` is only DynamoDB's broom here: an old state does no harm,
 * its turn is long past and its rate recovers.
 * @module
 */
import { paceKey } from '../core/keys';
import type { PaceState } from '../core/pace';
import type { Clock, Paces } from '../core/ports';
import {
  type DynamoCall,
  type Item,
  ifCondition,
  number,
  numberOf,
  readItem,
  updateOf,
} from './dynamo';

const KEPT_SECONDS = 86_400;
const SAME =
  'freeAt = :freeAt AND perSecond = :perSecond AND slowedAt = :slowedAt AND raisedAt = :raisedAt';

export function dynamoPaces(call: DynamoCall, table: string, clock: Pick<Clock, 'now'>): Paces {
  const update = updateOf(call, table);
  return {
    async get(name) {
      const item = await readItem(call, table, paceKey(name));
      return item && stateOf(item);
    },
    async set(name, before, after) {
      const written = await ifCondition(
        update(paceKey(name), {
          set: 'freeAt = :nextFreeAt, perSecond = :nextPerSecond, slowedAt = :nextSlowedAt, raisedAt = :nextRaisedAt, #expires = :expires',
          when: before ? SAME : 'attribute_not_exists(freeAt)',
          values: {
            ...(before ? valuesOf(before) : {}),
            ':nextFreeAt': number(after.freeAtMs),
            ':nextPerSecond': number(after.perSecond),
            ':nextSlowedAt': number(after.slowedAtMs),
            ':nextRaisedAt': number(after.raisedAtMs),
            ':expires': number(Math.floor(clock.now() / 1_000) + KEPT_SECONDS),
          },
        }),
      );
      return written !== undefined;
    },
  };
}

function valuesOf({ freeAtMs, perSecond, slowedAtMs, raisedAtMs }: PaceState): Item {
  return {
    ':freeAt': number(freeAtMs),
    ':perSecond': number(perSecond),
    ':slowedAt': number(slowedAtMs),
    ':raisedAt': number(raisedAtMs),
  };
}

function stateOf(item: Item): PaceState {
  return {
    freeAtMs: numberOf(item.freeAt) ?? 0,
    perSecond: numberOf(item.perSecond) ?? 0,
    slowedAtMs: numberOf(item.slowedAt) ?? 0,
    raisedAtMs: numberOf(item.raisedAt) ?? 0,
  };
}
