/** What a Graph promises (core/ports.ts). Every implementation runs it. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Graph, UrlWrite } from '../../core/ports';
import { parseTag, type Tag } from '../../core/tags';
import { encodeUrl, type Url } from '../../core/urls';

const NOW = 1_800_000_000; // seconds

export function graphContract(open: () => Graph): void {
  let graph: Graph;
  beforeAll(() => {
    graph = open();
  });

  describe('edges', () => {
    it('are found by their tag until they expire, and not from the second on at which they do', async () => {
      const { tag, url } = names('expiry');
      await graph.putEdges(url, [{ tag, shards: 1, byPath: false }], NOW + 10);
      const untilSeconds = NOW + 10;
      expect(await edges(tag, NOW + 9)).toEqual([{ url, byPath: false, untilSeconds }]);
      expect(await edges(tag, NOW + 10)).toEqual([]);
    });

    it('never expire earlier because of a later, shorter-lived render', async () => {
      const { tag, url } = names('shrink');
      await graph.putEdges(url, [{ tag, shards: 1, byPath: false }], NOW + 1_000);
      await graph.putEdges(url, [{ tag, shards: 1, byPath: false }], NOW + 10);
      expect(await edges(tag, NOW + 999)).toHaveLength(1);
      await graph.putEdges(url, [{ tag, shards: 1, byPath: false }], NOW + 2_000);
      expect(await edges(tag, NOW + 1_999)).toHaveLength(1);
    });

    it('say that the url goes by path, also when a longer-lived edge did not', async () => {
      const { tag, url } = names('by-path');
      await graph.putEdges(url, [{ tag, shards: 1, byPath: false }], NOW + 1_000);
      await graph.putEdges(url, [{ tag, shards: 1, byPath: true }], NOW + 10);
      expect(await edges(tag, NOW)).toEqual([{ url, byPath: true, untilSeconds: NOW + 1_000 }]);
    });

    it('of a url too long for a key carry the whole url', async () => {
      const { tag } = names('long');
      const url = encodeUrl(`/${'x'.repeat(7_000)}`);
      await graph.putEdges(url, [{ tag, shards: 1, byPath: false }], NOW + 10);
      expect(await edges(tag, NOW)).toMatchObject([{ url, byPath: false }]);
    });

    it('of a tag that ends like a shard are not those of its namesake', async () => {
      const { tag, url } = names('shard');
      const other = parseTag(`${tag}#0`);
      await graph.putEdges(url, [{ tag: other, shards: 1, byPath: false }], NOW + 10);
      await graph.putEpochs({ tags: [other], urls: [], epochMs: NOW * 1_000, job: 'j' });
      expect(await edges(tag, NOW)).toEqual([]);
      expect(await edges(other, NOW)).toHaveLength(1);
    });

    it('come page by page, all of them', async () => {
      const { tag } = names('pages');
      const long = 'x'.repeat(900);
      const urls = Array.from({ length: 1_200 }, (_, i) => encodeUrl(`/${i}/${long}`)); // over 1 MB
      for (const url of urls)
        await graph.putEdges(url, [{ tag, shards: 1, byPath: false }], NOW + 10);
      const found = await edges(tag, NOW);
      expect(new Set(found.map(({ url }) => url))).toEqual(new Set(urls));
    });
  });

  describe('a tag that is spread', () => {
    it('has all its edges, those from before and those from after, wherever their writer thought they go', async () => {
      const { tag } = names('spread');
      const urls = Array.from({ length: 40 }, (_, i) => encodeUrl(`/spread/${i}`));
      const put = (from: number, to: number, shards: number) =>
        Promise.all(
          urls
            .slice(from, to)
            .map((url) => graph.putEdges(url, [{ tag, shards, byPath: false }], NOW + 10)),
        );
      await put(0, 10, 1);
      const shards = await graph.spread(tag);
      expect(shards).toBeGreaterThan(1);
      await put(10, 30, shards);
      await put(30, 40, 1); // its look came before
      expect((await edges(tag, NOW)).map(({ url }) => url).sort()).toEqual([...urls].sort());
    });

    it('says so to whoever looks, also after a revalidation, whose epoch expires and it does not', async () => {
      const { tag, url } = names('shards');
      const shards = await graph.spread(tag);
      await graph.putEpochs({ tags: [tag], urls: [], epochMs: NOW * 1_000, job: 'j' });
      expect(await graph.spread(tag)).toBe(shards);
      const { tags, epochMs } = await graph.look(url, [tag]);
      expect(tags.get(tag)).toEqual({ shards, revalidations: 1 });
      expect(epochMs).toBe(NOW * 1_000);
    });
  });

  describe('how often a tag was revalidated', () => {
    it('is counted, a message told twice once', async () => {
      const { tag, url } = names('often');
      for (const epochMs of [1_000, 2_000, 2_000, 1_500, 3_000]) {
        await graph.putEpochs({ tags: [tag], urls: [], epochMs, job: 'j' });
      }
      const { tags } = await graph.look(url, [tag]);
      expect(tags.get(tag)).toEqual({ shards: 1, revalidations: 3 });
    });
  });

  describe('epochs', () => {
    it('are 0 for what was never revalidated', async () => {
      const { tag, url } = names('never');
      expect(await graph.look(url, [tag])).toEqual({
        record: undefined,
        epochMs: 0,
        tags: new Map(),
      });
      expect(await graph.epochOf([tag])).toBe(0);
      expect(await graph.epochOf([])).toBe(0);
    });

    it('of a url and its tags: the newest counts', async () => {
      const { tag, url } = names('newest');
      await graph.putEpochs({ tags: [tag], urls: [], epochMs: 2_000, job: 'j' });
      await graph.putEpochs({ tags: [], urls: [url], epochMs: 3_000, job: 'j' });
      expect((await graph.look(url, [tag])).epochMs).toBe(3_000);
      expect(await graph.epochOf([tag])).toBe(2_000);
    });

    it('only grow: a reordered message does not move one back', async () => {
      const { tag, url } = names('grow');
      const put = (epochMs: number) =>
        graph.putEpochs({ tags: [tag], urls: [url], epochMs, job: 'j' });
      await put(5_000);
      await put(4_000);
      expect((await graph.look(url, [])).epochMs).toBe(5_000);
      expect(await graph.epochOf([tag])).toBe(5_000);
    });

    it('of more tags than one batch read takes are all seen', async () => {
      const { url } = names('many');
      const tags = Array.from({ length: 250 }, (_, i) => parseTag(`many-${i}`));
      await graph.putEpochs({ tags: tags.slice(249), urls: [], epochMs: 7_000, job: 'j' });
      expect((await graph.look(url, tags)).epochMs).toBe(7_000);
    });
  });

  describe('the record of a url', () => {
    it('comes back as it was written', async () => {
      const { tag, url } = names('record');
      const write = recorded({ tags: [tag], untilSeconds: NOW + 10 });
      expect(await graph.putUrl(url, write)).toBe(0);
      const { record } = await graph.look(url, [tag]);
      const { marks, variants, heat, recordedAtMs } = write;
      expect(record).toEqual({ untilSeconds: NOW + 10, marks, variants, heat, recordedAtMs });
    });

    it('notes variants later, and only when it is there', async () => {
      const { url } = names('variants');
      const variants = { '{"accept-encoding":"br,gzip"}': NOW + 5, '{}': NOW + 9 };
      await graph.putVariants(url, variants);
      expect((await graph.look(url, [])).record).toBeUndefined();
      const write = recorded({ untilSeconds: NOW + 10 });
      await graph.putUrl(url, write);
      await graph.putVariants(url, variants);
      const { record } = await graph.look(url, []);
      expect(record).toMatchObject({ variants, heat: write.heat, marks: write.marks });
    });

    it('is written together with a look at the url epoch', async () => {
      const { url } = names('write-look');
      await graph.putEpochs({ tags: [], urls: [url], epochMs: 9_000, job: 'j' });
      expect((await graph.look(url, [])).record).toBeUndefined();
      expect(await graph.putUrl(url, recorded({ untilSeconds: NOW + 10 }))).toBe(9_000);
    });

    it('is not written when another recorder promised a longer life in between', async () => {
      const { url } = names('raced');
      await graph.putUrl(url, recorded({ untilSeconds: NOW + 1_000 }));
      expect(await graph.putUrl(url, recorded({ untilSeconds: NOW + 10 }))).toBeUndefined();
      expect((await graph.look(url, [])).record?.untilSeconds).toBe(NOW + 1_000);
    });

    it('says whether a copy may be cached; an epoch alone does not', async () => {
      const { url } = names('live');
      await graph.putEpochs({ tags: [], urls: [url], epochMs: NOW * 1_000, job: 'j' });
      expect(await graph.isLive(url, NOW)).toBe(false);
      await graph.putUrl(url, recorded({ untilSeconds: NOW + 10 }));
      expect(await graph.isLive(url, NOW + 9)).toBe(true);
      expect(await graph.isLive(url, NOW + 10)).toBe(false);
    });

    it('is found by how its url begins, long or short, while a copy may be cached', async () => {
      const { url } = names('begins');
      const put = (it: Url, untilSeconds: number) => graph.putUrl(it, recorded({ untilSeconds }));
      const long = encodeUrl(`${url}&${'x'.repeat(3_000)}`);
      const others = Array.from({ length: 30 }, (_, i) => encodeUrl(`${url}&${i}`));
      for (const it of [url, long, ...others]) await put(it, NOW + 10);
      await put(encodeUrl(`${url}&gone`), NOW);
      await graph.putEpochs({ tags: [], urls: [encodeUrl(`${url}&never`)], epochMs: 1, job: 'j' });
      await put(names('other').url, NOW + 10);
      const found: Url[] = [];
      for await (const page of graph.urls(url, NOW)) found.push(...page);
      expect(found.sort()).toEqual([url, long, ...others].sort());
    });

    it('keeps its epoch when it is recorded again, and its marks when it is revalidated', async () => {
      const { url } = names('both');
      const write = recorded({ untilSeconds: NOW + 10 });
      await graph.putUrl(url, write);
      await graph.putEpochs({ tags: [], urls: [url], epochMs: 9_000, job: 'j' });
      await graph.putUrl(url, write);
      const { record, epochMs } = await graph.look(url, []);
      expect(epochMs).toBe(9_000);
      expect(record?.marks).toEqual(write.marks);
    });
  });

  async function edges(tag: Tag, nowSeconds: number) {
    const found = [];
    for await (const page of graph.edges(tag, nowSeconds)) found.push(...page);
    return found;
  }
}

let run = 0;
/** Names of a test's own, so that tests and implementations share a table. */
export function names(what: string): { tag: Tag; url: Url } {
  run += 1;
  return { tag: parseTag(`${what}:${run}`), url: encodeUrl(`/${what}/${run}?a=1`) };
}

export function recorded(more: Partial<UrlWrite>): UrlWrite {
  return {
    marks: {
      abc: { untilSeconds: NOW + 5, atMs: 1_234, native: [parseTag('a'), parseTag('b')] },
      def: { untilSeconds: NOW + 6, atMs: 1_235 },
    },
    untilSeconds: NOW + 5,
    tags: [],
    status: 200,
    etag: '"x"',
    variants: { '{"accept-encoding":"gzip"}': NOW + 10 },
    heat: 1,
    recordedAtMs: 1_234,
    ...more,
  };
}
