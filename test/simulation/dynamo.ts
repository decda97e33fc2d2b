/**
 * DynamoDB in the simulated world: one table, by its documented semantics.
 *
 * - A strong read sees every write that was done before it began; an eventual one may see the table as it was up to a
 *   second ago (DDB, HowItWorks.ReadConsistency).
 * - A batch is no snapshot: each of its keys is read at a moment of its own, and some may come back unprocessed.
 * - A write may be done and its answer lost; a call may be throttled, or find nobody there.
 * - A query answers page by page, each page as of its own moment.
 * - An item whose `expires` has passed may vanish, any moment or never (DDB, TTL).
 * Items are never changed in place: what a reader was given stays as it was.
 * @module
 */
import type { DynamoCall, Operation, Operations } from '../../aws/dynamo';
import { conditionOf, type Item, type Names, updateOf, type Values } from './expressions';
import type { World } from './world';

export interface Faults {
  /** Of every call, 0 to 1. */
  readonly throttled: number;
  readonly answerLost: number;
  readonly unprocessed: number;
  /** It hangs for seconds before it goes out, as while an SDK tries again. */
  readonly hung: number;
}

export interface SimulatedDynamo {
  /** @param faults none for who only looks on */
  client(faults?: Partial<Faults>): DynamoCall;
  /** Out of reach: every call fails, some of them after seconds. */
  outage: Outage | undefined;
  readonly counts: { calls: number; writes: number; swept: number };
  /** An item as it is now, for the watch. */
  item(pk: string, sk: string): Item | undefined;
}

export type Outage = 'refuses' | 'hangs';

interface Version {
  readonly atMs: number;
  readonly item: Item | undefined;
}

/** The one table. */
export const TABLE = 'graph';

const LATENCY_MS = { from: 1, to: 5 };
/** Of a slow call, up to what a recorder waits for. */
const SLOW_MS = 600;
const HUNG_MS = { from: 3_000, to: 20_000 };
const BATCH_SPREAD_MS = 4;
const LAG_MS_MAX = 3_000;
const PAGE_ITEMS = 2;

export interface DynamoTraits {
  /** Of every call, 0 to 1. */
  readonly slow?: number;
  /** Of every look at an expired item, that it has vanished. */
  readonly swept?: number;
}

