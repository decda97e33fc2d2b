/**
 * What the recorder needs of the graph, and no more: every miss in the world pays for the edge's bundle.
 *
 *     tag#post:42   | #             | { epoch: 1767222000123, job, revalidations, expires, shards?, lasting? }
 *     urls#7        | url#/posts/42 | { tags, marks: { <tag set>: { until, at, native? } }, variants: { <variant>: until },
 *                                       heat, until, epoch?, job?, status, etag?, recordedAt, expires, url? }
 *
 * `expires` is DynamoDB's broom (seconds); it lags by days, so every read compares it itself.
 * @module
 */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { isHashed, type Key, tagKey, urlKey } from '../core/keys';
import type { Look, Mark, RecorderGraph, TagFacts, UrlRecord, UrlWrite } from '../core/ports';
import type { Tag } from '../core/tags';
import {
  type DynamoCall,
  type Item,
  ifCondition,
  keyItem,
  number,
  numberOf,
  string,
  updateOf,
} from './dynamo';
import { dynamoEdges } from './edges';

const BATCH_KEYS_MAX = 100;
/** Epochs live a day, and what a url is known by as long after its last copy: far longer than any render. */
export const DAY_SECONDS = 86_400;

export function dynamoRecorderGraph(call: DynamoCall, table: string): RecorderGraph {
  const update = updateOf(call, table);

  /** Items by their key; undefined when some could not be read: unknown is not "none". */
  async function readAll(keys: readonly Key[]): Promise<Map<string, Item> | undefined> {
    const found = new Map<string, Item>();
    for (let at = 0; at < keys.length; at += BATCH_KEYS_MAX) {
      const Keys = keys.slice(at, at + BATCH_KEYS_MAX).map(keyItem);
      const { Responses, UnprocessedKeys } = await call('BatchGetItem', {
        RequestItems: { [table]: { Keys, ConsistentRead: true } },
      });
      if (Object.keys(UnprocessedKeys ?? {}).length > 0) return undefined;
      for (const item of Responses?.[table] ?? []) found.set(nameOf(item.pk?.S, item.sk?.S), item);
    }
    return found;
  }

  return {
    ...dynamoEdges(call, table),

    async look(url, tags): Promise<Look> {
      const found = await readAll([urlKey(url), ...tags.map(tagKey)]);
      const own = found && foundAt(found, urlKey(url));
      const known = tags.flatMap((tag) => {
        const item = found && foundAt(found, tagKey(tag));
        return item ? [[tag, factsOf(item)] as const] : [];
      });
      return { record: own && recordOf(own), epochMs: newestEpoch(found), tags: new Map(known) };
    },

    async epochOf(tags) {
      return newestEpoch(await readAll(tags.map(tagKey)));
    },

    async putUrl(url, write) {
      const also = `${write.etag ? ', etag = :etag' : ''}${isHashed(url) ? ', #url = :url' : ''}`;
      const written = await ifCondition(
        update(urlKey(url), {
          set: `tags = :tags, marks = :marks, #until = :until, #expires = :expires, #status = :status, recordedAt = :at, variants = :variants, heat = :heat${also}`,
          when: 'attribute_not_exists(#until) OR #until <= :until',
          values: {
            ':tags': { L: write.tags.map(string) },
            ':marks': marksItem(write.marks),
            ':until': number(write.untilSeconds),
            ':expires': number(write.untilSeconds + DAY_SECONDS),
            ':status': number(write.status),
            ':at': number(write.recordedAtMs),
            ':variants': variantsItem(write.variants),
            ':heat': number(write.heat),
            ...(write.etag ? { ':etag': string(write.etag) } : {}),
            ...(isHashed(url) ? { ':url': string(url) } : {}),
          },
          returns: 'ALL_NEW',
        }),
      );
      return written && (numberOf(written.Attributes?.epoch) ?? 0);
    },

    async putVariants(url, variants) {
      await ifCondition(
        update(urlKey(url), {
          set: 'variants = :variants',
          when: 'attribute_exists(#until)',
          values: { ':variants': variantsItem(variants) },
        }),
      );
    },
  };
}

function factsOf(item: Item): TagFacts {
  return {
    shards: numberOf(item.shards) ?? 1,
    revalidations: numberOf(item.revalidations) ?? 0,
  };
}

const nameOf = (pk = '', sk = '') => `${pk} ${sk}`; // no key has a blank

function foundAt(found: ReadonlyMap<string, Item>, { pk, sk }: Key): Item | undefined {
  return found.get(nameOf(pk, sk));
}

function newestEpoch(found: ReadonlyMap<string, Item> | undefined): number | undefined {
  if (!found) return undefined;
  return Math.max(0, ...[...found.values()].map((item) => numberOf(item.epoch) ?? 0));
}

/** Undefined when nothing was recorded: a revalidated url has an item with its epoch alone. */
export function recordOf(item: Item): UrlRecord | undefined {
  const untilSeconds = numberOf(item.until);
  if (untilSeconds === undefined) return undefined;
  const marks = Object.entries(item.marks?.M ?? {}).map(
    ([tagSet, mark]) => [tagSet, markOf(mark)] as const,
  );
  const variants = Object.entries(item.variants?.M ?? {}).map(
    ([variant, until]) => [variant, numberOf(until) ?? 0] as const,
  );
  return {
    untilSeconds,
    marks: Object.fromEntries(marks),
    variants: Object.fromEntries(variants),
    heat: numberOf(item.heat) ?? 0,
    recordedAtMs: numberOf(item.recordedAt) ?? 0,
  };
}

function variantsItem(variants: UrlRecord['variants']): AttributeValue {
  const items = Object.entries(variants).map(([id, until]) => [id, number(until)] as const);
  return { M: Object.fromEntries(items) };
}

function markOf({ M }: AttributeValue): Mark {
  return {
    untilSeconds: numberOf(M?.until) ?? 0,
    atMs: numberOf(M?.at) ?? Number.POSITIVE_INFINITY, // a mark without a time proves nothing
    ...(M?.native?.L ? { native: M.native.L.flatMap(({ S }) => (S ?? []) as Tag[]) } : {}),
  };
}

function marksItem(marks: UrlWrite['marks']): AttributeValue {
  const items = Object.entries(marks).map(([tagSet, { untilSeconds, atMs, native }]) => {
    const mark = { until: number(untilSeconds), at: number(atMs) };
    const M: Item = native ? { ...mark, native: { L: native.map(string) } } : mark;
    return [tagSet, { M }] as const;
  });
  return { M: Object.fromEntries(items) };
}
