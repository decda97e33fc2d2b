/**
 * The ledger in DynamoDB: an item a month with the sum, and a row for each purge that was counted.
 *
 *     ledger#2026-11 | #                | { items: 1234, note#1767222000123#9f86d081…: 2 }
 *     ledger#2026-11 | purge#9f86d081…  | { items: 2, expires }
 *
 * A purge may be told twice, by two who know nothing of each other. So its items are added together with a note, in one
 * write that fails where the note is. Notes give way to rows when no function that has not found the
 * row can still be alive: at a purge a second the month's item carries a thousand of them.
 * @module
 */
import { ledgerKey } from '../core/keys';
import type { Ledger } from '../core/ports';
import {
  type DynamoCall,
  type Item,
  ifCondition,
  keyItem,
  number,
  numberOf,
  readItem,
  updateOf,
} from './dynamo';

/** The month after the next: a purge that is told again is told within a fortnight. */
const KEPT_SECONDS = 62 * 86_400;
/** A Lambda function runs for 15 minutes at most (Lambda, gettingstarted-limits); the clocks of two are a second apart. */
const NOTED_MS = 901_000;
const NOTE = /^note#(\d+)#/;
/** A sweep of more would be too long an expression; the next one takes the rest. */
const SWEPT_MAX = 100;

export function dynamoLedger(call: DynamoCall, table: string): Ledger {
  const update = updateOf(call, table);

  /** Adds, unless the note says that it was. @returns the month's item as it is then */
  async function add(month: string, note: string, items: number): Promise<Item | undefined> {
    const added = await ifCondition(
      update(ledgerKey(month), {
        set: '#items = if_not_exists(#items, :none) + :items, #note = :items',
        when: 'attribute_not_exists(#note)',
        names: { '#note': note, '#items': 'items' },
        values: { ':items': number(items), ':none': number(0) },
        returns: 'ALL_NEW',
      }),
    );
    return added?.Attributes;
  }

  async function sweep(month: string, item: Item, beforeMs: number): Promise<void> {
    const old = Object.keys(item).filter((name) => Number(NOTE.exec(name)?.[1]) < beforeMs);
    const swept = old.slice(0, SWEPT_MAX).map((name, at) => [`#n${at}`, name] as const);
    if (swept.length === 0) return;
    await call('UpdateItem', {
      TableName: table,
      Key: keyItem(ledgerKey(month)),
      UpdateExpression: `REMOVE ${swept.map(([short]) => short).join(', ')}`,
      ExpressionAttributeNames: Object.fromEntries(swept),
    });
  }

  return {
    async used(atMs) {
      const item = await readItem(call, table, ledgerKey(monthOf(atMs)));
      return numberOf(item?.items) ?? 0;
    },

    async charge(purge, items, atMs) {
      const month = monthOf(atMs);
      const row = { ...ledgerKey(month), sk: `purge#${purge}` };
      if (await readItem(call, table, row)) return;
      const sum = await add(month, `note#${atMs}#${purge}`, items);
      await update(row, {
        set: '#items = :items, #expires = :expires',
        names: { '#items': 'items' },
        values: {
          ':items': number(items),
          ':expires': number(Math.floor(atMs / 1_000) + KEPT_SECONDS),
        },
      });
      if (sum) await sweep(month, sum, atMs - NOTED_MS);
    },
  };
}

/** `2026-11`, UTC. */
function monthOf(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 7);
}
