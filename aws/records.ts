/**
 * What the graph has recorded of many urls at once, for those who choose and warm them: not a part of graph.ts, since
 * every miss pays for what the recorder's bundle holds.
 * @module
 */
import { urlKey } from '../core/keys';
import type { Records } from '../core/ports';
import { type DynamoCall, readBatch, urlIn } from './dynamo';
import { recordOf } from './recorder-graph';

export function dynamoRecords(call: DynamoCall, table: string): Records {
  return {
    async of(urls) {
      const items = await readBatch(call, table, urls.map(urlKey));
      const recorded = items.flatMap((item) => {
        const record = recordOf(item);
        return record ? [[urlIn(item), record] as const] : [];
      });
      return new Map(recorded);
    },
  };
}
