/**
 * What a plan costs: time and memory for a tag on a million urls, and purge items for 10,000 edits of a site.
 *
 *     npm run bench -- planner
 *
 * The hot tag is read by the real graph over a DynamoDB in this process, which makes its pages as they are asked for (1 MB of
 * items each, in the SDK's shapes; 16 shards, or one where two sizes are compared), so that no table is in the memory
 * measured. `peak` is the largest heap and external memory seen at any call, garbage included; `live` the largest after a
 * collection at each call, above what was there before. Beside it the hardest plan that is still exact: 1,000 tags of 200
 * urls each, as many edges as are kept, no tag with more urls than there are tags.
 *
 * The site has 10,000 posts (the newest first), 200 authors, 50 categories, by Zipf; a page for each post, author and five
 * pages for each category, a home page and a feed; each depends on the posts that it shows. A page is cached with the
 * probability 1 − exp(−3000/rank). 10,000 edits come four a second: 80 % change a post (Zipf, s = 1), 10 % also move it
 * between lists, 5 % rename a category, 5 % purge a post's page by its url. Random numbers: mulberry32, seed 1. Compared, in
 * the same run: a path for each cached url of each edit, and a tag for each tag of each edit, both as edits come and with
 * the same work of one second done once.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { DynamoCall, Item, Operation, Operations } from '../aws/dynamo';
import { dynamoGraph } from '../aws/graph';
import { EDGES_MAX } from '../core/plan/native-edges';
import { plan, type ReadOptions, readEdges } from '../core/plan/plan';
import type { Graph } from '../core/ports';
import type { Revalidation } from '../core/revalidation';
import { parseTag, type Tag } from '../core/tags';
import { encodeUrl, type Url } from '../core/urls';
import { median, print } from './figure';

const TABLE = 'bench';
const PAGE_BYTES = 1_048_576;
const MB = 1_000_000;
const RUNS = 5;
const options: ReadOptions = {
  nowSeconds: 1_767_222_000,
  warmUrlsMax: 1_000,
  purge: 'native',
  allowCollateral: false,
};

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');

function usedBytes(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

interface Hot {
  readonly urls: number;
  readonly shards: number;
  /** Before each answer. */
  readonly onCall?: () => void;
}

const hot = parseTag('site');
const hotWork: Revalidation = { tags: [hot], urls: [] };
const EXPIRES = String(options.nowSeconds + 3_600);

/** Answers as DynamoDB would for a tag whose urls are `/articles/2026/0000123-what-happened-next`, 123 by its number. */
function hotTable({ urls, shards, onCall }: Hot): DynamoCall {
  const itemOf = (pk: string, at: number): Item => ({
    pk: { S: pk },
    sk: { S: `url#/articles/2026/${String(at).padStart(7, '0')}-what-happened-next` },
    expires: { N: EXPIRES },
  });
  // an item's size is that of its names and values; a number takes a byte for two digits, and one (DDB, CapacityUnitCalculations)
  const [{ pk, sk } = {}] = [itemOf('tag#site#0', 0)];
  const itemBytes = 2 + (pk?.S?.length ?? 0) + 2 + (sk?.S?.length ?? 0) + 7 + 6;
  const pageItems = Math.floor(PAGE_BYTES / itemBytes);
  function query({ ExpressionAttributeValues, ExclusiveStartKey }: Operations['Query'][0]) {
    const part = ExpressionAttributeValues?.[':pk']?.S ?? '';
    const shard = Number(part.split('#').at(-1));
    const last = ExclusiveStartKey?.sk?.S?.slice('url#/articles/2026/'.length);
    const Items: Item[] = [];
    let at = last === undefined ? shard : Number.parseInt(last, 10) + shards;
    for (; at < urls && Items.length < pageItems; at += shards) Items.push(itemOf(part, at));
    const end = Items.at(-1);
    return at < urls && end ? { Items, LastEvaluatedKey: { pk: end.pk, sk: end.sk } } : { Items };
  }
  return async <O extends Operation>(operation: O, input: Operations[O][0]) => {
    onCall?.();
    const answer =
      operation === 'Query'
        ? query(input as Operations['Query'][0])
        : { Item: { shards: { N: String(shards) } } };
    return answer as Operations[O][1];
  };
}

