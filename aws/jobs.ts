/**
 * Jobs in DynamoDB: facts that are set once or grow.
 *
 *     job#c6af9ac6-… | # | { requestedAtMs, purgingAtMs?, purgedAtMs?, …, parts: { <part>: { atMs, warmed, … } }, expires }
 *
 * @module
 */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { JobFacts, WarmResult } from '../core/jobs';
import { jobKey } from '../core/keys';
import type { Clock, Jobs } from '../core/ports';
import {
  type DynamoCall,
  type Item,
  ifCondition,
  keyItem,
  number,
  numberOf,
  string,
} from './dynamo';

const KEPT_SECONDS = 30 * 86_400;

/** Written once; a repeated message changes nothing. */
const TIMES = ['requestedAtMs', 'purgingAtMs', 'purgedAtMs', 'warmingAtMs', 'failedAtMs'] as const;
const COUNTS = ['epochMs', 'tags', 'urls', 'items', 'skipped', 'covered', 'warmUrls'] as const;

export function dynamoJobs(call: DynamoCall, table: string, clock: Pick<Clock, 'now'>): Jobs {
  /** Sets what is not set yet. @returns the job as it is then */
  async function setOnce(id: string, facts: Item): Promise<Item> {
    const all: Item = {
      ...facts,
      id: string(id),
      expires: number(Math.floor(clock.now() / 1_000) + KEPT_SECONDS),
      parts: { M: {} },
    };
    const names = Object.keys(all);
    const { Attributes = {} } = await call('UpdateItem', {
      TableName: table,
      Key: keyItem(jobKey(id)),
      UpdateExpression: `SET ${names.map((name) => `#${name} = if_not_exists(#${name}, :${name})`).join(', ')}`,
      ExpressionAttributeNames: Object.fromEntries(names.map((name) => [`#${name}`, name])),
      ExpressionAttributeValues: Object.fromEntries(
        names.map((name) => [`:${name}`, all[name] as AttributeValue]),
      ),
      ReturnValues: 'ALL_NEW',
    });
    return Attributes;
  }

  return {
    async get(id) {
      const { Item } = await call('GetItem', {
        TableName: table,
        Key: keyItem(jobKey(id)),
        ConsistentRead: true,
      });
      return Item && factsOf(id, Item);
    },
    async begin(id, { purge, ...facts }) {
      const job = await setOnce(id, { ...numbers(facts), purge: string(purge) });
      return job.purge?.S ?? purge;
    },
    async purged(id, { invalidations, ...facts }) {
      await setOnce(id, {
        ...numbers(facts),
        invalidations: { L: (invalidations ?? []).map(string) },
      });
    },
    async warming(id, { warmParts = [], ...facts }) {
      await setOnce(id, { ...numbers(facts), warmParts: { L: warmParts.map(string) } });
    },
    async warmed(id, part, result) {
      // a job that has expired meanwhile is not made again by its last warm
      await ifCondition(
        call('UpdateItem', {
          TableName: table,
          Key: keyItem(jobKey(id)),
          UpdateExpression: 'SET parts.#part = if_not_exists(parts.#part, :result)',
          ConditionExpression: 'attribute_exists(parts)',
          ExpressionAttributeNames: { '#part': part },
          ExpressionAttributeValues: { ':result': resultItem(result) },
        }),
      );
    },
    async failed(id, { failedAtMs, error }) {
      await setOnce(id, numbers({ requestedAtMs: failedAtMs, tags: 0, urls: 0 }));
      await call('UpdateItem', {
        TableName: table,
        Key: keyItem(jobKey(id)),
        UpdateExpression: 'SET failedAtMs = :at, #error = :error',
        ExpressionAttributeNames: { '#error': 'error' },
        ExpressionAttributeValues: { ':at': number(failedAtMs), ':error': string(error) },
      });
    },
  };
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
  return {
    id,
    requestedAtMs: 0,
    tags: 0,
    urls: 0,
    ...Object.fromEntries(set),
    ...(item.error?.S === undefined ? {} : { error: item.error.S }),
    ...(item.purge?.S === undefined ? {} : { purge: item.purge.S }),
    ...(item.warmParts?.L ? { warmParts: strings(item.warmParts) } : {}),
    ...(item.invalidations?.L ? { invalidations: strings(item.invalidations) } : {}),
    parts: Object.fromEntries(parts),
  };
}

function resultItem({ stale, failed, ...counts }: WarmResult): AttributeValue {
  return {
    M: { ...numbers(counts), stale: { L: stale.map(string) }, failed: { L: failed.map(string) } },
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
  };
}

function strings(list: AttributeValue | undefined): string[] {
  return (list?.L ?? []).flatMap(({ S }) => S ?? []);
}
