/**
 * What a cache miss costs at the edge: DynamoDB units, round trips, CPU, added latency, dollars.
 *
 *     npm run bench -- recorder
 *
 * The real rules and graph over dynalite, with every call delayed by 1, 20 and 150 ms (a table next door, in the next
 * country, across an ocean); compared, in the same run, with "write all edges on each miss". Round trips are the added
 * latency in units of the delay. CPU is measured without I/O: answers are at hand, requests are signed and dropped.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { DynamoCall, Operation, Operations } from '../aws/dynamo';
import { dynamoOverHttp } from '../aws/dynamo-signed';
import { dynamoGraph } from '../aws/graph';
import { sign } from '../aws/sigv4';
import { RECORDER_DEFAULTS, type RecorderConfig } from '../core/config';
import type { Clock, Graph } from '../core/ports';
import { PRICES } from '../core/price-list';
import { type Page, record } from '../core/recorder';
import { encodeUrl } from '../core/urls';
import { createTable, startDynamoDb } from '../local/dynamodb';
import { median, print } from './figure';

const TABLE = 'bench';
const REGION = 'us-east-1';
const CREDENTIALS = { accessKeyId: 'local', secretAccessKey: 'local' };
const DELAYS_MS = [1, 20, 150];
const RUNS = 3;
const CPU_RUNS = 4_000;
/** A million read units, write units, and runs of 256 MB for 30 ms at the edge. */
const PRICE = {
  read: PRICES.readUnits.usd,
  write: PRICES.writeUnits.usd,
  edge: PRICES.edgeRuns.usd + PRICES.edgeSeconds.usd * 0.25 * 0.03 * 1_000_000,
};

const config: RecorderConfig = {
  ...RECORDER_DEFAULTS,
  deadlineMs: 5_000,
  table: TABLE,
  region: REGION,
};
/** A mark counts when it is older than clocks can differ: here a miss comes a minute after the last. */
let passedMs = 0;
const clock: Clock = {
  now: () => Date.now() + passedMs,
  sleep: (ms, signal) => wait(ms, undefined, signal ? { signal, ref: false } : {}).catch(() => {}),
};

interface Case {
  readonly name: string;
  /** What was rendered before. */
  readonly before?: readonly string[];
  readonly tags: readonly string[];
  readonly strategy?: (graph: Graph) => Graph;
  readonly goal?: { readonly trips: number; readonly writes: number };
}

const numbered = (count: number) => Array.from({ length: count }, (_, i) => `tag:${i}`);
const five = numbered(5);
const fifty = numbered(50);

const CASES: readonly Case[] = [
  { name: 'first', tags: five, goal: { trips: 2, writes: 6 } },
  { name: 'unchanged', before: five, tags: five, goal: { trips: 1, writes: 0 } },
  { name: 'unchanged.write-all', before: five, tags: five, strategy: writeAll },
  { name: 'one-tag-changed', before: five, tags: [...five.slice(1), 'tag:new'] },
  { name: 'first-50-tags', tags: fifty },
  { name: 'unchanged-50-tags', before: fifty, tags: fifty },
];

/** The strategy to compare with: nothing is known, so everything is written. */
function writeAll(graph: Graph): Graph {
  const look: Graph['look'] = async (url, tags) => {
    return { ...(await graph.look(url, tags)), record: undefined };
  };
  return { ...graph, look };
}

async function main(): Promise<void> {
  const { endpoint, close } = await startDynamoDb({});
  await createTable(endpoint, TABLE);
  for (const it of CASES) await measure(it, endpoint);
  await close();
  await measureCpu();
}

interface Wire {
  readonly call: DynamoCall;
  readonly spent: { readUnits: number; writeUnits: number };
  delayMs: number;
}

/** Counts units as DynamoDB bills them (DDB, read-write-operations): all items here are below 1 KB. */
function wireTo(endpoint: string): Wire {
  const credentials = () => CREDENTIALS;
  const call = dynamoOverHttp({
    endpoint,
    region: REGION,
    credentials,
    timeoutMs: 5_000,
    now: Date.now,
  });
  const wire: Wire = {
    spent: { readUnits: 0, writeUnits: 0 },
    delayMs: 0,
    call: async <O extends Operation>(operation: O, input: Operations[O][0]) => {
      if (operation === 'UpdateItem') wire.spent.writeUnits += 1; // a failed condition costs as much
      const { RequestItems = {} } = input as Operations['BatchGetItem'][0];
      for (const { Keys = [] } of Object.values(RequestItems)) wire.spent.readUnits += Keys.length;
      await wait(wire.delayMs);
      return call(operation, input);
    },
  };
  return wire;
}

