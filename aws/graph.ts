/**
 * The graph in DynamoDB: edges and epochs in the one table (core/keys.ts has the keys).
 *
 *     tag#post:42#0 | url#/posts/42 | { expires: 1767225600, byPath?: true, url? }
 *     tag#post:42   | #             | { epoch: 1767222000123, job, expires }
 *     url#/posts/42 | #             | { tags, marks: { <tag set>: { until, at } }, until, epoch?, job?,
 *                                       status, etag?, recordedAt, expires, url? }
 *
 * `expires` is DynamoDB's broom (seconds); it lags by days, so every read compares it itself. An expiry never
 * shrinks: a page cached for a day in one place and re-rendered for a minute in another needs its edge for the day.
 * That takes a conditional UpdateItem per edge; BatchWriteItem has no conditions.
 * @module
 */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { EDGE_PREFIX, edgeKey, edgesOf, isHashed, type Key, tagKey, urlKey } from '../core/keys';
import { inParallel } from '../core/parallel';
import type { Edge, EdgeWrite, Graph, Look, Mark, UrlRecord, UrlWrite } from '../core/ports';
import type { Url } from '../core/urls';
import {
  type DynamoCall,
  type Item,
  ifCondition,
  keyItem,
  number,
  numberOf,
  string,
} from './dynamo';

const BATCH_KEYS_MAX = 100;
const WRITES_AT_ONCE = 50;
/** Epochs live a day: far longer than any render. */
const DAY_SECONDS = 86_400;
/** An epoch's item may be made to live longer this much later than its epoch. */
const TARDY_SECONDS = 60;

const NAMES = { '#expires': 'expires', '#until': 'until', '#status': 'status', '#url': 'url' };

/** DynamoDB refuses names that an expression does not use. */
function namesIn(...expressions: (string | undefined)[]): Record<string, string> | undefined {
  const used = Object.entries(NAMES).filter(([name]) =>
    expressions.some((it) => it?.includes(name)),
  );
  return used.length > 0 ? Object.fromEntries(used) : undefined;
}