async function planHot(table: Hot): Promise<void> {
  const reading = await readEdges(dynamoGraph(hotTable(table), TABLE), hotWork, options);
  const { items, covered } = plan(hotWork, reading, options);
  if (items[0]?.item !== '#site' || items.length !== 1 || covered !== table.urls) {
    throw new Error(`${table.urls} urls were planned as ${JSON.stringify(items)}`);
  }
}

async function measureHot(): Promise<void> {
  let peak = 0;
  const times: number[] = [];
  const onCall = () => {
    peak = Math.max(peak, usedBytes());
  };
  for (let run = 0; run < RUNS; run += 1) {
    const began = performance.now();
    await planHot({ urls: 1_000_000, shards: 16, onCall });
    times.push(performance.now() - began);
  }
  const ms = Math.round(median(times));
  print({ figure: 'planner.hot.1000000-urls', value: ms, unit: 'ms', goal: 2_000, op: '<=' });
  print({ figure: 'planner.hot.peak', value: inMb(peak), unit: 'MB', goal: 300, op: '<=' });

  await liveBytes(100_000);
  const [few, many] = [await liveBytes(100_000), await liveBytes(1_000_000)];
  print({ figure: 'planner.hot.live.100000-urls', value: inMb(few), unit: 'MB' });
  print({ figure: 'planner.hot.live.1000000-urls', value: inMb(many), unit: 'MB' });
  const growth = inMb(Math.max(0, many - few));
  print({ figure: 'planner.hot.live.growth', value: growth, unit: 'MB', goal: 1, op: '<=' });
}

const inMb = (bytes: number) => Number((bytes / MB).toFixed(1));

async function liveBytes(urls: number): Promise<number> {
  collect();
  const before = usedBytes();
  let most = before;
  const onCall = () => {
    collect();
    most = Math.max(most, usedBytes());
  };
  await planHot({ urls, shards: 1, onCall });
  return most - before;
}

async function measureExact(): Promise<void> {
  const tags = numbered(1_000, (at) => parseTag(`tag:${at}`));
  const random = mulberry32(1);
  const edges = new Map(
    tags.map((tag) => [tag, numbered(200, () => `/${Math.floor(random() * 1_500)}`)] as const),
  );
  const graph = graphOf(edges);
  const kept = [...edges.values()].reduce((sum, urls) => sum + new Set(urls).size, 0);
  if (kept > EDGES_MAX)
    throw new Error(`${kept} edges are more than the ${EDGES_MAX} that are kept`);
  const times: number[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    const began = performance.now();
    const work = { tags, urls: [] };
    plan(work, await readEdges(graph, work, options), options);
    times.push(performance.now() - began);
  }
  const ms = Math.round(median(times));
  print({ figure: 'planner.exact.1000-tags', value: ms, unit: 'ms', goal: 2_000, op: '<=' });
}

function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function numbered<T>(count: number, of: (at: number) => T): T[] {
  return Array.from({ length: count }, (_, at) => of(at));
}

