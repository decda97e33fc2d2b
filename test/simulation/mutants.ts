/**
 * Ways to build it wrong, each a door of the real code wrapped, or one parameter. The suite has to find each out.
 * @module
 */
import type { DynamoCall, Operations } from '../../aws/dynamo';
import { dynamoGraph } from '../../aws/graph';
import { etagWithTags } from '../../core/etag';
import { field } from '../../core/headers';
import { edgeKey } from '../../core/keys';
import { type Tag, tagsOf } from '../../core/tags';
import type { Url } from '../../core/urls';
import { lifetimeIn } from './cloudfront';
import { TABLE } from './dynamo';
import type { Mutant } from './simulation';

/** Epochs are read first, and the edges written afterwards. */
const recorderReadsFirst: Mutant = {
  name: "the recorder's two steps are swapped",
  breaks: 'I1',
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

const noGrace: Mutant = {
  name: 'no grace between epochs and purge',
  breaks: 'I1',
  graceMs: 0,
};

/** Edges are read first, then grace passes, then the epochs are written. */
const invalidatorReadsFirst: Mutant = {
  name: "the invalidator's two steps are swapped",
  breaks: 'I1',
  invalidatorPorts: (ports) => {
    let put: Promise<void> | undefined;
    let putNow: (() => Promise<void>) | undefined;
    let graceMs: number | undefined;
    const afterwards = () => {
      put ??= putNow && ports.clock.sleep(graceMs ?? 0).then(putNow);
      return put;
    };
    return {
      ...ports,
      clock: {
        ...ports.clock,
        async sleep(ms) {
          const isGrace = putNow !== undefined && graceMs === undefined;
          if (isGrace) graceMs = ms;
          else await ports.clock.sleep(ms);
        },
      },
      graph: {
        ...ports.graph,
        async putEpochs(work) {
          putNow = () => ports.graph.putEpochs(work);
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
  breaks: 'I1',
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
      TableName: TABLE,
      Key: { pk: { S: pk }, sk: { S: sk } },
      UpdateExpression: 'SET expires = :zero',
      ExpressionAttributeValues: { ':zero': { N: '0' } },
    });
  }
}

/** The classic: a warm container skips a write because "it already wrote that", and the edge has expired since. */
const remembersEdges: Mutant = {
  name: 'a container skips edges that it has already written',
  breaks: 'I1',
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
  breaks: 'I1',
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
  breaks: 'I7',
  warmerSite: (site, now) => ({
    async fetch(...asked) {
      const answer = await site.fetch(...asked);
      return { ...answer, renderedAtMs: now() };
    },
  }),
};

const referenceInSeconds: Mutant = {
  name: 'CallerReference is the time in seconds',
  breaks: 'I6',
  invalidatorPorts: (ports) => ({
    ...ports,
    purger: {
      purge: (items) => ports.purger.purge(items, String(Math.floor(ports.clock.now() / 1_000))),
    },
  }),
};

const forgetsStale: Mutant = {
  name: 'edges expire with s-maxage and forget swr and sie',
  breaks: 'I1',
  recorderGraph: (graph, { freshSeconds, now }) => ({
    ...graph,
    putEdges: (url, edges) => graph.putEdges(url, edges, Math.ceil(now() / 1_000) + freshSeconds),
  }),
};

/** Beyond the nine, from here on: the origin reads replicas that lag, and nobody waits for them. */
const forgetsSettle: Mutant = { name: 'settle is forgotten', breaks: 'I1', settleMs: 0 };

const overlooksCookies: Mutant = {
  name: "a response that sets a cookie counts as anybody's page",
  breaks: 'I8',
  recorderPage: ({ response: { 'set-cookie': _, ...response }, ...page }) => ({
    ...page,
    response,
  }),
};

/** As if CloudFront took over the tags of a 304: whatever its ETag says, it names the tags of now. */
const trustsAnyConfirmation: Mutant = {
  name: 'a 304 counts as a render whatever its ETag names',
  breaks: 'I1',
  recorderPage: (page) => {
    if (page.status !== 304) return page;
    const etag = etagWithTags('""', tagsOf(page.response).tags) ?? '';
    return { ...page, response: { ...page.response, etag: [etag] } };
  },
};

/** The number of a tag's shards is lost, as it would be if it expired together with the tag's epoch. */
const forgetsShards: Mutant = {
  name: 'edges are read from the first shard alone',
  breaks: 'I1',
  invalidatorPorts: (ports, _, call) => {
    const blind: DynamoCall = async (operation, input) => {
      const output = await call(operation, input);
      if (operation !== 'GetItem') return output;
      const { Item: { shards: __, ...Item } = {} } = output as Operations['GetItem'][1];
      return { ...output, Item };
    };
    return { ...ports, graph: { ...ports.graph, edges: dynamoGraph(blind, TABLE).edges } };
  },
};

/** A worker that has joined a purge does not wait for the one that carries it out. */
const acknowledgesEarly: Mutant = {
  name: 'a revalidation is acknowledged when its purge is promised',
  breaks: 'I2',
  invalidatorPorts: (ports) => ({
    ...ports,
    purges: {
      ...ports.purges,
      async progress(id) {
        return { ...(await ports.purges.progress(id)), doneAtMs: 1 };
      },
    },
  }),
};

/** The epoch was chosen, the call that writes it hangs, and whoever joins meanwhile is not looked at. */
const closesUnseen: Mutant = {
  name: 'a purge is closed without counting who has joined',
  breaks: 'I1',
  invalidatorPorts: (ports) => ({
    ...ports,
    purges: {
      ...ports.purges,
      async close(id, epochMs) {
        await ports.clock.sleep(10_000);
        const { joins } = await ports.purges.progress(id);
        return ports.purges.close(id, epochMs, joins);
      },
    },
  }),
};

/** A page is not worth a failure of the graph. */
const throwsWhenBlind: Mutant = {
  name: 'a recorder throws when the graph is out of reach',
  breaks: 'I5',
  recorderRuling: (ruling) => {
    if (ruling.reason?.startsWith('graph:')) throw new Error(ruling.reason);
    return ruling;
  },
};

/** What is not known is taken for fine. */
const keepsWhenBlind: Mutant = {
  name: 'a page keeps its lifetime when the graph is late',
  breaks: 'I5',
  recorderRuling: (ruling, { response }) => {
    if (ruling.reason !== 'late') return ruling;
    const { fresh } = lifetimeIn({
      'cache-control': field(response, 'cache-control')?.replace('s-maxage', 'max-age') ?? '',
    });
    return { ...ruling, headers: { ...ruling.headers, 'cache-control': `max-age=${fresh}` } };
  },
};

/** A job is told that it is being warmed, and nobody warms. */
const sendsNoWarms: Mutant = {
  name: 'warms are never enqueued',
  breaks: 'I2',
  invalidatorPorts: (ports) => ({ ...ports, warmQueue: { async send() {} } }),
};

/** A queue that takes a batch in part is taken at its word. */
const overlooksRefusedWarms: Mutant = {
  name: 'warms that SQS has refused count as sent',
  breaks: 'I2',
  invalidatorPorts: (ports) => ({
    ...ports,
    warmQueue: { send: (messages) => ports.warmQueue.send(messages).catch(() => {}) },
  }),
};

/** An edge's expiry is what the last render needs, though an older copy lives longer. */
const shrinksEdges: Mutant = {
  name: "an edge's expiry shrinks with a shorter render",
  breaks: 'I1',
  recorderCall: (call) => (operation, input) => {
    if (operation !== 'UpdateItem') return call(operation, input);
    const { ConditionExpression: _, ...plain } = input as Operations['UpdateItem'][0];
    const isEdge = plain.Key?.pk?.S?.startsWith('tag#') && plain.Key.sk?.S !== '#';
    return call(operation, isEdge ? (plain as typeof input) : input);
  },
};

const plansAhead: Mutant = {
  name: 'edges that end within ten minutes count as gone',
  breaks: 'I4',
  invalidatorPorts: (ports) => ({
    ...ports,
    graph: {
      ...ports.graph,
      edges: (tag, nowSeconds) => ports.graph.edges(tag, nowSeconds + 600),
    },
  }),
};

/** Of 54 tags CloudFront has 50, and the edges of the others do not say so. */
const overlooksPaths: Mutant = {
  name: 'CloudFront is taken to have all tags of a page',
  breaks: 'I4',
  recorderGraph: (graph) => ({
    ...graph,
    putEdges: (url, edges, untilSeconds) =>
      graph.putEdges(
        url,
        edges.map((edge) => ({ ...edge, byPath: false })),
        untilSeconds,
      ),
  }),
};

const purgesAll: Mutant = {
  name: 'a purge of more than one item takes everything',
  breaks: 'I3',
  invalidatorPorts: (ports) => ({
    ...ports,
    purger: {
      purge: (items, reference) => ports.purger.purge(items.length > 1 ? ['/*'] : items, reference),
    },
  }),
};

/** A key that is taken is taken all the same. */
const overlooksConflicts: Mutant = {
  name: 'other work under a key that is taken is carried out',
  breaks: 'I2',
  invalidatorPorts: (ports) => {
    const asIfOurs = <T extends { readonly work?: string }>(facts: T | undefined) => {
      const { work: _, ...others } = facts ?? {};
      return facts && (others as T);
    };
    return {
      ...ports,
      jobs: {
        ...ports.jobs,
        get: async (id) => asIfOurs(await ports.jobs.get(id)),
        begin: async (id, facts) => ({ ...(await ports.jobs.begin(id, facts)), work: facts.work }),
      },
    };
  },
};

/** An epoch is swept as soon as it is written, while renders that began before it are under way. */
const forgetsEpochs: Mutant = {
  name: 'an epoch expires at once',
  breaks: 'I1',
  invalidatorPorts: (ports, _, call) => ({
    ...ports,
    graph: {
      ...ports.graph,
      putEpochs: dynamoGraph((operation, input) => {
        if (operation !== 'UpdateItem') return call(operation, input);
        const { ExpressionAttributeValues: values = {}, ...update } =
          input as Operations['UpdateItem'][0];
        const early = { N: String(Math.floor(Number(values[':epoch']?.N) / 1_000)) };
        const names = [':expires', ':day'].filter((name) => name in values);
        const changed = Object.fromEntries(names.map((name) => [name, early]));
        const ExpressionAttributeValues = { ...values, ...changed };
        return call(operation, { ...update, ExpressionAttributeValues } as typeof input);
      }, TABLE).putEpochs,
    },
  }),
};

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
  overlooksCookies,
  trustsAnyConfirmation,
  forgetsShards,
  acknowledgesEarly,
  closesUnseen,
  throwsWhenBlind,
  keepsWhenBlind,
  sendsNoWarms,
  overlooksRefusedWarms,
  shrinksEdges,
  plansAhead,
  overlooksPaths,
  purgesAll,
  overlooksConflicts,
  forgetsEpochs,
];

/** A seed that has shown each, in this order: `npm run simulate -- --mutants` prints them. */
export const SEEDS: readonly number[] = [
  1026, 274, 26, 1, 2, 44, 1, 2, 15, 195, 27, 369, 28, 2, 1442, 2, 75, 1, 7, 94, 1, 430, 1, 1, 26,
];
