import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { parseRevalidationText } from '../../core/revalidation';
import { tagsOf } from '../../core/tags';
import { type Blog, type BlogOptions, startBlog } from '../../examples/blog/app';
import { html } from '../../examples/blog/html';
import { POSTS_MAX } from '../../examples/blog/store';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  vi.restoreAllMocks();
});

async function start(options: Partial<BlogOptions> = {}): Promise<Blog> {
  const blog = await startBlog({ port: 0, ...options });
  closing.push(() => blog.close());
  return blog;
}

/** A revalidate API that reads what it is sent as the real one does; down while `isUp` is false. */
async function api() {
  const state = { isUp: true, told: [] as (readonly string[])[], endpoint: '' };
  const server = createServer(async (req, res) => {
    const { tags } = parseRevalidationText((await req.toArray()).join(''));
    if (state.isUp) state.told.push(tags);
    if (!state.isUp) return res.writeHead(503).end();
    return res.writeHead(202).end(JSON.stringify({ job: `job-${state.told.length}` }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  state.endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  closing.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return state;
}

async function get(url: string) {
  const res = await fetch(url, { redirect: 'manual' });
  const tags = tagsOf({ 'cache-tag': [res.headers.get('cache-tag') ?? ''] }).tags;
  return { status: res.status, headers: res.headers, tags, body: await res.text() };
}

async function post(url: string, fields: Record<string, string>, headers = {}) {
  const body = new URLSearchParams(fields);
  const res = await fetch(url, { method: 'POST', body, headers, redirect: 'manual' });
  return {
    status: res.status,
    headers: res.headers,
    location: res.headers.get('location') ?? '',
    body: await res.text(),
  };
}

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'blog-'));
  closing.push(() => rm(path, { recursive: true }));
  return path;
}

const EDIT = { title: 'New title', body: 'New text.', category: '7' };

describe('a page of the blog', () => {
  it.each([
    ['/posts/42', 200, ['category:7', 'post:42'], 'What a page depends on'],
    [
      '/categories/7',
      200,
      ['category:7', 'post:41', 'post:42', 'post:44'],
      'A lifetime is a guess',
    ],
    ['/categories/12', 404, ['category:12'], 'There is no category 12'],
    ['/posts/99', 404, ['post:99'], 'There is no post 99'],
  ])('%s (%i) may be cached, under the tags of what it shows', async (path, status, tags, text) => {
    const { url } = await start();
    const page = await get(url + path);
    expect(page.status).toBe(status);
    expect(page.tags).toEqual(tags);
    expect(page.headers.get('cache-control')).toBe(
      'public, s-maxage=300, stale-while-revalidate=3600',
    );
    expect(page.headers.get('x-isr-elapsed')).toMatch(/^\d+$/);
    expect(page.body).toContain(text);
  });

  it('/ depends on every post and category it names, and on there being no other', async () => {
    const { tags, body } = await get((await start()).url);
    expect(tags).toHaveLength(1 + 6 + 3);
    expect(tags).toEqual(expect.arrayContaining(['posts', 'post:39', 'category:9']));
    expect(body).toContain('<a href="/posts/42">What a page depends on</a>');
  });

  it('leads nowhere: known for a minute', async () => {
    const { url } = await start();
    for (const path of ['/nowhere', '/posts/0042', '/posts/x', '/categories/-1', '/posts/1e9']) {
      const page = await get(url + path);
      expect(page.status).toBe(404);
      expect(page.tags).toEqual([]);
      expect(page.headers.get('cache-control')).toBe('public, s-maxage=60');
    }
    expect((await get(`${url}/posts/%E0%A4%A`)).status).toBe(400);
  });

  it('shows which render it is, and the blog counts along', async () => {
    const blog = await start();
    const shown = async (path: string) =>
      /<span id="render">(\d+)<\/span>/.exec((await get(blog.url + path)).body)?.[1];
    expect([await shown('/'), await shown('/posts/42'), await shown('/posts/42')]).toEqual([
      '1',
      '2',
      '3',
    ]);
    await get(`${blog.url}/posts/42/edit`);
    expect(blog.renders()).toBe(3);
  });

  it('says how long its render took', async () => {
    const { url } = await start({ renderMs: 30 });
    expect(Number((await get(url)).headers.get('x-isr-elapsed'))).toBeGreaterThanOrEqual(29);
  });

  it('runs no script, whatever a post holds', async () => {
    const { url } = await start();
    const mean = {
      title: `<script>alert("1")</script> & 'co'`,
      body: '</textarea><b>x',
      category: '7',
    };
    await post(`${url}/posts/42/edit`, mean);
    for (const path of [
      '/',
      '/posts/42',
      '/posts/42/edit',
      '/categories/7',
      '/posts/42/edit?job="><b>',
    ]) {
      const page = await get(url + path);
      expect(page.body).not.toMatch(/<script|<\/textarea><b>|"><b>/);
      expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    }
    expect((await get(`${url}/posts/42`)).body).toContain(
      '<h1>&#60;script&#62;alert(&#34;1&#34;)&#60;/script&#62; &#38; &#39;co&#39;</h1>',
    );
    expect(html`<a title="${'"'}">${[html`<b>${'<'}</b>`]}${undefined}</a>`.text).toBe(
      '<a title="&#34;"><b>&#60;</b></a>',
    );
  });
});

describe('a save', () => {
  it('of a post that stays in its category revalidates the post', async () => {
    const edge = await api();
    const { url } = await start({ isrEndpoint: edge.endpoint });
    const saved = await post(`${url}/posts/42/edit`, EDIT);
    expect([saved.status, saved.location]).toEqual([303, '/posts/42/edit?job=job-1']);
    expect(saved.headers.get('cache-control')).toBe('no-store');
    expect(edge.told).toEqual([['post:42']]);
    expect((await get(`${url}/posts/42`)).body).toContain('<h1>New title</h1>');
    expect((await get(url + saved.location)).body).toContain('(job job-1)');
  });

  it('of a post that moves revalidates both categories, the one it left and the one it came to', async () => {
    const edge = await api();
    const { url } = await start({ isrEndpoint: edge.endpoint });
    expect((await get(`${url}/categories/8`)).tags).not.toContain('post:42');
    await post(`${url}/posts/42/edit`, { ...EDIT, category: '8' });
    expect(edge.told).toEqual([['post:42', 'category:7', 'category:8']]);
    expect((await get(`${url}/categories/8`)).tags).toContain('post:42');
  });

  it('of a new post revalidates the lists that lack it, and the 404 that stood in its place', async () => {
    const edge = await api();
    const { url } = await start({ isrEndpoint: edge.endpoint });
    expect((await get(`${url}/posts/45`)).tags).toEqual(['post:45']);
    const saved = await post(`${url}/new`, EDIT);
    expect(saved.location).toBe('/posts/45/edit?job=job-1');
    expect(edge.told).toEqual([['posts', 'post:45', 'category:7']]);
    expect((await get(`${url}/posts/45`)).status).toBe(200);
  });

  it('is kept when the edge cannot be told, says so, and is told with the next one', async () => {
    const edge = await api();
    edge.isUp = false;
    vi.spyOn(console, 'warn').mockImplementation(() => {});
    const { url } = await start({ isrEndpoint: edge.endpoint });
    const saved = await post(`${url}/posts/42/edit`, { ...EDIT, category: '8' });
    expect([saved.status, saved.location]).toEqual([
      303,
      '/posts/42/edit?problem=endpoint-unreachable',
    ]);
    expect((await get(url + saved.location)).body).toContain(
      'Saved, but the edge could not be told (endpoint-unreachable)',
    );
    expect((await get(`${url}/posts/42`)).body).toContain('<h1>New title</h1>');
    expect(console.warn).toHaveBeenCalledWith(expect.stringContaining('answered 503'));

    edge.isUp = true;
    await post(`${url}/posts/43/edit`, { ...EDIT, category: '8' });
    await post(`${url}/posts/43/edit`, { ...EDIT, category: '8' });
    expect(edge.told).toEqual([['post:42', 'category:7', 'category:8', 'post:43'], ['post:43']]);
  });

  it('without an edge says that there was nobody to tell', async () => {
    const { url } = await start();
    const saved = await post(`${url}/posts/42/edit`, EDIT);
    expect(saved.location).toBe('/posts/42/edit?saved');
    expect((await get(url + saved.location)).body).toContain('nobody to tell');
  });

  it.each([
    [{ ...EDIT, title: '  ' }, 'a post has a title'],
    [{ ...EDIT, title: 'x'.repeat(201) }, 'a title has at most 200 characters'],
    [{ title: 'x', category: '7' }, 'a post has a text'],
    [{ ...EDIT, body: 'x'.repeat(20_001) }, 'a text has at most 20000 characters'],
    [{ ...EDIT, category: '10' }, 'there is no such category'],
  ])('is refused with a sentence, and what was written is still there', async (fields, why) => {
    const edge = await api();
    const { url } = await start({ isrEndpoint: edge.endpoint });
    for (const path of ['/posts/42/edit', '/new']) {
      const refused = await post(url + path, fields as Record<string, string>);
      expect(refused.status).toBe(422);
      expect(refused.headers.get('cache-control')).toBe('no-store');
      expect(refused.body).toContain(`Not saved: ${why}.`);
      expect(refused.body).toContain(`value="${fields.title.trim()}"`);
    }
    expect(edge.told).toEqual([]);
    expect((await get(`${url}/posts/42`)).body).toContain('What a page depends on');
  });

  it('is refused when another site sends it, when it is too large, and when there is no such post', async () => {
    const { url } = await start();
    const foreign = await post(`${url}/posts/42/edit`, EDIT, { 'sec-fetch-site': 'cross-site' });
    const large = await post(`${url}/posts/42/edit`, { ...EDIT, body: 'x'.repeat(200_000) });
    const missing = await post(`${url}/posts/99/edit`, EDIT);
    expect([foreign.status, large.status, missing.status]).toEqual([403, 413, 404]);
    for (const { headers } of [foreign, large, missing]) {
      expect(headers.get('cache-control')).toBe('no-store');
    }
    expect((await get(`${url}/posts/42`)).body).toContain('What a page depends on');
  });

  it('is refused when the blog is full', async () => {
    const { url } = await start();
    for (let posts = 6; posts < POSTS_MAX; posts++) await post(`${url}/new`, EDIT);
    expect((await get(url)).tags.length).toBeLessThanOrEqual(50);
    expect((await post(`${url}/new`, EDIT)).body).toContain('this blog holds 40 posts');
  });
});

describe('a form', () => {
  it.each(['/new', '/posts/42/edit', '/posts/99/edit'])('%s is never cached', async (path) => {
    const { url } = await start();
    const { headers, tags } = await get(url + path);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('x-isr-elapsed')).toBeNull();
    expect(tags).toEqual([]);
  });
});

describe('the data', () => {
  it('outlives the blog in its file, all saves of a moment included', async () => {
    const dataFile = join(await folder(), 'blog.json');
    const { url } = await start({ dataFile });
    await Promise.all(
      [41, 42, 43].map((id) => post(`${url}/posts/${id}/edit`, { ...EDIT, title: `Title ${id}` })),
    );
    const again = await start({ dataFile });
    const list = (await get(again.url)).body;
    for (const id of [41, 42, 43]) expect(list).toContain(`Title ${id}</a>`);
    expect(JSON.parse(await readFile(dataFile, 'utf8')).posts).toHaveLength(6);
    expect(await readdir(join(dataFile, '..'))).toEqual(['blog.json']);
  });

  it.each([
    '{',
    '{}',
    '{"categories":[],"posts":[]}',
    '{"categories":[{"id":7}],"posts":[{"id":"x"}]}',
  ])('is refused when its file holds %s', async (text) => {
    const dataFile = join(await folder(), 'blog.json');
    await writeFile(dataFile, text);
    await expect(startBlog({ port: 0, dataFile })).rejects.toThrow(`${dataFile} holds no blog`);
  });

  it('that cannot be written is not saved, not announced, and says so', async () => {
    const edge = await api();
    vi.spyOn(console, 'error').mockImplementation(() => {});
    const dataFile = join(await folder(), 'missing', 'blog.json');
    const { url } = await start({ dataFile, isrEndpoint: edge.endpoint });
    const failed = await post(`${url}/posts/42/edit`, EDIT);
    expect(failed.status).toBe(500);
    expect(failed.body).toContain('That did not work.');
    expect(failed.body).not.toContain('ENOENT');
    expect((await get(`${url}/posts/42`)).body).toContain('What a page depends on');
    expect(edge.told).toEqual([]);
  });
});

describe('the blog as a program', () => {
  async function program(): Promise<string> {
    const outfile = join(await folder(), 'blog.cjs');
    await build({
      entryPoints: ['examples/blog/main.ts'],
      outfile,
      bundle: true,
      platform: 'node',
      logLevel: 'warning',
    });
    return outfile;
  }

  function run(file: string, env: Record<string, string>) {
    const child = spawn(process.execPath, [file], { env: { ...process.env, ...env } });
    const said = { out: '', err: '' };
    child.stdout.on('data', (data) => (said.out += data));
    child.stderr.on('data', (data) => (said.err += data));
    closing.push(async () => child.kill('SIGKILL'));
    return { child, said, ended: once(child, 'close') };
  }

  it('runs from its environment until it is told to stop, and takes no port that is taken', async () => {
    const file = await program();
    const { child, said, ended } = run(file, { PORT: '0', ISR_ENDPOINT: '' });
    while (!said.out.includes('\n')) await once(child.stdout, 'data');
    const url = said.out.replace('blog: ', '').trim();
    expect((await get(`${url}/posts/42`)).status).toBe(200);

    const second = run(file, { PORT: new URL(url).port });
    expect(await second.ended).toEqual([1, null]);
    expect(second.said.err).toMatch(/^the port is taken: choose another with PORT \(.*\)\n$/);

    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  });

  it.each([
    [{ PORT: '80a' }, 'PORT is "80a": it takes a whole number, 0 to 65535\n'],
    [{ PORT: '0', ISR_ENDPOINT: 'localhost' }, 'endpoint is "localhost": it takes an address'],
  ])('says in one sentence what is wrong with %j', async (env, why) => {
    const { said, ended } = run(await program(), env);
    expect(await ended).toEqual([1, null]);
    expect(said.err).toContain(why);
    expect(said.err.trim().split('\n')).toHaveLength(1);
  });

  // elsewhere 127.0.0.2 is no address of the machine
  it.runIf(process.platform === 'linux')('is reachable from this machine only', async () => {
    const { url } = await start();
    const other = request({ host: '127.0.0.2', port: new URL(url).port }).end();
    const [error] = await once(other, 'error');
    expect(error).toMatchObject({ code: 'ECONNREFUSED' });
  });
});
