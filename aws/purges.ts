/**
 * Purges in DynamoDB: who is in one, and by which items, each written once.
 *
 *     purge#9f86d081… | #               | { work: 'a94a8fe5…', workParts: 1, items?: 'de9f2c7f…', itemsParts?: 1, expires }
 *     purge#9f86d081… | text#a94a8fe5…#0 | { text, expires }
 *
 * Lists may be longer than an item (400 KB), so they are texts of their own, named by their hash and written before the
 * item that names them: the item decides which of two writers counts, and neither overwrites the other's text.
 * @module
 */
import { hash } from '../core/hash';
import { purgeKey } from '../core/keys';
import type { Clock, Purges, PurgeWork } from '../core/ports';
import { type DynamoCall, type Item, keyItem, number, numberOf, string } from './dynamo';

/** As long as a dead-letter queue may give a message back. */
const KEPT_SECONDS = 30 * 86_400;
/** An item holds 400 KB with its names (DDB, Constraints); a character may take four bytes. */
const TEXT_LENGTH_MAX = 90_000;

export function dynamoPurges(call: DynamoCall, table: string, clock: Pick<Clock, 'now'>): Purges {
  const expires = () => number(Math.floor(clock.now() / 1_000) + KEPT_SECONDS);
  const keyOf = (id: string, name: string, at: number) => ({
    ...purgeKey(id),
    sk: `text#${name}#${at}`,
  });

  async function putText(id: string, text: string): Promise<{ name: string; parts: number }> {
    const name = hash(text).slice(0, 16);
    const parts = Math.max(1, Math.ceil(text.length / TEXT_LENGTH_MAX));
    for (let at = 0; at < parts; at += 1) {
      const piece = text.slice(at * TEXT_LENGTH_MAX, (at + 1) * TEXT_LENGTH_MAX);
      await call('UpdateItem', {
        TableName: table,
        Key: keyItem(keyOf(id, name, at)),
        UpdateExpression: 'SET #text = :text, #expires = :expires',
        ExpressionAttributeNames: { '#text': 'text', '#expires': 'expires' },
        ExpressionAttributeValues: { ':text': string(piece), ':expires': expires() },
      });
    }
    return { name, parts };
  }

  async function getText(id: string, name: string, parts: number): Promise<string> {
    let text = '';
    for (let at = 0; at < parts; at += 1) {
      const Key = keyItem(keyOf(id, name, at));
      const { Item } = await call('GetItem', { TableName: table, Key, ConsistentRead: true });
      if (Item?.text?.S === undefined) throw new Error(`purge ${id} lacks its text ${name}#${at}`);
      text += Item.text.S;
    }
    return text;
  }

  /** @returns the text that counts: this one, or what was there before */
  async function setOnce(id: string, field: 'work' | 'items', text: string): Promise<string> {
    const { name, parts } = await putText(id, text);
    const partsField = `${field}Parts`;
    const { Attributes } = await call('UpdateItem', {
      TableName: table,
      Key: keyItem(purgeKey(id)),
      UpdateExpression:
        'SET #name = if_not_exists(#name, :name), #parts = if_not_exists(#parts, :parts), #expires = :expires',
      ExpressionAttributeNames: { '#name': field, '#parts': partsField, '#expires': 'expires' },
      ExpressionAttributeValues: {
        ':name': string(name),
        ':parts': number(parts),
        ':expires': expires(),
      },
      ReturnValues: 'ALL_NEW',
    });
    return Attributes?.[field]?.S === name
      ? text
      : ((await textOf(id, Attributes ?? {}, field)) ?? text);
  }

  async function textOf(
    id: string,
    item: Item,
    field: 'work' | 'items',
  ): Promise<string | undefined> {
    const name = item[field]?.S;
    return name === undefined ? undefined : getText(id, name, numberOf(item[`${field}Parts`]) ?? 0);
  }

  return {
    async open(id, work) {
      return JSON.parse(await setOnce(id, 'work', JSON.stringify(work))) as PurgeWork;
    },
    async get(id) {
      const Key = keyItem(purgeKey(id));
      const { Item } = await call('GetItem', { TableName: table, Key, ConsistentRead: true });
      const work = Item && (await textOf(id, Item, 'work'));
      if (!work) return undefined;
      const items = await textOf(id, Item, 'items');
      return {
        work: JSON.parse(work),
        ...(items === undefined ? {} : { items: JSON.parse(items) }),
      };
    },
    async decide(id, items) {
      return JSON.parse(await setOnce(id, 'items', JSON.stringify(items))) as string[];
    },
  };
}