/** Numbers from 0, the n-th with a chance of 1/n. */
function zipf(count: number, random: () => number): () => number {
  let sum = 0;
  const sums = numbered(count, (at) => {
    sum += 1 / (at + 1);
    return sum;
  });
  return () => {
    const drawn = random() * sum;
    let [low, high] = [0, count - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sums[middle] as number) < drawn) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

type Edges = ReadonlyMap<Tag, readonly string[]>;

function graphOf(edges: Edges): Pick<Graph, 'edges' | 'isLive' | 'urls'> {
  const live = new Set([...edges.values()].flat());
  return {
    async *edges(tag) {
      yield (edges.get(tag) ?? []).map((url) => ({
        url: url as Url,
        byPath: false,
        untilSeconds: 600,
      }));
    },
    isLive: async (url) => live.has(url),
    async *urls() {},
  };
}

interface Post {
  readonly author: number;
  readonly category: number;
}

const POSTS = 10_000;
const AUTHORS = 200;
const CATEGORIES = 50;

/** Every page of the site that is cached, by its tags. */
function siteOf(posts: readonly Post[], random: () => number): Edges {
  const edges = new Map<Tag, string[]>();
  let rank = 0;
  const page = (url: string, tags: readonly string[]) => {
    rank += 1;
    if (random() > 1 - Math.exp(-3_000 / rank)) return;
    for (const tag of tags) {
      const urls = edges.get(parseTag(tag)) ?? [];
      urls.push(url);
      edges.set(parseTag(tag), urls);
    }
  };
  const show = (numbers: readonly number[]) => numbers.map((at) => `post:${at}`);
  const all = posts.map((_, at) => at);
  page('/', ['home', ...show(all.slice(0, 30))]);
  page('/feed.xml', ['home', ...show(all.slice(0, 20))]);
  for (let category = 0; category < CATEGORIES; category += 1) {
    const own = all.filter((at) => posts[at]?.category === category);
    for (let at = 0; at < 5; at += 1) {
      const shown = show(own.slice(at * 10, at * 10 + 10));
      page(`/categories/${category}?page=${at}`, [`category:${category}`, ...shown]);
    }
  }
  for (let author = 0; author < AUTHORS; author += 1) {
    const own = all.filter((at) => posts[at]?.author === author).slice(0, 10);
    page(`/authors/${author}`, [`author:${author}`, ...show(own)]);
  }
  posts.forEach(({ author, category }, at) => {
    page(`/posts/${at}`, [`post:${at}`, `author:${author}`, `category:${category}`]);
  });
  return edges;
}

interface Edit extends Revalidation {
  readonly second: number;
}

function editsOf(posts: readonly Post[], random: () => number): Edit[] {
  const drawPost = zipf(POSTS, random);
  const drawCategory = zipf(CATEGORIES, random);
  let atSeconds = 0;
  return numbered(10_000, () => {
    atSeconds -= Math.log(1 - random()) / 4;
    const second = Math.floor(atSeconds);
    const [kind, number] = [random(), drawPost()];
    const { author = 0, category = 0 } = posts[number] ?? {};
    const byTags = (...tags: string[]): Edit => {
      return { second, tags: tags.map((tag) => parseTag(tag)), urls: [] };
    };
    if (kind < 0.8) return byTags(`post:${number}`);
    if (kind < 0.9)
      return byTags(`post:${number}`, `category:${category}`, `author:${author}`, 'home');
    if (kind < 0.95) return byTags(`category:${drawCategory()}`);
    return { second, tags: [], urls: [encodeUrl(`/posts/${number}`)] };
  });
}

async function measureEdits(): Promise<void> {
  const random = mulberry32(1);
  const drawAuthor = zipf(AUTHORS, random);
  const drawCategory = zipf(CATEGORIES, random);
  const posts = numbered(POSTS, () => ({ author: drawAuthor(), category: drawCategory() }));
  const edges = siteOf(posts, random);
  const graph = graphOf(edges);
  const live = new Set([...edges.values()].flat());
  const edits = editsOf(posts, random);
  const windows = bySecond(edits).map(union);

  const urlsOf = ({ tags, urls }: Revalidation) =>
    new Set([...tags.flatMap((tag) => edges.get(tag) ?? []), ...urls.filter((it) => live.has(it))]);
  const total = (works: readonly Revalidation[], price: (work: Revalidation) => number) =>
    works.reduce((sum, work) => sum + price(work), 0);
  const byUrl = (work: Revalidation) => urlsOf(work).size;
  const byTag = ({ tags, urls }: Revalidation) => tags.length + urls.length;

  let planned = 0;
  for (const work of windows) {
    planned += plan(work, await readEdges(graph, work, options), options).items.length;
  }
  const others = {
    'path-per-url': total(edits, byUrl),
    'path-per-url-a-second': total(windows, byUrl),
    'tag-per-edit': total(edits, byTag),
    'tag-per-edit-a-second': total(windows, byTag),
  };
  print({ figure: 'planner.edits.urls-cached', value: live.size, unit: 'urls' });
  print({ figure: 'planner.edits.seconds-with-edits', value: windows.length, unit: 's' });
  for (const [name, value] of Object.entries(others)) {
    print({ figure: `planner.edits.${name}`, value, unit: 'items' });
  }
  const goal = Math.min(...Object.values(others));
  print({ figure: 'planner.edits.plan', value: planned, unit: 'items', goal, op: '<=' });
}

function bySecond(edits: readonly Edit[]): Edit[][] {
  const windows = new Map<number, Edit[]>();
  for (const edit of edits) windows.set(edit.second, [...(windows.get(edit.second) ?? []), edit]);
  return [...windows.values()];
}

function union(edits: readonly Edit[]): Revalidation {
  return {
    tags: [...new Set(edits.flatMap(({ tags }) => tags))],
    urls: [...new Set(edits.flatMap(({ urls }) => urls))],
  };
}

async function main(): Promise<void> {
  await measureHot();
  await measureExact();
  await measureEdits();
}

main();
