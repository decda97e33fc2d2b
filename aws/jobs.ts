/**
 * Jobs in DynamoDB: facts that are set once or grow, and an index of the jobs of each day.
 *
 *     job#c6af9ac6-…  | #                       | { requestedAtMs, work, purgingAtMs?, …, parts: { <part>: { atMs, warmed, … } }, expires }
 *     jobs#2026-11-25 | 1764037585000#9f86d081… | { id, expires }
 *
 * The index is written after the job, by the time that the job was told first: however often a job is begun, it stands
 * in it once. A worker that dies in between leaves its message, and the next one writes it.
 * @module
 */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import {
  boundedPlan,
  hasLost,
  isWarmed,
  type JobFacts,
  type JobPlan,
  replaces,
  type WarmResult,
} from '../core/jobs';
import { dayOf, jobIndexKey, jobKey, jobsOf } from '../core/keys';
import type { Clock, Jobs } from '../core/ports';
import {
  type DynamoCall,
  type Item,
  ifCondition,
  keyItem,
  number,
  numberOf,
  readBatch,
  readItem,
  string,
  updateOf,
} from './dynamo';

const KEPT_DAYS = 30;
const DAY_MS = 86_400_000;
/** A gateway's clock may be before ours: the newest job may stand in tomorrow. */
const AHEAD_MS = 60_000;
/** Of a BatchGetItem (DDB, Constraints). */
const BATCH_MAX = 100;

/** Written once; a repeated message changes nothing. */
const TIMES = [
  'requestedAtMs',
  'purgingAtMs',
  'purgedAtMs',
  'warmingAtMs',
  'completedAtMs',
  'conflictAtMs',
  'doubtedAtMs',
  'failedAtMs',
] as const;
const COUNTS = [
  'epochMs',
  'tags',
  'urls',
  'items',
  'priceUsd',
  'skipped',
  'covered',
  'warmUrls',
] as const;
const TEXTS = ['error', 'purge', 'work', 'conflictWork'] as const;

