/**
 * The ledger in DynamoDB: an item a month with the sum, and a row for each purge that was counted.
 *
 *     ledger#2026-11 | #                | { items: 1234, note#9f86d081…: { items: 2, at: 1767222000123 } }
 *     ledger#2026-11 | purge#9f86d081…  | { items: 2, at: 1767222000130, expires }
 *
 * A purge may be told twice, by two who know nothing of each other. So its items are added together with a note, in one
 * write that fails where the note is; then the row is written, and who finds that adds nothing. A note is taken away when
 * its row has been there for so long that nobody who has not found it can still be alive. One whose worker died before
 * the row is given it by a later charge.
 * @module
 */
import { ledgerKey } from '../core/keys';
import type { Clock, Ledger } from '../core/ports';
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
const LIFE_MS = 901_000;
const NOTE = 'note#';
/** A charge tidies up so many notes, and there is one of each charge: they do not pile up. */
const SWEPT_MAX = 10;

export function dynamoLedger(call: DynamoCall, table: string, clock: Pick<Clock, 'now'>): Ledger {
  const update = updateOf(call, table);
  const rowKey = (month: string, purge: string) => ({ ...ledgerKey(month), sk: `purge#${purge}` });

  /** Adds, unless the note says that it was. @returns the month's item as it is then */
  async function add(month: string, purge: string, items: number): Promise<Item | undefined> {
    const added = await ifCondition(
      update(ledgerKey(month), {
        set: '#items = if_not_exists(#items, :none) + :items, #note = :note',
        when: 'attribute_not_exists(#note)',
        names: { '#note': NOTE + purge, '#items': 'items' },
        values: {
          ':items': number(items),
          ':none': number(0),
          ':note': { M: { items: number(items), at: number(clock.now()) } },
        },
        returns: 'ALL_NEW',
      }),
    );
    return added?.Attributes;
  }

  async function putRow(month: string, purge: string, items: number): Promise<void> {
    await update(rowKey(month, purge), {
      set: '#items = :items, #at = if_not_exists(#at, :at), #expires = :expires',
      names: { '#items': 'items', '#at': 'at' },
      values: {
        ':items': number(items),
        ':at': number(clock.now()),
        ':expires': number(Math.floor(clock.now() / 1_000) + KEPT_SECONDS),
      },
    });
  }

  /** Takes notes away whose rows are old enough, and writes the rows that are missing. */
  async function sweep(month: string, item: Item): Promise<void> {
    const beforeMs = clock.now() - LIFE_MS;
    const old = Object.entries(item)
      .filter(([name, value]) => name.startsWith(NOTE) && (numberOf(value.M?.at) ?? 0) < beforeMs)
      .slice(0, SWEPT_MAX);
    const swept: [short: string, name: string][] = [];
    for (const [name, value] of old) {
      const purge = name.slice(NOTE.length);
      const row = await readItem(call, table, rowKey(month, purge));
      if (!row) await putRow(month, purge, numberOf(value.M?.items) ?? 0);
      else if ((numberOf(row.at) ?? 0) < beforeMs) swept.push([`#n${swept.length}`, name]);
    }
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
      if (await readItem(call, table, rowKey(month, purge))) return undefined;
      const sum = await add(month, purge, items);
      await putRow(month, purge, items);
      if (sum) await sweep(month, sum);
      return numberOf(sum?.items);
    },
  };
}

/** `2026-11`, UTC. */
function monthOf(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 7);
}
