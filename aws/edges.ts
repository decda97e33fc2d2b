/**
 * Edges in DynamoDB, as they are written (graph.ts reads them).
 *
 *     tag#post:42#0 | url#/posts/42 | { expires: 1767225600, byPath?: true, url? }
 *     tag#site#13   | url#/posts/42 | the same, of a tag that is spread
 *     tag#site      | #             | { shards: 16, lasting: 9999999999, … }
 *
 * An expiry never shrinks: a page cached for a day in one place and re-rendered for a minute in another needs its edge
 * for the day. That takes a conditional UpdateItem per edge; BatchWriteItem has no conditions.
 *
 * A partition takes 1,000 writes a second (DDB, bp-partition-key-design), so a hot tag is spread: its item says over how
 * many shards, only ever more, and never expires. No edge is missed meanwhile: who writes to a shard has first seen the
 * number that names it on the tag's item, which is where the fence has its epoch. A reader whose epoch was not seen by
 * that writer reads the item later still, and so reads that shard. Shard 0 is always read: who knows no better writes there.
 * @module
 */
import { edgeKey, isHashed, SHARDS, tagKey } from '../core/keys';
import { inParallel } from '../core/parallel';
import type { EdgeWrite, Graph } from '../core/ports';
import type { Tag } from '../core/tags';
import type { Url } from '../core/urls';
import { type DynamoCall, ifCondition, isThrottled, number, string, updateOf } from './dynamo';

const WRITES_AT_ONCE = 50;
/** Later than any `expires`, in seconds. */
const NEVER_SECONDS = 9_999_999_999;

export function dynamoEdges(call: DynamoCall, table: string): Pick<Graph, 'putEdges' | 'spread'> {
  const update = updateOf(call, table);

  async function putEdge(
    url: Url,
    { tag, shards, byPath }: EdgeWrite,
    untilSeconds: number,
  ): Promise<void> {
    const key = edgeKey(tag, url, shards);
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

  /** A tag whose edges come too fast for one partition is spread, and the edge goes to its new place. */
  async function putOrSpread(url: Url, edge: EdgeWrite, untilSeconds: number): Promise<void> {
    try {
      await putEdge(url, edge, untilSeconds);
    } catch (thrown) {
      if (!isThrottled(thrown) || edge.shards >= SHARDS) throw thrown;
      await putEdge(url, { ...edge, shards: await spread(edge.tag) }, untilSeconds);
    }
  }

  async function spread(tag: Tag): Promise<number> {
    await ifCondition(
      update(tagKey(tag), {
        set: 'shards = :shards, lasting = :never, #expires = :never',
        when: 'attribute_not_exists(shards) OR shards < :shards',
        values: { ':shards': number(SHARDS), ':never': number(NEVER_SECONDS) },
      }),
    );
    return SHARDS;
  }

  return {
    spread,
    async putEdges(url, edges, untilSeconds) {
      await inParallel(edges, WRITES_AT_ONCE, (edge) => putOrSpread(url, edge, untilSeconds));
    },
  };
}