export function dynamoJobs(call: DynamoCall, table: string, clock: Pick<Clock, 'now'>): Jobs {
  const update = updateOf(call, table);
  const expires = () => number(Math.floor(clock.now() / 1_000) + KEPT_DAYS * 86_400);

  /** Sets what is not set yet, and `anew` in any case. @returns the job as it is then */
  async function setOnce(id: string, facts: Item, { when, anew = {} }: Terms = {}): Promise<Item> {
    const once: Item = { ...facts, id: string(id), expires: expires(), parts: { M: {} } };
    const all: Item = { ...once, ...anew };
    const names = Object.keys(all);
    const set = (name: string) =>
      name in anew ? `#${name} = :${name}` : `#${name} = if_not_exists(#${name}, :${name})`;
    const { Attributes = {} } = await call('UpdateItem', {
      TableName: table,
      Key: keyItem(jobKey(id)),
      UpdateExpression: `SET ${names.map(set).join(', ')}`,
      ConditionExpression: when,
      ExpressionAttributeNames: Object.fromEntries(names.map((name) => [`#${name}`, name])),
      ExpressionAttributeValues: Object.fromEntries(
        names.map((name) => [`:${name}`, all[name] as AttributeValue]),
      ),
      ReturnValues: 'ALL_NEW',
    });
    return Attributes;
  }

  /** Sets a fact of a job that has begun: one that has expired meanwhile is not made again. */
  function setOnceBegun(id: string, facts: Item): Promise<Item | undefined> {
    return ifCondition(setOnce(id, facts, { when: 'attribute_exists(#parts)' }));
  }

  async function putIndex(id: string, job: Item): Promise<void> {
    await update(jobIndexKey(id, numberOf(job.requestedAtMs) ?? 0), {
      set: 'id = :id, #expires = :expires',
      values: { ':id': string(id), ':expires': job.expires ?? expires() },
    });
  }

  async function setPart(
    id: string,
    part: string,
    { set, when, result }: { set: string; when: string; result: WarmResult },
  ): Promise<JobFacts | undefined> {
    const write = update(jobKey(id), {
      set,
      when,
      names: { '#part': part },
      values: { ':result': resultItem(result) },
      returns: 'ALL_NEW',
    });
    const told = await ifCondition(write);
    return told && factsOf(id, told.Attributes ?? {});
  }

  const read = (id: string) => readItem(call, table, jobKey(id));

  /** Places and ids of a day, newest first, before a place. */
  async function readDay(
    day: string,
    { before, limit }: { before: string; limit: number },
  ): Promise<{ place: string; id: string }[]> {
    const { Items = [] } = await call('Query', {
      TableName: table,
      KeyConditionExpression: 'pk = :pk AND sk < :before',
      ExpressionAttributeValues: { ':pk': string(jobsOf(day)), ':before': string(before) },
      ScanIndexForward: false,
      Limit: limit,
      ConsistentRead: true,
    });
    return Items.flatMap(({ sk, id }) => (sk?.S && id?.S ? [{ place: sk.S, id: id.S }] : []));
  }

  return {
    async get(id) {
      const item = await read(id);
      return item && factsOf(id, item);
    },
    async begin(id, { purge, work, ...facts }) {
      const told: Item = { ...numbers(facts), work: string(work) };
      if (purge !== undefined) told.purge = string(purge);
      const isOurs = 'attribute_not_exists(#work) OR #work = :work';
      const begun = await ifCondition(setOnce(id, told, { when: isOurs }));
      const job = begun ?? (await read(id)) ?? {};
      if (begun) await putIndex(id, begun);
      return { purge: job.purge?.S, work: job.work?.S ?? work };
    },
    async conflict(id, { atMs, work }) {
      await setOnceBegun(id, { conflictAtMs: number(atMs), conflictWork: string(work) });
    },
    async purged(id, { invalidations, unpurgeable, collateral, ...facts }) {
      await setOnce(id, {
        ...numbers(facts),
        invalidations: { L: (invalidations ?? []).map(string) },
        ...(unpurgeable && { unpurgeable: string(JSON.stringify(unpurgeable)) }),
        ...(collateral && { collateral: string(JSON.stringify(collateral)) }),
      });
    },
    async refused(id, { reason, ...times }) {
      const refused = { M: { ...numbers(times), reason: string(reason) } };
      const job = await setOnceBegun(id, { refused });
      return numberOf(job?.refused?.M?.atMs) === times.atMs;
    },
    async planned(id, plan) {
      await setOnceBegun(id, { planned: string(JSON.stringify(boundedPlan(plan))) });
    },
    async warming(id, { warmParts = [], ...facts }) {
      const told = { ...numbers(facts), warmParts: { L: warmParts.map(string) } };
      const job = factsOf(id, await setOnce(id, told));
      const isFirst = job.warmingAtMs === facts.warmingAtMs;
      return isFirst && isWarmed(job) ? job : undefined;
    },
    async warmed(id, part, result) {
      const first = await setPart(id, part, {
        set: `${PART} = if_not_exists(${PART}, :result)`,
        when: 'attribute_exists(parts)', // one that has expired is not made again by its last warm
        result,
      });
      const told = first?.parts[part];
      if (!first || !told) return undefined;
      if (isSame(told, result)) return endedBy(part, first);
      if (!replaces(result, told)) return undefined;
      const when = `attribute_exists(${PART}.lost) OR attribute_exists(${PART}.doubted)`;
      const job = await setPart(id, part, { set: `${PART} = :result`, when, result });
      // it had ended with the lost part: it ends anew when none is left
      return job && !(told.lost && hasLost(job)) ? endedBy(part, job) : undefined;
    },
    async completed(id, completedAtMs) {
      await setOnceBegun(id, numbers({ completedAtMs }));
    },
    async doubted(id, facts) {
      await putIndex(id, await setOnce(id, numbers(facts)));
    },
    async failed(id, { failedAtMs, error, requestedAtMs = failedAtMs }) {
      const anew = { ...numbers({ failedAtMs }), error: string(error) };
      await putIndex(id, await setOnce(id, numbers({ requestedAtMs }), { anew }));
    },
    async recent({ before, limit }) {
      const asked = Math.min(limit, BATCH_MAX);
      const placed: { place: string; id: string }[] = [];
      const nowMs = clock.now();
      const beforeMs = Number.parseInt(before ?? 'none', 10); // a place begins with its time
      const fromMs = Math.min(nowMs + AHEAD_MS, beforeMs || Number.POSITIVE_INFINITY);
      for (const day of daysBack(fromMs, nowMs - KEPT_DAYS * DAY_MS)) {
        if (placed.length === asked) break;
        const page = { before: before ?? NEWEST, limit: asked - placed.length };
        placed.push(...(await readDay(day, page)));
      }
      const items = await readBatch(
        call,
        table,
        [...new Set(placed.map(({ id }) => id))].map(jobKey),
      );
      const byId = new Map(items.map((item) => [item.id?.S ?? '', item]));
      const jobs = placed.flatMap(({ id }) => {
        const item = byId.get(id);
        return item ? [factsOf(id, item)] : []; // gone by its expiry
      });
      const next = placed.length === asked ? placed.at(-1)?.place : undefined;
      return { jobs, ...(next === undefined ? {} : { next }) };
    },
  };
}