export function simulateDynamo(
  world: World,
  { slow = 0, swept = 0 }: DynamoTraits = {},
): SimulatedDynamo {
  const { random } = world;
  /** Partition key → sort key → versions, oldest first. */
  const table = new Map<string, Map<string, Version[]>>();
  const counts = { calls: 0, writes: 0, swept: 0 };
  const compiled = new Map<string, unknown>();
  const dynamo: SimulatedDynamo = {
    client,
    outage: undefined,
    counts,
    item: (pk, sk) => table.get(pk)?.get(sk)?.at(-1)?.item,
  };

  /** Expressions are few: each is read once. */
  function once<T>(text: string, names: Names, make: (text: string, names: Names) => T): T {
    const key = names ? text + Object.values(names).join() : text;
    if (!compiled.has(key)) compiled.set(key, make(text, names));
    return compiled.get(key) as T;
  }

  function versionsOf(pk: string, sk: string): Version[] {
    const rows = table.get(pk) ?? new Map<string, Version[]>();
    table.set(pk, rows);
    const versions = rows.get(sk) ?? [];
    rows.set(sk, versions);
    sweep(versions);
    return versions;
  }

  function sweep(versions: Version[]): void {
    const expires = swept > 0 && versions.at(-1)?.item?.expires?.N;
    if (!expires || Number(expires) * 1_000 >= world.now() || !random.chance(swept)) return;
    versions.push({ atMs: world.now(), item: undefined });
    counts.swept += 1;
  }

  function read(key: Item | undefined, isStrong: boolean): Item | undefined {
    const versions = versionsOf(key?.pk?.S ?? '', key?.sk?.S ?? '');
    if (isStrong) return versions.at(-1)?.item;
    const asOfMs = world.now() - random.below(LAG_MS_MAX);
    return versions.findLast(({ atMs }) => atMs <= asOfMs)?.item;
  }

  const operations: {
    [O in Operation]: (input: Operations[O][0], faults: Faults) => Promise<Operations[O][1]>;
  } = {
    async GetItem({ Key, ConsistentRead }) {
      const item = read(Key, ConsistentRead === true);
      return item ? { Item: item } : {};
    },

    async BatchGetItem({ RequestItems }, faults) {
      const [[name, { Keys = [], ConsistentRead }] = ['', {}]] = Object.entries(RequestItems ?? {});
      const unprocessed: Item[] = [];
      const found: Item[] = [];
      const moments = (Keys as Item[]).map((key) => ({
        key,
        afterMs: random.below(BATCH_SPREAD_MS + 1),
      }));
      let passedMs = 0;
      for (const { key, afterMs } of moments.sort((a, b) => a.afterMs - b.afterMs)) {
        if (afterMs > passedMs) await world.sleep(afterMs - passedMs);
        passedMs = afterMs;
        const item = read(key, ConsistentRead === true);
        if (random.chance(faults.unprocessed)) unprocessed.push(key);
        else if (item) found.push(item);
      }
      const UnprocessedKeys = unprocessed.length > 0 ? { [name]: { Keys: unprocessed } } : {};
      return { Responses: { [name]: found }, UnprocessedKeys };
    },

    async Query(input) {
      const values: Values = input.ExpressionAttributeValues;
      const names = input.ExpressionAttributeNames;
      const inKey = once(input.KeyConditionExpression ?? '', names, conditionOf);
      const inFilter = input.FilterExpression
        ? once(input.FilterExpression, names, conditionOf)
        : () => true;
      const rows = table.get(values?.[':pk']?.S ?? '') ?? new Map<string, Version[]>();
      const after = input.ExclusiveStartKey?.sk?.S;
      const pk = values?.[':pk'] ?? { S: '' };
      const all = [...rows.keys()]
        .sort()
        .filter((sk) => after === undefined || sk > after)
        .filter((sk) => inKey({ pk, sk: { S: sk } }, values ?? {}));
      if (input.ScanIndexForward === false) all.reverse();
      const page = all.slice(0, input.Limit ?? PAGE_ITEMS);
      const Items = page
        .map((sk) => read({ pk, sk: { S: sk } }, input.ConsistentRead === true))
        .filter((item) => item !== undefined)
        .filter((item) => inFilter(item, values ?? {}));
      const last = all.length > page.length ? page.at(-1) : undefined;
      return {
        Items: Items,
        ...(last ? { LastEvaluatedKey: { pk, sk: { S: last } } } : {}),
      };
    },

    async UpdateItem(input) {
      counts.writes += 1;
      const key = input.Key as Item;
      const versions = versionsOf(key.pk?.S ?? '', key.sk?.S ?? '');
      const before = versions.at(-1)?.item;
      const { ExpressionAttributeNames: names, ExpressionAttributeValues: values = {} } = input;
      const condition =
        input.ConditionExpression && once(input.ConditionExpression, names, conditionOf);
      if (condition && !condition(before ?? {}, values))
        throw named('ConditionalCheckFailedException');
      const after = once(
        input.UpdateExpression ?? '',
        names,
        updateOf,
      )(before ?? { ...key }, values);
      versions.push({ atMs: world.now(), item: after });
      // nobody reads what was there longer ago than an eventual read may lag
      while ((versions[1]?.atMs ?? Number.POSITIVE_INFINITY) < world.now() - LAG_MS_MAX)
        versions.shift();
      return input.ReturnValues === 'ALL_NEW' ? { Attributes: after } : {};
    },
  };

  function travel(): Promise<void> {
    const slowMs = random.chance(slow) ? random.below(SLOW_MS) : 0;
    return world.sleep(random.between(LATENCY_MS.from, LATENCY_MS.to) + slowMs);
  }

  function client(some: Partial<Faults> = {}): DynamoCall {
    const faults = { throttled: 0, answerLost: 0, unprocessed: 0, hung: 0, ...some };
    return async (operation, input) => {
      counts.calls += 1;
      if (dynamo.outage === 'hangs' || (faults.hung > 0 && random.chance(faults.hung))) {
        await world.sleep(random.between(HUNG_MS.from, HUNG_MS.to));
      }
      await travel();
      if (dynamo.outage) throw named('ServiceUnavailable');
      if (random.chance(faults.throttled)) throw named('ThrottlingException');
      const output = await operations[operation](input, faults);
      await travel();
      if (random.chance(faults.answerLost)) throw named('TimeoutError');
      return output;
    };
  }

  return dynamo;
}

export function named(name: string): Error {
  return Object.assign(new Error(name), { name });
}