export function dynamoGraph(call: DynamoCall, table: string): Graph {
  const update = (
    key: Key,
    write: { set: string; when?: string; values: Item; returns?: 'ALL_NEW' },
  ) =>
    call('UpdateItem', {
      TableName: table,
      Key: keyItem(key),
      UpdateExpression: `SET ${write.set}`,
      ConditionExpression: write.when,
      ExpressionAttributeNames: namesIn(write.set, write.when),
      ExpressionAttributeValues: write.values,
      ReturnValues: write.returns,
    });

  /** Items by partition key; undefined when some could not be read: unknown is not "none". */
  async function readAll(keys: readonly Key[]): Promise<Map<string, Item> | undefined> {
    const found = new Map<string, Item>();
    for (let at = 0; at < keys.length; at += BATCH_KEYS_MAX) {
      const Keys = keys.slice(at, at + BATCH_KEYS_MAX).map(keyItem);
      const { Responses, UnprocessedKeys } = await call('BatchGetItem', {
        RequestItems: { [table]: { Keys, ConsistentRead: true } },
      });
      if (Object.keys(UnprocessedKeys ?? {}).length > 0) return undefined;
      for (const item of Responses?.[table] ?? []) found.set(item.pk?.S ?? '', item);
    }
    return found;
  }

  async function putEdge(
    url: Url,
    { tag, byPath }: EdgeWrite,
    untilSeconds: number,
  ): Promise<void> {
    const key = edgeKey(tag, url);
    const also = `${byPath ? ', byPath = :yes' : ''}${isHashed(url) ? ', #url = :url' : ''}`;
    const written = await ifCondition(
      update(key, {
        set: `#expires = :until${also}`,
        when: 'attribute_not_exists(#expires) OR #expires < :until',
        values: {
          ':until': number(untilSeconds),
          ...(byPath ? { ':yes': { BOOL: true } } : {}),
          ...(isHashed(url) ? { ':url': string(url) } : {}),
        },
      }),
    );
    // it lives longer already, perhaps from a render whose tag CloudFront did keep
    if (!written && byPath)
      await update(key, { set: 'byPath = :yes', values: { ':yes': { BOOL: true } } });
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
    async look(url, tags): Promise<Look> {
      const found = await readAll([urlKey(url), ...tags.map(tagKey)]);
      const own = found?.get(urlKey(url).pk);
      return { record: own && recordOf(own), epochMs: newestEpoch(found) };
    },

    async epochOf(tags) {
      return newestEpoch(await readAll(tags.map(tagKey)));
    },

    async putEdges(url, edges, untilSeconds) {
      await inParallel(edges, WRITES_AT_ONCE, (edge) => putEdge(url, edge, untilSeconds));
    },

    async putUrl(url, write) {
      const also = `${write.etag ? ', etag = :etag' : ''}${isHashed(url) ? ', #url = :url' : ''}`;
      const written = await ifCondition(
        update(urlKey(url), {
          set: `tags = :tags, marks = :marks, #until = :until, #expires = :expires, #status = :status, recordedAt = :at${also}`,
          when: 'attribute_not_exists(#until) OR #until <= :until',
          values: {
            ':tags': { L: write.tags.map(string) },
            ':marks': marksItem(write.marks),
            ':until': number(write.untilSeconds),
            ':expires': number(write.untilSeconds + DAY_SECONDS),
            ':status': number(write.status),
            ':at': number(write.recordedAtMs),
            ...(write.etag ? { ':etag': string(write.etag) } : {}),
            ...(isHashed(url) ? { ':url': string(url) } : {}),
          },
          returns: 'ALL_NEW',
        }),
      );
      return written && (numberOf(written.Attributes?.epoch) ?? 0);
    },

    async putEpochs({ tags, urls, epochMs, job }) {
      const expires = number(Math.floor(epochMs / 1_000) + DAY_SECONDS);
      await inParallel(tags, WRITES_AT_ONCE, (tag) =>
        ifCondition(
          update(tagKey(tag), {
            set: 'epoch = :epoch, job = :job, #expires = :expires',
            when: 'attribute_not_exists(epoch) OR epoch < :epoch',
            values: { ':epoch': number(epochMs), ':job': string(job), ':expires': expires },
          }),
        ),
      );
      await inParallel(urls, WRITES_AT_ONCE, (url) => putUrlEpoch(url, { epochMs, job }));
    },

    async *edges(tag, nowSeconds): AsyncGenerator<Edge> {
      let from: Item | undefined;
      do {
        const { Items, LastEvaluatedKey } = await call('Query', {
          TableName: table,
          KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
          FilterExpression: '#expires > :now',
          ExpressionAttributeNames: { '#expires': 'expires' },
          ExpressionAttributeValues: {
            ':pk': string(edgesOf(tag)),
            ':prefix': string(EDGE_PREFIX),
            ':now': number(nowSeconds),
          },
          ConsistentRead: true,
          ExclusiveStartKey: from,
        });
        for (const item of Items ?? []) yield edgeOf(item);
        from = LastEvaluatedKey;
      } while (from);
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

function newestEpoch(found: ReadonlyMap<string, Item> | undefined): number | undefined {
  if (!found) return undefined;
  return Math.max(0, ...[...found.values()].map((item) => numberOf(item.epoch) ?? 0));
}

/** Undefined when nothing was recorded: a revalidated url has an item with its epoch alone. */
function recordOf(item: Item): UrlRecord | undefined {
  const untilSeconds = numberOf(item.until);
  if (untilSeconds === undefined) return undefined;
  const marks = Object.entries(item.marks?.M ?? {}).map(
    ([tagSet, mark]) => [tagSet, markOf(mark)] as const,
  );
  return { untilSeconds, marks: Object.fromEntries(marks) };
}

function markOf({ M }: AttributeValue): Mark {
  return {
    untilSeconds: numberOf(M?.until) ?? 0,
    atMs: numberOf(M?.at) ?? Number.POSITIVE_INFINITY, // a mark without a time proves nothing
  };
}

function marksItem(marks: UrlWrite['marks']): AttributeValue {
  const items = Object.entries(marks).map(([tagSet, { untilSeconds, atMs }]) => {
    return [tagSet, { M: { until: number(untilSeconds), at: number(atMs) } }] as const;
  });
  return { M: Object.fromEntries(items) };
}

function edgeOf(item: Item): Edge {
  const url = item.url?.S ?? item.sk?.S?.slice(EDGE_PREFIX.length) ?? '';
  return { url: url as Url, byPath: item.byPath?.BOOL === true };
}
