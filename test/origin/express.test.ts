import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import express from 'express';
import { afterEach, describe, expect, it } from 'vitest';
import { isr, type Render, renderOf, tag } from '../../origin/express';
import fixture from '../../origin/fixtures/headers.json';

type Handler = (req: IncomingMessage, res: ServerResponse) => unknown;

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

async function listen(handler: Handler): Promise<string> {
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** node:http's own client, since fetch keeps 304s and redirects to itself. */
function ask(
  url: string,
  { method = 'GET', headers = {} }: { method?: string; headers?: Record<string, string> } = {},
): Promise<Answered> {
  return new Promise((resolve, reject) => {
    request(url, { method, headers, agent: false }, async (res) => {
      const body = (await res.toArray()).join('');
      resolve({ status: res.statusCode ?? 0, headers: res.headers, body });
    })
      .on('error', reject)
      .end();
  });
}

interface Response {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly tagsInRender?: readonly string[];
  readonly stream?: boolean;
}

interface Case {
  readonly name: string;
  readonly options: {
    readonly tags?: readonly string[];
    readonly sMaxAge: number;
    readonly swr?: number;
  };
  readonly request?: { readonly method?: string; readonly headers?: Record<string, string> };
  readonly response?: Response;
  readonly again?: Response;
  readonly expect: {
    readonly status: number;
    readonly warning?: string;
    readonly headers: Readonly<Record<string, string | null | { readonly matches: string }>>;
  };
}

/** How a handler of each kind would write the same answer. */
const SENDERS = {
  'node:http': async (res: ServerResponse, render: Render, response: Response) => {
    await turn();
    if (response.stream) res.write('<p>');
    await turn();
    for (const [name, value] of Object.entries(response.headers ?? {})) res.setHeader(name, value);
    render.addTags(...(response.tagsInRender ?? []));
    res.statusCode = response.status ?? 200;
    res.end(response.body ?? 'a page');
  },
  'node:http with writeHead': async (res: ServerResponse, render: Render, response: Response) => {
    await turn();
    if (!response.stream) render.addTags(...(response.tagsInRender ?? []));
    res.writeHead(response.status ?? 200, { ...response.headers });
    if (response.stream) {
      res.write('<p>');
      render.addTags(...(response.tagsInRender ?? []));
    }
    res.end(response.body ?? 'a page');
  },
  Express: async (res: ServerResponse, render: Render, response: Response) => {
    const { status = 200, headers = {}, body = 'a page', tagsInRender = [] } = response;
    if (response.stream) res.write('<p>');
    else (res as express.Response).status(status).set(headers);
    await turn();
    render.addTags(...tagsInRender);
    if (response.stream) res.end(body);
    else (res as express.Response).send(body);
  },
};

describe.each(Object.entries(SENDERS))('an answer of %s', (kind, send) => {
  /** writeHead sends the headers before there is a body to make an ETag of. */
  const hasOwnEtag = kind !== 'node:http with writeHead';
  const cases = (fixture.answers as unknown as readonly Case[]).filter(
    ({ again, response, expect: { headers } }) =>
      hasOwnEtag || (again === undefined && headers.etag == null) || response?.stream,
  );

  it.each(cases)('$name', async ({ options, request: asked, response, again, ...expected }) => {
    const warnings: string[] = [];
    const middleware = isr({ ...options, onWarning: (message) => warnings.push(message) });
    const responses = [response ?? {}, { ...response, ...again }];
    const handle = (req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => void) =>
      middleware(req, res, () => send(res, renderOf(res), responses.shift() ?? {}).catch(next));
    const url = await listen(
      kind === 'Express'
        ? express().use(handle)
        : (req, res) => handle(req, res, (error) => res.destroy(error as Error)),
    );

    let answer = await ask(url, asked);
    if (again) {
      const ifNoneMatch = String(answer.headers.etag);
      answer = await ask(url, {
        ...asked,
        headers: { ...asked?.headers, 'If-None-Match': ifNoneMatch },
      });
    }

    const { status, headers, warning } = expected.expect;
    expect(answer.status).toBe(status);
    for (const [name, value] of Object.entries(headers)) {
      if (value === null) expect(answer.headers, name).not.toHaveProperty(name);
      else if (typeof value === 'string') expect(answer.headers[name], name).toBe(value);
      else expect(answer.headers[name], name).toMatch(new RegExp(value.matches));
    }
    if (status === 304) expect(answer.body).toBe('');
    if (warning === undefined) expect(warnings).toEqual([]);
    else expect(warnings).toEqual([expect.stringContaining(warning)]);
  });
});

describe('a route of Express', () => {
  it('takes tags from its parameters and adds more while it renders', async () => {
    const app = express();
    app.get(
      '/posts/:id',
      isr({
        tags: (req: express.Request<{ id: string }>) => [tag('post', req.params.id)],
        sMaxAge: 300,
      }),
      async (_req, res) => {
        await turn();
        res.isr.addTags('category:7');
        expect(res.isr.tags).toEqual(['category:7', 'post:42']);
        res.json({ title: 'Tags' });
      },
    );
    const { headers, body } = await ask(`${await listen(app)}/posts/42`);
    expect(headers['cache-tag']).toBe('category:7,post:42');
    expect(body).toBe('{"title":"Tags"}');
  });

  it('measures from the start of the render', async () => {
    const app = express().use(isr({ sMaxAge: 300 }), (_req, res) => {
      const began = performance.now();
      while (performance.now() < began + 25); // work, not a timer, so that no clock can round it down
      res.send('slow');
    });
    const { headers } = await ask(await listen(app));
    expect(Number(headers['x-isr-elapsed'])).toBeGreaterThanOrEqual(25);
  });

  it('whose handler throws is not cached, nor is what its error handler makes of it', async () => {
    const app = express();
    app.set('env', 'test');
    app.use(isr({ tags: ['post:42'], sMaxAge: 300 }));
    app.get('/thrown', (_req, res) => {
      res.set('ETag', '"v1"');
      throw new Error('the database is gone');
    });
    app.get('/handled', () => Promise.reject(new Error('the database is gone')));
    const sorry: express.ErrorRequestHandler = (error, req, res, next) => {
      if (req.path === '/handled') res.status(503).send('sorry');
      else next(error);
    };
    app.use(sorry);
    const url = await listen(app);
    for (const [path, status] of Object.entries({ '/thrown': 500, '/handled': 503 })) {
      const answer = await ask(url + path);
      expect(answer.status).toBe(status);
      expect(answer.headers['cache-control']).toBe('private, no-store');
      expect(answer.headers).not.toHaveProperty('cache-tag');
    }
  });

  it('whose tags cannot be told fails with what its function threw', async () => {
    const app = express();
    app.set('env', 'test');
    app.get('/promise', isr({ tags: (async () => ['a']) as never, sMaxAge: 300 }));
    app.get(
      '/:id',
      isr({
        tags: (req: express.Request<{ id: string }>) => [tag('post', Number(req.params.id))],
        sMaxAge: 300,
      }),
    );
    const url = await listen(app);
    const thrown = await ask(`${url}/x`);
    expect(thrown.status).toBe(500);
    expect(thrown.body).toContain('id is NaN');
    expect((await ask(`${url}/promise`)).body).toContain('tags(req) gave no list');
  });

  it('inside a router that has the middleware too: its lifetime counts, the tags of both', async () => {
    const app = express().use(isr({ tags: ['site'], sMaxAge: 60, swr: 60 }));
    app.get('/posts', isr({ tags: ['posts'], sMaxAge: 300 }), (_req, res) => res.send('posts'));
    const { headers } = await ask(`${await listen(app)}/posts`);
    expect(headers['cache-control']).toBe('public, s-maxage=300');
    expect(headers['cache-tag']).toBe('posts,site');
  });

  it('lets Express compare ETag and tags itself: req.fresh, and files that stream', async () => {
    const app = express();
    let tags = ['file:1'];
    app.use(isr({ tags: () => tags, sMaxAge: 300 }));
    app.get('/fresh', (req, res) => {
      res.set('ETag', '"v1"');
      res.isr.addTags('late');
      if (req.fresh) res.status(304).end();
      else res.send('a costly page');
    });
    app.get('/file', (_req, res) =>
      res.sendFile('package.json', { root: process.cwd(), cacheControl: false }),
    );
    const url = await listen(app);
    for (const path of ['/fresh', '/file']) {
      tags = ['file:1'];
      const first = await ask(url + path);
      const headers = { 'If-None-Match': String(first.headers.etag) };
      const second = await ask(url + path, { headers });
      expect([first.status, second.status]).toEqual([200, 304]);
      expect(second.headers['cache-tag']).toBe(first.headers['cache-tag']);
      expect(second.headers['cache-control']).toBe('public, s-maxage=300');
      tags = ['file:2'];
      expect((await ask(url + path, { headers })).status).toBe(200);
    }
  });

  it('sends the whole page to a client that asks for no stored answer', async () => {
    for (const handler of [
      express().use(isr({ sMaxAge: 300 }), (_req, res) => res.send('a page')),
      (req: IncomingMessage, res: ServerResponse) =>
        isr({ sMaxAge: 300 })(req, res, () => res.end('a page')),
    ]) {
      const url = await listen(handler);
      const known = { 'If-None-Match': String((await ask(url)).headers.etag) };
      expect((await ask(url, { headers: known })).status).toBe(304);
      const reload = await ask(url, { headers: { ...known, 'Cache-Control': 'no-cache' } });
      expect(reload.status).toBe(200);
    }
  });
});

describe('a handler of node:http', () => {
  const page = isr({ tags: ['post:42'], sMaxAge: 300 });

  it.each([
    ['an object', { 'Set-Cookie': 'a=1' }],
    ['a list', ['set-cookie', 'a=1', 'Set-Cookie', 'b=2']],
    ['a list of pairs', [['set-cookie', ['a=1', 'b=2']]]],
  ])('that sets a cookie with writeHead and %s is not cached', async (_, headers) => {
    const url = await listen((req, res) =>
      page(req, res, () => res.writeHead(200, 'Fine', headers as string[]).end('mine')),
    );
    const answer = await ask(url);
    expect(answer.headers['cache-control']).toBe('private, no-store');
    expect(answer.headers['set-cookie']).toContain('a=1');
    expect(answer.headers['set-cookie']).toHaveLength(Array.isArray(headers) ? 2 : 1);
    expect(answer.headers).not.toHaveProperty('cache-tag');
  });

  it('whose writeHead Node refuses answers with its error, uncached', async () => {
    const url = await listen((req, res) =>
      page(req, res, () => {
        expect(() => res.writeHead(200, 'two\nlines')).toThrow('Invalid character');
        res.writeHead(500, 'Sorry').end('sorry');
      }),
    );
    const answer = await ask(url);
    expect(answer.headers['cache-control']).toBe('private, no-store');
    expect(answer.headers).not.toHaveProperty('cache-tag');
    expect(answer.headers).not.toHaveProperty('x-isr-elapsed');
  });

  it('says nothing of a body in its 304, and everything else', async () => {
    const url = await listen((req, res) =>
      page(req, res, () => {
        res.setHeader('Transfer-Encoding', 'chunked');
        res.setHeader('Content-Type', 'text/plain');
        res.setHeader('Content-Language', 'en');
        res.setHeader('Link', '</a.css>; rel=preload');
        res.end('a page');
      }),
    );
    const first = await ask(url);
    const { etag, ...kept } = first.headers;
    const { status, headers } = await ask(url, { headers: { 'If-None-Match': `"x", ${etag}` } });
    expect(status).toBe(304);
    for (const name of ['transfer-encoding', 'content-type', 'content-language']) {
      expect(kept).toHaveProperty(name);
      expect(headers).not.toHaveProperty(name);
    }
    expect(headers).toMatchObject({ etag, link: kept.link, 'cache-tag': 'post:42' });
  });

  it('keeps its ways to end: a callback, an encoding, no body, twice', async () => {
    const ended: string[] = [];
    const url = await listen((req, res) =>
      page(req, res, () => {
        if (req.url === '/callback') res.end(() => ended.push('callback'));
        else if (req.url === '/encoding') res.end('c3bc', 'hex', () => ended.push('encoding'));
        else res.end('once').end();
      }),
    );
    expect((await ask(`${url}/callback`)).headers).not.toHaveProperty('etag');
    const first = await ask(`${url}/encoding`);
    expect(first.body).toBe('ü');
    const headers = { 'If-None-Match': String(first.headers.etag) };
    expect((await ask(`${url}/encoding`, { headers })).status).toBe(304);
    expect((await ask(`${url}/twice`)).body).toBe('once');
    expect(ended).toEqual(['callback', 'encoding', 'encoding']);
  });

  it('has a render only behind the middleware', async () => {
    const url = await listen((_req, res) => {
      expect(() => renderOf(res)).toThrow('put isr({ … }) in front of the handler');
      res.end();
    });
    expect((await ask(url)).status).toBe(200);
  });
});

describe('the middleware', () => {
  it('says at once what is wrong with its options', () => {
    expect(() => isr({ sMaxAge: -1 })).toThrow('sMaxAge is -1: it takes whole seconds');
    expect(() => isr({ sMaxAge: 60, swr: 1.5 })).toThrow('swr is 1.5: it takes whole seconds');
    expect(() => isr({ sMaxAge: 60, tags: ['ok', 'a,b'] })).toThrow('tags[1] is "a,b"');
  });

  it('warns once, through Node, when nobody else is told', async () => {
    const warnings: Error[] = [];
    const hear = (warning: Error) => warning.name === 'IsrWarning' && warnings.push(warning);
    process.on('warning', hear);
    const url = await listen(
      express().use(isr({ sMaxAge: 60 }), (_req, res) => {
        res.isr.addTags('a b');
        res.send('a page');
      }),
    );
    await ask(`${url}/one`);
    await ask(`${url}/two`);
    await turn();
    process.off('warning', hear);
    expect(warnings.map(({ message }) => message)).toEqual([
      'GET /one: tag is "a b": a tag has no white space; the page is served uncached',
    ]);
  });

  it('serves a page whose tags fill no header, uncached, and warns', async () => {
    const warnings: string[] = [];
    const tags = Array.from({ length: 100 }, (_, i) => `${i}:${'x'.repeat(200)}`);
    const middleware = isr({ tags, sMaxAge: 60, onWarning: (message) => warnings.push(message) });
    const url = await listen(express().use(middleware, (_req, res) => res.send('a page')));
    const { headers, body } = await ask(`${url}/all`);
    expect(body).toBe('a page');
    expect(headers['cache-control']).toBe('private, no-store');
    expect(headers).not.toHaveProperty('cache-tag');
    expect(warnings).toEqual([
      'GET /all: its tags have more than 16384 characters; the page is served uncached',
    ]);
  });

  it('keeps the tags of renders that overlap apart', async () => {
    const app = express();
    app.get(
      '/:id',
      isr({ tags: (req) => [`a:${req.params.id}`], sMaxAge: 60 }),
      async (req, res) => {
        await turn();
        res.isr.addTags(`b:${req.params.id}`);
        await turn();
        res.send('a page');
      },
    );
    const url = await listen(app);
    const answers = await Promise.all(Array.from({ length: 200 }, (_, i) => ask(`${url}/${i}`)));
    expect(answers.map(({ headers }) => headers['cache-tag'])).toEqual(
      answers.map((_, i) => `a:${i},b:${i}`),
    );
  });
});