const PART = 'parts.#part';

function endedBy(part: string, job: JobFacts): JobFacts | undefined {
  return job.warmParts?.includes(part) && isWarmed(job) ? job : undefined;
}

function isSame(one: WarmResult, other: WarmResult): boolean {
  return one.atMs === other.atMs && one.lost === other.lost && one.doubted === other.doubted;
}

/** After every place: they begin with digits. */
const NEWEST = ':';

/** From the day of one moment back to that of another, both included. */
function* daysBack(fromMs: number, toMs: number): Generator<string> {
  const last = dayOf(toMs);
  for (let atMs = fromMs; dayOf(atMs) >= last; atMs -= DAY_MS) yield dayOf(atMs);
}

interface Terms {
  readonly when?: string;
  readonly anew?: Item;
}

function numbers(facts: Readonly<Record<string, number | undefined>>): Item {
  const set = Object.entries(facts).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, number(value)] as const],
  );
  return Object.fromEntries(set);
}

function factsOf(id: string, item: Item): JobFacts {
  const set = [...TIMES, ...COUNTS].flatMap((name) => {
    const value = numberOf(item[name]);
    return value === undefined ? [] : [[name, value] as const];
  });
  const parts = Object.entries(item.parts?.M ?? {}).map(
    ([part, { M }]) => [part, resultOf(M ?? {})] as const,
  );
  const texts = TEXTS.flatMap((name) => {
    const text = item[name]?.S;
    return text === undefined ? [] : [[name, text] as const];
  });
  return {
    id,
    requestedAtMs: 0,
    tags: 0,
    urls: 0,
    ...Object.fromEntries(set),
    ...Object.fromEntries(texts),
    ...(item.refused?.M ? { refused: refusalOf(item.refused.M) } : {}),
    ...(item.planned?.S === undefined ? {} : { planned: JSON.parse(item.planned.S) as JobPlan }),
    ...(item.unpurgeable?.S === undefined ? {} : { unpurgeable: JSON.parse(item.unpurgeable.S) }),
    ...(item.collateral?.S === undefined ? {} : { collateral: JSON.parse(item.collateral.S) }),
    ...(item.warmParts?.L ? { warmParts: strings(item.warmParts) } : {}),
    ...(item.invalidations?.L ? { invalidations: strings(item.invalidations) } : {}),
    parts: Object.fromEntries(parts),
  };
}

function refusalOf({ atMs, reason, oldUntilMs }: Item): NonNullable<JobFacts['refused']> {
  const until = numberOf(oldUntilMs);
  const facts = { atMs: numberOf(atMs) ?? 0, reason: reason?.S ?? '' };
  return until === undefined ? facts : { ...facts, oldUntilMs: until };
}

function resultItem({ stale, failed, lost, doubted, ...counts }: WarmResult): AttributeValue {
  return {
    M: {
      ...numbers(counts),
      stale: { L: stale.map(string) },
      failed: { L: failed.map(string) },
      ...(lost && { lost: { BOOL: true } }),
      ...(doubted && { doubted: { BOOL: true } }),
    },
  };
}

function resultOf(item: Item): WarmResult {
  const count = (name: string) => numberOf(item[name]) ?? 0;
  return {
    atMs: count('atMs'),
    warmed: count('warmed'),
    stale: strings(item.stale),
    staleCount: count('staleCount'),
    failed: strings(item.failed),
    failedCount: count('failedCount'),
    ...(item.lost?.BOOL && { lost: true }),
    ...(item.doubted?.BOOL && { doubted: true }),
  };
}

function strings(list: AttributeValue | undefined): string[] {
  return (list?.L ?? []).flatMap(({ S }) => S ?? []);
}
