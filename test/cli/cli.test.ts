/** The built command line, as a shell starts it. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Blog, startBlog } from '../../examples/blog/app';
import { built } from '../support/bundles';
import { type Running, run, start } from '../support/process';

const isr = (...args: string[]) => run(built('bin/isr.js'), args);

describe('help', () => {
  it.each([['--help'], ['dev', '--help'], ['revalidate', '--help'], ['jobs', '--help']])(
    'of isr %s has examples and ends well',
    async (...args) => {
      const { code, out, err } = await isr(...args);
      expect({ code, err }).toEqual({ code: 0, err: '' });
      expect(out).toContain('Usage: isr');
      expect(out).toMatch(/Examples:\n {2}\$ isr /);
    },
  );

  it('tells the version of the package', async () => {
    const { version } = (await import('../../package.json')).default;
    expect(await isr('--version')).toEqual({ code: 0, out: `${version}\n`, err: '' });
  });
});

describe('wrong usage', () => {
  it.each([
    [['nonsense'], "unknown command 'nonsense'"],
    [['dev'], "required option '-o, --origin <url>' not specified"],
    [['dev', '--origin', 'http://localhost:1', '--port', 'x'], 'A port is a whole number from 0'],
    [
      ['dev', '--origin', 'http://localhost:1', '--warm-per-second', '0'],
      'It takes a whole number from 1 to 1000.',
    ],
    [
      ['dev', '--origin', 'http://localhost:1', '--warm-max-urls', 'all'],
      'It takes a whole number from 0 to 10000.',
    ],
    [['revalidate', 'a', '--timeout', '-1'], 'It takes seconds, more than 0'],
    [['jobs'], "missing required argument 'id'"],
  ])('%j is told so, with exit code 2', async (args, sentence) => {
    const { code, err } = await isr(...args);
    expect(code).toBe(2);
    expect(err).toContain(sentence);
  });
});

describe('isr dev that cannot start', () => {
  let taken: Server;
  let takenPort: string;
  beforeAll(async () => {
    taken = createServer((_, response) => response.end()).listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    takenPort = String((taken.address() as AddressInfo).port);
  });
  afterAll(() => taken.close());

  it('because its port is taken says so in one sentence', async () => {
    const origin = `http://127.0.0.1:${takenPort}`;
    for (const args of [
      ['--port', takenPort],
      ['--port', '0', '--api-port', takenPort],
    ]) {
      const { code, err } = await isr('dev', '--origin', origin, ...args);
      expect(code).toBe(1);
      expect(err).toBe(
        `isr: port ${takenPort} of 127.0.0.1 is taken: stop what listens there, or choose another port\n`,
      );
    }
  });

  it('because it is given one port for two says so', async () => {
    const { code, err } = await isr(
      'dev',
      '-o',
      `http://127.0.0.1:${takenPort}`,
      '-p',
      '4',
      '--api-port',
      '4',
    );
    expect({ code, err }).toEqual({
      code: 1,
      err: 'isr: --api-port is 4, as --port is: choose another\n',
    });
  });

  it.each([
    ['http://127.0.0.1:9', 'nothing answers at the origin http://127.0.0.1:9 (ECONNREFUSED)'],
    ['localhost:8000', 'origin is "localhost:8000": it takes http://host[:port]'],
    ['http://localhost:8000/app', 'without a path'],
  ])('because the origin is %s says so in one sentence', async (origin, sentence) => {
    const { code, err } = await isr('dev', '--origin', origin, '--port', '0');
    expect(code).toBe(1);
    expect(err).toContain(`isr: ${sentence.startsWith('without') ? 'origin is' : sentence}`);
    expect(err).toContain(sentence);
    expect(err.trim().split('\n')).toHaveLength(1);
  });
});

describe('a revalidation from the command line', () => {
  let blog: Blog;
  let dev: Running;
  let url: string;
  let env: { ISR_ENDPOINT: string };

  beforeAll(async () => {
    blog = await startBlog({ port: 0 });
    dev = start(built('bin/isr.js'), ['dev', '--origin', blog.url, '--port', '0', '--json']);
    const [line] = await dev.printed(/^\{"ready":true.*\}$/m);
    const ready = JSON.parse(line);
    url = ready.url;
    env = { ISR_ENDPOINT: ready.apiUrl };
  });
  afterAll(async () => {
    dev?.child.kill('SIGKILL');
    await blog?.close();
  });

  const isrHere = (...args: string[]) => run(built('bin/isr.js'), args, env);

  it('shows each request in a line', async () => {
    await (await fetch(`${url}/posts/41`)).text();
    const [line] = await dev.printed(/^\{"method":"GET","url":"\/posts\/41".*\}$/m);
    expect(JSON.parse(line)).toMatchObject({ result: 'Miss', ruling: 'kept', status: 200 });
  });

  it('waits until it is fresh, shows how it went, and ends with 0', async () => {
    const { code, out, err } = await isrHere('revalidate', 'post:41', '--wait');
    expect(code).toBe(0);
    expect(err).toMatch(/^fresh …$/m);
    expect(out).toMatch(/^fresh {2}job [\da-f-]{36}$/m);
    expect(out).toMatch(/\+\d+ ms {2}purged/);
    expect(out).toContain('purge items: 1;');
    expect(out).toContain('warmed 1 of 1 urls');
  });

  it('prints its job, which isr jobs then shows', async () => {
    const queued = await isrHere('revalidate', '--url', '/posts/41', '--json');
    expect(queued.code).toBe(0);
    const { job } = JSON.parse(queued.out);
    const waited = await isrHere('revalidate', 'post:41', '--wait', '--json');
    expect(JSON.parse(waited.out)).toMatchObject({ state: 'fresh' });
    const shown = await isrHere('jobs', job, '--json');
    expect(JSON.parse(shown.out)).toMatchObject({ id: job, urls: 1 });
  });

  it.each([
    [['revalidate', 'a,b'], 'tag 1 is "a,b": a tag has no comma, send two tags'],
    [['revalidate'], 'nothing to revalidate: name a tag, or a url with --url'],
    [['revalidate', '--url', 'https://example.org/'], 'a url is a path without scheme and host'],
    [['jobs', 'no-such-job'], 'no job has the id "no-such-job"'],
  ])('%j fails with one sentence and exit code 1', async (args, sentence) => {
    const { code, err } = await isrHere(...args);
    expect(code).toBe(1);
    expect(err).toContain(`isr: ${sentence.startsWith('a url') ? '--url 1 is' : sentence}`);
    expect(err).toContain(sentence);
  });

  it('fails as JSON when JSON was asked for', async () => {
    const { code, out } = await isrHere('jobs', 'no-such-job', '--json');
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ error: { code: 'job-unknown' } });
  });

  it('fails when nobody serves the API', async () => {
    const { code, err } = await isrHere('revalidate', 'a', '--endpoint', 'http://127.0.0.1:9');
    expect(code).toBe(1);
    expect(err).toContain('http://127.0.0.1:9');
  });

  it('ends with isr dev, which drains and exits with 0 on Ctrl-C', async () => {
    dev.child.kill('SIGINT');
    expect((await dev.finished()).code).toBe(0);
  });
});
