/**
 * Purges in DynamoDB: who is in one, and by which items, each written once.
 *
 *     purge#open      | #               | { purge: '9f86d081…' }
 *     purge#9f86d081… | #               | { joins, joinedAt, join#<id>: { name: 'a94a8fe5…', parts: 1 }, …,
 *                                          epoch?, decision?: { name, parts }, seenAt?, doneAt?, expires }
 *     purge#9f86d081… | text#a94a8fe5…#0 | { text, expires }
 *     purge#9f86d081… | sent#5feceb66…   | { invalidation: 'I2J0I21PCUYOIK', expires }
 *
 * Lists may be longer than an item (400 KB), so they are texts of their own, named by their hash and written before the
 * item that names them: the item decides which of two writers counts, and neither overwrites the other's text.
 * @module
 */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { hash } from '../core/hash';
import { type Key, OPEN_PURGE_KEY, purgeKey } from '../core/keys';
import type { Clock, Decision, Joining, PurgeProgress, Purges } from '../core/ports';
import type { QueuedRevalidation } from '../core/revalidation';
import {
  type DynamoCall,
  type Item,
  ifCondition,
  number,
  numberOf,
  queryOf,
  readItem,
  string,
  type Update,
  updateOf,
} from './dynamo';

/** As long as a dead-letter queue may give a message back. */
const KEPT_SECONDS = 30 * 86_400;
/** An item holds 400 KB with its names (DDB, Constraints); a character may take four bytes. */
const TEXT_LENGTH_MAX = 90_000;
/** Names of so many texts fit into an item with room to spare. */
const JOINS_MAX = 1_000;
const JOIN_PREFIX = 'join#';
const SENT_PREFIX = 'sent#';

