import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CloudFrontClient, CreateInvalidationCommand } from '@aws-sdk/client-cloudfront';
import { describe, expect, it, onTestFinished } from 'vitest';
import { page, stage, until } from './stage';

/** A site with some pages in the cache, and the SDK's client in front of its control API. */
async function cached(paths: readonly string[], options = {}) {
  const scene = await stage({ tagHeader: 'cache-tag', ...options });
  scene.origin.answer = (viewer, reply) =>
    page({ 'cache-control': 'max-age=60', 'cache-tag': tagsOf(viewer.url ?? '') })(viewer, reply);
  const invalidate = await invalidator(scene.edge.control);
  for (const path of paths) await scene.get(path);
  return {
    ...scene,
    invalidate,
    /** Which of the paths are no longer there? */
    async gone() {
      const seen = [];
      for (const path of paths) if ((await scene.get(path)).cache === 'Miss') seen.push(path);
      return seen;
    },
  };
}

/** `/posts/42` was made from `post:42` and `posts`. */
function tagsOf(url: string): string {
  const [, kind = '', id = ''] = (url.split('?')[0] ?? '').split('/');
  return id === '' ? kind : `${kind.slice(0, -1)}:${id}, ${kind}`;
}

async function invalidator(control: RequestListener) {
  const server = createServer(control);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = new CloudFrontClient({
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  onTestFinished(() => {
    client.destroy();
    server.close();
  });
  return (...items: string[]) =>
    client.send(
      new CreateInvalidationCommand({
        DistributionId: 'E1LOCAL',
        InvalidationBatch: {
          CallerReference: items.join(),
          Paths: { Quantity: items.length, Items: items },
        },
      }),
    );
}

const PAGES = ['/', '/posts', '/posts/', '/posts/42', '/posts/42?page=2', '/posts/421', '/POSTS'];

describe('CFDG/invalidation-specifying-objects: an invalidation of', () => {
  it.each([
    ['/posts/42', ['/posts/42']],
    ['/posts', ['/posts']],
    ['/posts/', ['/posts/']],
    ['/posts/42?page=2', ['/posts/42?page=2']],
    ['/posts/42*', ['/posts/42', '/posts/42?page=2', '/posts/421']],
    ['/posts/*', ['/posts/', '/posts/42', '/posts/42?page=2', '/posts/421']],
    ['/*', PAGES],
    ['/p*s/42', []],
    ['/posts/7', []],
  ])('%s drops %j', async (item, dropped) => {
    const { invalidate, gone } = await cached(PAGES);
    await invalidate(item);
    expect(await gone()).toEqual(dropped);
  });

  it('a path drops all variants by headers and encodings', async () => {
    const { get, invalidate } = await cached([], { keyHeaders: ['accept-language'] });
    const variants = [
      {},
      { 'accept-language': 'de' },
      { 'accept-encoding': 'gzip' },
      { 'accept-encoding': 'br, gzip' },
    ] as Record<string, string>[];
    for (const headers of variants) await get('/posts', { headers });
    await invalidate('/posts');
    for (const headers of variants) expect((await get('/posts', { headers })).cache).toBe('Miss');
  });

  it('a path with %7E has no effect; one with ~ is refused, and all of its batch (aws-sdk issue 525)', async () => {
    const { invalidate, gone } = await cached(['/~me', '/%7Eme', '/posts']);
    await invalidate('/%7Eme', '/%7E*');
    await expect(invalidate('/posts', '/~me')).rejects.toThrow('invalid invalidation paths: /~me');
    expect(await gone()).toEqual([]);
    await invalidate('/*');
    expect(await gone()).toEqual(['/~me', '/%7Eme', '/posts']);
  });

  it('a path names what was asked in the very same characters, and no other spelling of it', async () => {
    const spellings = ['/%C3%A9', '/%c3%a9', '/%5B1%5D', '/[1]', '/a+b', '/a%20b'];
    const { invalidate, gone } = await cached(spellings);
    await invalidate('/%C3%A9', '/%5B1%5D', '/a%20b');
    expect(await gone()).toEqual(['/%C3%A9', '/%5B1%5D', '/a%20b']);
  });

  it('a path names a literal asterisk in its middle', async () => {
    const { invalidate, gone } = await cached(['/a*b', '/aab']);
    await invalidate('/a*b');
    expect(await gone()).toEqual(['/a*b']);
  });

  it('an expired copy drops it too: it answers for no failing origin', async () => {
    const { origin, get, pass, invalidate } = await cached(['/posts']);
    pass(61);
    await invalidate('/posts');
    origin.stop();
    expect((await get('/posts')).status).toBe(502);
  });
});

describe('CFDG/invalidation-by-tags, invalidation-specifying-tags: an invalidation of', () => {
  const pages = ['/posts', '/posts/42', '/posts/42?page=2', '/posts/421', '/pages/42'];

  it.each([
    [['#post:42'], ['/posts/42', '/posts/42?page=2']],
    [['#POST:42'], ['/posts/42', '/posts/42?page=2']],
    [['#posts'], ['/posts', '/posts/42', '/posts/42?page=2', '/posts/421']],
    [
      ['#post:421', '#page:42'],
      ['/posts/421', '/pages/42'],
    ],
    [
      ['#page:42', '/posts'],
      ['/posts', '/pages/42'],
    ],
    [['#post:4'], []],
    [['#post:*'], []],
  ])('%j drops %j', async (items, dropped) => {
    const { invalidate, gone } = await cached(pages);
    await invalidate(...items);
    expect(await gone()).toEqual(dropped);
  });

  it('a tag that the origin writes in capitals finds its objects', async () => {
    const { origin, get, invalidate } = await cached([]);
    origin.answer = page({ 'cache-control': 'max-age=60', 'cache-tag': 'Post:42 , A' });
    await get('/');
    await invalidate('#post:42');
    expect((await get('/')).cache).toBe('Miss');
  });

  it('the 51st tag of an object finds nothing: it was not stored', async () => {
    const { origin, get, invalidate } = await cached([]);
    const tags = Array.from({ length: 51 }, (_, i) => `t${i + 1}`).join(',');
    origin.answer = page({ 'cache-control': 'max-age=60', 'cache-tag': tags });
    await get('/');
    await invalidate('#t51');
    expect((await get('/')).cache).toBe('Hit');
    await invalidate('#t50');
    expect((await get('/')).cache).toBe('Miss');
  });

  it('any tag finds nothing where the distribution has no tag header', async () => {
    const { invalidate, gone } = await cached(pages, { tagHeader: undefined });
    await invalidate('#posts');
    expect(await gone()).toEqual([]);
  });

  it('a tag of the copy before finds nothing once another answer has taken its place', async () => {
    const { origin, get, pass, invalidate } = await cached(['/posts/42']);
    pass(61);
    origin.answer = page({ 'cache-control': 'max-age=60', 'cache-tag': 'other' });
    await get('/posts/42');
    await invalidate('#post:42');
    expect((await get('/posts/42')).cache).toBe('Hit');
    await invalidate('#other');
    expect((await get('/posts/42')).cache).toBe('Miss');
  });
});

describe('where AWS is silent we take the worse (docs/fidelity.md)', () => {
  it.each(['/%61', '/a%2Fb', '/%00', '/a//b', '/a/../b', '/.'])(
    'a path that encodes what it need not, or has empty or dot segments, drops nothing: %s',
    async (path) => {
      const { invalidate, gone } = await cached([path]);
      await invalidate(path);
      expect(await gone()).toEqual([]);
    },
  );

  it('an object that is under way when its invalidation comes is cached all the same', async () => {
    const { origin, get, invalidate } = await cached([]);
    const held: ServerResponse[] = [];
    origin.answer = (_, reply) => held.push(reply);
    const first = get('/posts');
    await until(() => held.length === 1);
    await invalidate('/posts', '#posts', '/*');
    held[0]?.writeHead(200, { 'cache-control': 'max-age=60' }).end('from before');
    await first;
    expect(await get('/posts')).toMatchObject({ cache: 'Hit', body: 'from before' });
  });

  it('a 304 leaves the tags of the copy as they were', async () => {
    const { origin, get, pass, invalidate } = await cached([]);
    const life = { 'cache-control': 'max-age=10', etag: '"1"' };
    origin.answer = page({ ...life, 'cache-tag': 'old' });
    await get('/');
    pass(11);
    origin.answer = (_, reply) => reply.writeHead(304, { ...life, 'cache-tag': 'new' }).end();
    expect((await get('/')).cache).toBe('RefreshHit');
    await invalidate('#new');
    expect((await get('/')).cache).toBe('Hit');
    await invalidate('#old');
    origin.answer = page(life);
    expect((await get('/')).cache).toBe('Miss');
  });
});

describe('the cache is bounded by bytes', () => {
  it('and drops what was not asked for the longest time, out of every index', async () => {
    const { origin, get, invalidate } = await cached([], { maxBytes: 25_000 });
    origin.answer = page({ 'cache-control': 'max-age=60', 'cache-tag': 'all' }, 'a'.repeat(8_000));
    await get('/a');
    await get('/b');
    await get('/a');
    await get('/c'); // too much: /b goes
    expect((await get('/a')).cache).toBe('Hit');
    expect((await get('/b')).cache).toBe('Miss'); // and takes the place of /c
    await invalidate('#all');
    for (const path of ['/a', '/b', '/c']) expect((await get(path)).cache).toBe('Miss');
  });
});
