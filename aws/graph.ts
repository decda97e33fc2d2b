/**
 * The graph in DynamoDB, for the workers: what recorder-graph.ts has, and epochs, edges and urls as they are read
 * (core/keys.ts has the keys).
 * @module
 */
import {
  edgesOf,
  HASHED_PREFIX,
  isHashed,
  SHARDS,
  tagKey,
  URL_PREFIX,
  urlKey,
  urlsOf,
} from '../core/keys';
import { inParallel, merged } from '../core/parallel';
import type { Edge, Graph } from '../core/ports';
import type { Tag } from '../core/tags';
import type { Url } from '../core/urls';
import {
  type DynamoCall,
  type Item,
  ifCondition,
  number,
  numberOf,
  queryOf,
  readItem,
  string,
  updateOf,
  urlIn,
} from './dynamo';
import { DAY_SECONDS, dynamoRecorderGraph } from './recorder-graph';

const WRITES_AT_ONCE = 50;
const SHARDS_READ_AT_ONCE = 8;

export function dynamoGraph(call: DynamoCall, table: string): Graph {
  const update = updateOf(call, table);
  const query = queryOf(call, table);

  /**
   * An epoch and an expiry that outlives it come in one write, or a lost answer would leave the one without the other. A
   * record that lives longer anyway keeps its expiry; between the two writes no expiry falls below a day.
   */
  async function putUrlEpoch(url: Url, epoch: { epochMs: number; job: string }): Promise<void> {
    const also = isHashed(url) ? ', #url = :url' : '';
    const set = `epoch = :epoch, job = :job${also}`;
    const values = {
      ':epoch': number(epoch.epochMs),
      ':job': string(epoch.job),
      ':day': number(Math.floor(epoch.epochMs / 1_000) + DAY_SECONDS),
      ...(isHashed(url) ? { ':url': string(url) } : {}),
    };
    const put = (set: string, when: string) =>
      ifCondition(update(urlKey(url), { set, when, values }));
    const written = await put(
      `${set}, #expires = :day`,
      '(attribute_not_exists(epoch) OR epoch <= :epoch) AND (attribute_not_exists(#expires) OR #expires < :day)',
    );
    if (written) return;
    await put(set, '(attribute_not_exists(epoch) OR epoch < :epoch) AND #expires >= :day');
  }

  async function shardsOf(tag: Tag): Promise<number> {
    return numberOf((await readItem(call, table, tagKey(tag)))?.shards) ?? 1;
  }

  return {
    ...dynamoRecorderGraph(call, table),

    async *edges(tag, nowSeconds) {
      const shards = Array.from({ length: await shardsOf(tag) }, (_, at) =>
        query({ pk: edgesOf(tag, at), prefix: URL_PREFIX, until: 'expires', nowSeconds }),
      );
      for await (const items of merged(shards, SHARDS_READ_AT_ONCE)) yield items.map(edgeOf);
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
      const item = await readItem(call, table, urlKey(url));
      return (numberOf(item?.until) ?? 0) > nowSeconds;
    },
  };
}

function edgeOf(item: Item): Edge {
  const untilSeconds = numberOf(item.expires) ?? 0;
  return { url: urlIn(item), byPath: item.byPath?.BOOL === true, untilSeconds };
}