let run = 0;

async function measure(it: Case, endpoint: string): Promise<void> {
  const figure = (what: string) => `recorder.${it.name}.${what}`;
  const latencies = new Map<number, number>();
  let spent = { readUnits: 0, writeUnits: 0 };
  for (const delayMs of DELAYS_MS) {
    const times: number[] = [];
    for (let i = 0; i < RUNS; i += 1) {
      const wire = wireTo(endpoint);
      run += 1;
      const path = `/${run}`;
      const graph = dynamoGraph(wire.call, TABLE);
      if (it.before) await rule(path, it.before, graph);
      passedMs += 60_000;
      Object.assign(wire, { delayMs, spent: { readUnits: 0, writeUnits: 0 } });
      const began = performance.now();
      await rule(path, it.tags, it.strategy?.(graph) ?? graph);
      times.push(performance.now() - began);
      spent = wire.spent;
    }
    latencies.set(delayMs, median(times));
    print({ figure: figure(`latency-${delayMs}ms`), value: Math.round(median(times)), unit: 'ms' });
  }
  const [near = 0, far = 0] = [latencies.get(1), latencies.get(150)];
  const trips = Math.round((far - near) / 149);
  const dollars = PRICE.edge + spent.readUnits * PRICE.read + spent.writeUnits * PRICE.write;
  const goal = (value: number | undefined) =>
    value === undefined ? {} : { goal: value, op: '<=' as const };
  print({ figure: figure('round-trips'), value: trips, unit: 'trips', ...goal(it.goal?.trips) });
  print({ figure: figure('read-units'), value: spent.readUnits, unit: 'RU' });
  print({
    figure: figure('write-units'),
    value: spent.writeUnits,
    unit: 'WU',
    ...goal(it.goal?.writes),
  });
  print({
    figure: figure('price'),
    value: Number(dollars.toFixed(2)),
    unit: 'USD per million misses',
  });
}

function pageOf(path: string, tags: readonly string[]): Page {
  return {
    url: encodeUrl(path),
    originTimeoutMs: 30_000,
    method: 'GET',
    status: 200,
    request: {},
    response: {
      'cache-control': ['s-maxage=300, stale-while-revalidate=3600'],
      'cache-tag': [tags.join(',')],
      'x-isr-elapsed': ['20'],
      etag: ['"v1"'],
    },
  };
}

async function rule(path: string, tags: readonly string[], graph: Graph): Promise<void> {
  const { outcome, reason } = await record(pageOf(path, tags), config, { graph, clock, bootMs: 0 });
  // across an ocean a first render is capped when its epochs are older than half of grace: the cost is the same
  if (outcome !== 'kept' && reason !== 'unread')
    throw new Error(`${path} was ${outcome}: ${reason}`);
}

/** An unchanged page: rules, graph, JSON and signature, with DynamoDB's answer at hand. */
async function measureCpu(): Promise<void> {
  const answers: { Responses: object }[] = [];
  const url = new URL('https://dynamodb.us-east-1.amazonaws.com');
  const { endpoint, close } = await startDynamoDb({});
  await createTable(endpoint, TABLE);
  const wire = wireTo(endpoint);
  const real: DynamoCall = async (operation, input) => {
    const output = await wire.call(operation, input);
    answers.push(output as { Responses: object });
    return output;
  };
  await rule('/cpu', five, dynamoGraph(wire.call, TABLE));
  passedMs += 60_000;
  await rule('/cpu', five, dynamoGraph(real, TABLE));
  await close();

  const text = JSON.stringify(answers.at(-1));
  const atHand: DynamoCall = async (_, input) => {
    const request = { method: 'POST', url, headers: {}, body: JSON.stringify(input) };
    sign(request, CREDENTIALS, { region: REGION, service: 'dynamodb', nowMs: Date.now() });
    return JSON.parse(text);
  };
  const graph = dynamoGraph(atHand, TABLE);
  const times: number[] = [];
  for (let i = 0; i < CPU_RUNS; i += 1) {
    const began = performance.now();
    await rule('/cpu', five, graph);
    times.push(performance.now() - began);
  }
  const p50 = Number(median(times).toFixed(3));
  print({ figure: 'recorder.unchanged.cpu-p50', value: p50, unit: 'ms', goal: 0.2, op: '<=' });
}

main();
