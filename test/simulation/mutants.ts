/**
 * Ten ways to build it wrong, each a door of the real code wrapped, or one parameter. The suite has to find each out.
 * @module
 */
import type { DynamoCall } from '../../aws/dynamo';
import { edgeKey } from '../../core/keys';
import type { Tag } from '../../core/tags';
import type { Url } from '../../core/urls';
import type { Mutant } from './simulation';

/** Epochs are read first, and the edges written afterwards. */
const recorderReadsFirst: Mutant = {
  name: "the recorder's two steps are swapped",
  recorderGraph: (graph) => {
    let put: (() => Promise<void>) | undefined;
    return {
      ...graph,
      async putEdges(...edges) {
        put = () => graph.putEdges(...edges);
      },
      async epochOf(tags) {
        const epoch = await graph.epochOf(tags);
        await put?.();
        return epoch;
      },
    };
  },
};

const noGrace: Mutant = { name: 'no grace between epochs and purge', graceMs: 0 };

/** Edges are read first, and the epochs written afterwards. */
const invalidatorReadsFirst: Mutant = {
  name: "the invalidator's two steps are swapped",
  invalidatorPorts: (ports) => {
    let put: Promise<void> | undefined;
    let putNow: (() => Promise<void>) | undefined;
    const afterwards = () => {
      put ??= putNow?.();
      return put;
    };
    return {
      ...ports,
      graph: {
        ...ports.graph,
        async putEpochs(work) {
          putNow = () => ports.graph.putEpochs(work);
        },
        async *edges(tag, nowSeconds) {
          yield* ports.graph.edges(tag, nowSeconds);
        },
      },
      purger: {
        async purge(items, reference) {
          await afterwards();
          return ports.purger.purge(items, reference);
        },
      },
      jobs: {
        ...ports.jobs,
        async purged(id, facts) {
          await afterwards();
          return ports.jobs.purged(id, facts);
        },
      },
    };
  },
};

const deletesEdges: Mutant = {
  name: 'a purge deletes the edges that it has read',
  invalidatorPorts: (ports, _, call) => {
    const read: { tag: Tag; url: Url }[] = [];
    return {
      ...ports,
      graph: {
        ...ports.graph,
        async *edges(tag, nowSeconds) {
          for await (const page of ports.graph.edges(tag, nowSeconds)) {
            read.push(...page.map(({ url }) => ({ tag, url })));
            yield page;
          }
        },
      },
      purger: {
        async purge(items, reference) {
          const outcome = await ports.purger.purge(items, reference);
          for (const { tag, url } of read.splice(0)) await expireEdge(call, tag, url);
          return outcome;
        },
      },
    };
  },
};

async function expireEdge(call: DynamoCall, tag: Tag, url: Url): Promise<void> {
  for (const shards of [1, 16]) {
    const { pk, sk } = edgeKey(tag, url, shards);
    await call('UpdateItem', {
      TableName: 'graph',
      Key: { pk: { S: pk }, sk: { S: sk } },
      UpdateExpression: 'SET expires = :zero',
      ExpressionAttributeValues: { ':zero': { N: '0' } },
    });
  }
}

/** The classic: a warm container skips a write because "it already wrote that", and the edge has expired since. */
const remembersEdges: Mutant = {
  name: 'a container skips edges that it has already written',
  recorderGraph: (graph, { memory }) => {
    return {
      ...graph,
      async putEdges(url, edges, untilSeconds) {
        const news = edges.filter(({ tag }) => !memory.has(`${tag} ${url}`));
        await graph.putEdges(url, news, untilSeconds);
        for (const { tag } of edges) memory.add(`${tag} ${url}`);
      },
    };
  },
};

const eventualReads: Mutant = {
  name: 'epochs are read eventually consistent',
  recorderCall: (call) => (operation, input) => {
    if (operation !== 'BatchGetItem') return call(operation, input);
    const weak = structuredClone(input) as {
      RequestItems: Record<string, { ConsistentRead: boolean }>;
    };
    for (const table of Object.values(weak.RequestItems)) table.ConsistentRead = false;
    return call(operation, weak as unknown as typeof input);
  },
};

const trustsAnyAnswer: Mutant = {
  name: 'a warm counts any 200 as fresh, also before the purge is effective',
  warmerSite: (site, now) => ({
    async fetch(...asked) {
      const answer = await site.fetch(...asked);
      return { ...answer, renderedAtMs: now() };
    },
  }),
};

const referenceInSeconds: Mutant = {
  name: 'CallerReference is the time in seconds',
  invalidatorPorts: (ports) => ({
    ...ports,
    purger: {
      purge: (items) => ports.purger.purge(items, String(Math.floor(ports.clock.now() / 1_000))),
    },
  }),
};

const forgetsStale: Mutant = {
  name: 'edges expire with s-maxage and forget swr and sie',
  recorderGraph: (graph, { freshSeconds, now }) => ({
    ...graph,
    putEdges: (url, edges) => graph.putEdges(url, edges, Math.ceil(now() / 1_000) + freshSeconds),
  }),
};

/** Beyond the nine: the origin reads replicas that lag, and nobody waits for them. */
const forgetsSettle: Mutant = { name: 'settle is forgotten', settleMs: 0 };

export const MUTANTS: readonly Mutant[] = [
  recorderReadsFirst,
  noGrace,
  invalidatorReadsFirst,
  deletesEdges,
  remembersEdges,
  eventualReads,
  trustsAnyAnswer,
  referenceInSeconds,
  forgetsStale,
  forgetsSettle,
];