export function dynamoPurges(call: DynamoCall, table: string, clock: Pick<Clock, 'now'>): Purges {
  const nowSeconds = () => Math.floor(clock.now() / 1_000);
  const update = updateOf(call, table);
  const query = queryOf(call, table);

  /** Sets what an item may be set to once or under a condition. @returns undefined when that did not hold */
  const set = (key: Key, { set, values, ...more }: Update) =>
    ifCondition(
      update(key, {
        ...more,
        set: `${set}, #expires = :expires`,
        values: { ...values, ':expires': number(nowSeconds() + KEPT_SECONDS) },
        returns: 'ALL_NEW',
      }),
    );

  const textKey = (id: string, name: string, at: number) => ({
    ...purgeKey(id),
    sk: `text#${name}#${at}`,
  });

  async function putText(id: string, value: unknown): Promise<AttributeValue> {
    const text = JSON.stringify(value);
    const name = hash(text).slice(0, 16);
    const parts = Math.max(1, Math.ceil(text.length / TEXT_LENGTH_MAX));
    for (let at = 0; at < parts; at += 1) {
      const piece = text.slice(at * TEXT_LENGTH_MAX, (at + 1) * TEXT_LENGTH_MAX);
      await set(textKey(id, name, at), {
        set: '#text = :text',
        names: { '#text': 'text' },
        values: { ':text': string(piece) },
      });
    }
    return { M: { name: string(name), parts: number(parts) } };
  }

  async function getText<T>(id: string, named: AttributeValue): Promise<T> {
    const name = named.M?.name?.S ?? '';
    let text = '';
    for (let at = 0; at < (numberOf(named.M?.parts) ?? 0); at += 1) {
      const item = await readItem(call, table, textKey(id, name, at));
      if (item?.text?.S === undefined) throw new Error(`purge ${id} lacks its text ${name}#${at}`);
      text += item.text.S;
    }
    return JSON.parse(text);
  }

  async function itemOf(id: string): Promise<Item> {
    return (await readItem(call, table, purgeKey(id))) ?? {};
  }

  /** Whoever joins counts; a purge that is told the same again knows it. */
  async function putJoin(
    id: string,
    { id: joining, atMs, asked }: Joining,
    { when, values }: Pick<Update, 'when' | 'values'>,
  ) {
    return set(purgeKey(id), {
      set: '#join = :join, joinedAt = :at, joins = if_not_exists(joins, :none) + :one',
      when,
      names: { '#join': JOIN_PREFIX + joining },
      values: {
        ':join': await putText(id, asked),
        ':at': number(atMs),
        ':none': number(0),
        ':one': number(1),
        ...values,
      },
    });
  }

  async function sentOf(id: string): Promise<Map<string, string>> {
    const sent = new Map<string, string>();
    const rows = query({
      pk: purgeKey(id).pk,
      prefix: SENT_PREFIX,
      until: 'expires',
      nowSeconds: nowSeconds(),
    });
    for await (const page of rows) {
      for (const { sk, invalidation } of page) {
        sent.set(sk?.S?.slice(SENT_PREFIX.length) ?? '', invalidation?.S ?? '');
      }
    }
    return sent;
  }

  return {
    async current() {
      return (await readItem(call, table, OPEN_PURGE_KEY))?.purge?.S;
    },

    async announce(id, before) {
      const announced = await set(OPEN_PURGE_KEY, {
        set: 'purge = :id',
        when: before === undefined ? 'attribute_not_exists(purge)' : 'purge = :before',
        values: {
          ':id': string(id),
          ...(before === undefined ? {} : { ':before': string(before) }),
        },
      });
      return announced !== undefined;
    },

    async open(id, joining) {
      await putJoin(id, joining, { when: 'attribute_not_exists(epoch)', values: {} });
    },

    async join(id, joining) {
      const { epochMs, joins } = progressOf(await itemOf(id));
      // mostly the last purge is closed: who joins it then leaves no text behind, which nothing would name
      if (epochMs !== undefined || joins === 0 || joins >= JOINS_MAX) return false;
      const joined = await putJoin(id, joining, {
        when: 'attribute_not_exists(epoch) AND joins < :max', // one that is not there has no joins
        values: { ':max': number(JOINS_MAX) },
      });
      return joined !== undefined;
    },

    async progress(id) {
      return progressOf(await itemOf(id));
    },

    async close(id, epochMs, joins) {
      const closed = await set(purgeKey(id), {
        set: 'epoch = :epoch, seenAt = :now',
        when: 'attribute_not_exists(epoch) AND joins = :joins',
        values: {
          ':epoch': number(epochMs),
          ':now': number(clock.now()),
          ':joins': number(joins),
        },
      });
      return closed !== undefined;
    },

    async get(id) {
      const item = await itemOf(id);
      const epochMs = numberOf(item.epoch);
      if (epochMs === undefined) throw new Error(`the purge ${id} is not closed`);
      const joins = Object.keys(item).filter((name) => name.startsWith(JOIN_PREFIX));
      const asked: QueuedRevalidation[] = [];
      for (const name of joins.sort()) {
        asked.push(...(await getText<QueuedRevalidation[]>(id, item[name] as AttributeValue)));
      }
      if (!item.decision) return { epochMs, asked: unique(asked), sent: new Map() };
      const decision = await getText<Decision>(id, item.decision);
      return { epochMs, asked: unique(asked), decision, sent: await sentOf(id) };
    },

    async decide(id, decision) {
      const named = await putText(id, decision);
      const decided = await set(purgeKey(id), {
        set: 'decision = if_not_exists(decision, :decision)',
        values: { ':decision': named },
      });
      const first = decided?.Attributes?.decision;
      return first?.M?.name?.S === named.M?.name?.S ? decision : getText(id, first ?? named);
    },

    async sent(id, reference, invalidation) {
      await set(
        { ...purgeKey(id), sk: SENT_PREFIX + reference },
        { set: 'invalidation = :it', values: { ':it': string(invalidation) } },
      );
    },

    async seen(id, atMs) {
      await set(purgeKey(id), { set: 'seenAt = :at', values: { ':at': number(atMs) } });
    },

    async claim(id, atMs, before) {
      const claimed = await set(purgeKey(id), {
        set: 'seenAt = :at',
        when: 'seenAt = :before',
        values: { ':at': number(atMs), ':before': number(before) },
      });
      return claimed !== undefined;
    },

    async done(id, atMs) {
      await set(purgeKey(id), {
        set: 'doneAt = if_not_exists(doneAt, :at)',
        values: { ':at': number(atMs) },
      });
    },
  };
}

function progressOf(item: Item): PurgeProgress {
  const at = {
    epochMs: numberOf(item.epoch),
    seenAtMs: numberOf(item.seenAt),
    doneAtMs: numberOf(item.doneAt),
  };
  const set = Object.entries(at).filter(([, value]) => value !== undefined);
  return {
    joinedAtMs: numberOf(item.joinedAt) ?? 0,
    joins: numberOf(item.joins) ?? 0,
    ...Object.fromEntries(set),
  };
}

/** A message that was delivered twice may have joined twice, in different company. */
function unique(asked: readonly QueuedRevalidation[]): QueuedRevalidation[] {
  return [...new Map(asked.map((it) => [it.messageId, it])).values()];
}
