/**
 * The graph in DynamoDB: epochs and what is known of urls (core/keys.ts has the keys, edges.ts the edges).
 *
 *     tag#post:42   | #             | { epoch: 1767222000123, job, revalidations, expires, shards?, lasting? }
 *     urls#7        | url#/posts/42 | { tags, marks: { <tag set>: { until, at, native? } }, until, epoch?, job?,
 *                                       variants: { <variant>: until }, heat, status, etag?, recordedAt, expires, url? }
 *
 * `expires` is DynamoDB's broom (seconds); it lags by days, so every read compares it itself.
 * @module
 */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import {
  HASHED_PREFIX,
  isHashed,
  type Key,
  SHARDS,
  tagKey,
  URL_PREFIX,
  urlKey,
  urlsOf,
} from '../core/keys';
import { inParallel, merged } from '../core/parallel';
import type { Graph, Look, Mark, TagFacts, UrlRecord, UrlWrite } from '../core/ports';
import type { Tag } from '../core/tags';
import type { Url } from '../core/urls';
import {
  type DynamoCall,
  type Item,
  ifCondition,
  keyItem,
  number,
  numberOf,
  queryOf,
  SHARDS_READ_AT_ONCE,
  string,
  updateOf,
  urlIn,
} from './dynamo';
import { dynamoEdges } from './edges';

const BATCH_KEYS_MAX = 100;
const WRITES_AT_ONCE = 50;
/** Epochs live a day: far longer than any render. */
const DAY_SECONDS = 86_400;
/** An epoch's item may be made to live longer this much later than its epoch. */
const TARDY_SECONDS = 60;

export function dynamoGraph(call: DynamoCall, table: string): Graph {
  const update = updateOf(call, table);
  const query = queryOf(call, table);

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

  async function putUrlEpoch(url: Url, epoch: { epochMs: number; job: string }): Promise<void> {
    const nowSeconds = Math.floor(epoch.epochMs / 1_000);
    const day = number(nowSeconds + DAY_SECONDS);
    const also = isHashed(url) ? ', #url = :url' : '';
    const written = await ifCondition(
      update(urlKey(url), {
        set: `epoch = :epoch, job = :job, #expires = if_not_exists(#expires, :day)${also}`,
        when: 'attribute_not_exists(epoch) OR epoch < :epoch',
        values: {
          ':epoch': number(epoch.epochMs),
          ':job': string(epoch.job),
          ':day': day,
          ...(isHashed(url) ? { ':url': string(url) } : {}),
        },
        returns: 'ALL_NEW',
      }),
    );
    const expires = numberOf(written?.Attributes?.expires);
    if (expires === undefined || expires > nowSeconds + DAY_SECONDS - TARDY_SECONDS) return;
    await ifCondition(
      update(urlKey(url), {
        set: '#expires = :day',
        when: '#expires < :day',
        values: { ':day': day },
      }),
    );
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

    async putEpochs({ tags, urls, epochMs, job }) {
      const expires = number(Math.floor(epochMs / 1_000) + DAY_SECONDS);
      await inParallel(tags, WRITES_AT_ONCE, (tag) =>
        ifCondition(
          update(tagKey(tag), {
            set: 'epoch = :epoch, job = :job, revalidations = if_not_exists(revalidations, :none) + :one, #expires = if_not_exists(lasting, :expires)',
            when: 'attribute_not_exists(epoch) OR epoch < :epoch',
            values: {
              ':epoch': number(epochMs),
              ':job': string(job),
              ':none': number(0),
              ':one': number(1),
              ':expires': expires,
            },
          }),
        ),
      );
      await inParallel(urls, WRITES_AT_ONCE, (url) => putUrlEpoch(url, { epochMs, job }));
    },

    async *urls(prefix, nowSeconds) {
      const parts = Array.from({ length: SHARDS }, (_, at) => urlsOf(at)).flatMap((pk) => [
        query({ pk, prefix: URL_PREFIX + prefix, until: 'until', nowSeconds }),
        query({ pk, prefix: HASHED_PREFIX, until: 'until', nowSeconds }),
      ]);
      for await (const items of merged(parts, SHARDS_READ_AT_ONCE)) {
        yield items.map(urlIn).filter((url) => url.startsWith(prefix));
      }
    },

    async isLive(url, nowSeconds) {
      const { Item } = await call('GetItem', {
        TableName: table,
        Key: keyItem(urlKey(url)),
        ConsistentRead: true,
      });
      return (numberOf(Item?.until) ?? 0) > nowSeconds;
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
