/** The built command line, as a shell starts it. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Blog, startBlog } from '../../examples/blog/app';
import { CREDENTIALS, REGION } from '../../local/account';
import { built } from '../support/bundles';
import { type Running, run, start } from '../support/process';
import { until } from '../support/until';

const isr = (...args: string[]) => run(built('bin/isr.js'), args);

describe('help', () => {
  it.each([
    ['--help'],
    ['dev', '--help'],
    ['revalidate', '--help'],
    ['plan', '--help'],
    ['jobs', '--help'],
    ['redrive', '--help'],
    ['cost', '--help'],
  ])('of isr %s has examples and ends well', async (...args) => {
    const { code, out, err } = await isr(...args);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('Usage: isr');
    expect(out).toMatch(/Examples:\n {2}\$ isr /);
  });

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
    [['jobs', '--state', 'done'], 'It takes one of queued, purging'],
    [['jobs', '--limit', '101'], 'It takes a whole number from 1 to 100'],
  ])('%j is told so, with exit code 2', async (args, sentence) => {
    const { code, err } = await isr(...args);
    expect(code).toBe(2);
    expect(err).toContain(sentence);
  });
});

describe('a bearer token', () => {
  const TOKEN = 'a-token-0123456789';
  let api: Server;
  let endpoint: string;
  const asked: (string | undefined)[] = [];
  beforeAll(async () => {
    api = createServer(({ headers }, response) => {
      asked.push(headers.authorization);
      const isLetIn = headers.authorization === `Bearer ${TOKEN}`;
      response.statusCode = isLetIn ? 202 : headers.authorization ? 403 : 401;
      response.end(isLetIn ? '{"job":"j-1","jobs":[]}' : '{}');
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => api.once('listening', resolve));
    endpoint = `http://127.0.0.1:${(api.address() as AddressInfo).port}`;
  });
  afterAll(() => api.close());

  it.each([['revalidate', 'post:42'], ['jobs']])(
    'comes from --token or from ISR_TOKEN, and is never printed: isr %s',
    async (...args) => {
      asked.length = 0;
      const flagged = await isr(...args, '--endpoint', endpoint, '--token', TOKEN);
      const script = built('bin/isr.js');
      const set = await run(script, [...args, '--endpoint', endpoint], { ISR_TOKEN: TOKEN });
      expect([flagged.code, set.code]).toEqual([0, 0]);
      expect(asked).toEqual([`Bearer ${TOKEN}`, `Bearer ${TOKEN}`]);
      expect(JSON.stringify([flagged, set])).not.toContain(TOKEN);
    },
  );

  it('that is missing or wrong fails with what to do', async () => {
    const none = await isr('jobs', '--endpoint', endpoint);
    expect(none).toMatchObject({ code: 1, out: '' });
    expect(none.err).toContain('give it with ISR_TOKEN (or --token)');
    const wrong = await isr('jobs', '--endpoint', endpoint, '--token', 'wrong-0123456789');
    expect(wrong.err).toContain('its token is the secret’s (AWSCURRENT)');
    expect(wrong.err).not.toContain('wrong-0123456789');
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

  it('shows what it does while it does it', async () => {
    const { err } = await isrHere('revalidate', 'post:41', '--wait');
    const seen = err.trim().split('\n');
    expect(seen.at(-1)).toBe('fresh …');
    for (const line of seen) {
      expect(line).toMatch(/^(purging|purged, 1 items|warming [01] of 1|fresh) …$/);
    }
  });

  it('is one job under its key, and refuses other work under it', async () => {
    const key = ['--key', 'cli-test-key-0001'];
    const one = await isrHere('revalidate', 'post:41', ...key, '--wait', '--json');
    const again = await isrHere('revalidate', 'post:41', ...key, '--wait', '--json');
    const { id, state, invalidations } = JSON.parse(one.out);
    expect({ id, state }).toEqual({ id: 'cli-test-key-0001', state: 'fresh' });
    expect(JSON.parse(again.out)).toMatchObject({ id, state, invalidations });

    const other = await isrHere('revalidate', 'post:42', ...key, '--wait');
    expect(other.code).toBe(1);
    expect(other.err).toContain('isr: the key cli-test-key-0001 stands for another revalidation');
    const shown = await until(async () => {
      const { out } = await isrHere('jobs', id);
      return out.includes('conflict') && out;
    }, 'the conflict is noted');
    expect(shown).toContain('nothing was purged for that one');
  });

  it('is planned without being done', async () => {
    await (await fetch(`${url}/posts/41`)).text();
    const { code, out } = await isrHere('plan', 'post:41', '--url', '/nowhere');
    expect(code).toBe(0);
    expect(out).toContain(
      "purge items: 1, $0.000 ($0.005 once the month's free ones are used); urls covered: 1",
    );
    expect(out).toContain(
      '#post:41  revalidate post:41: one item for 1 url\n    covers /posts/41\n',
    );
    expect(out).toContain('/nowhere  needs no item: no live edge: it is not cached\n');
    expect(out).toContain('budget: no budget is set');
    const json = await isrHere('plan', 'post:41', '--url', '/nowhere', '--json');
    expect(JSON.parse(json.out)).toMatchObject({
      items: [{ item: '#post:41', covers: 1, sample: ['/posts/41'] }],
      itemsCount: 1,
      skipped: [{ asked: '/nowhere', why: 'no live edge: it is not cached' }],
      sample: ['/posts/41'],
      isAllowed: true,
    });
  });

  it('shows its plan again with its job', async () => {
    const planned = await isrHere('plan', 'post:41', '--url', '/nowhere');
    const { jobs } = JSON.parse((await isrHere('jobs', '--state', 'planned', '--json')).out);
    const { code, out } = await isrHere('jobs', jobs[0].id);
    expect(code).toBe(0);
    expect(out).toMatch(/^planned {2}job /);
    expect(out).toContain(planned.out);
    const { planned: plan } = JSON.parse((await isrHere('jobs', jobs[0].id, '--json')).out);
    expect(plan).toMatchObject({ itemsCount: 1, skippedCount: 1 });
  });

  it('stands in the list of jobs, newest first, by its state', async () => {
    const { out } = await isrHere('jobs', '--state', 'fresh', '--limit', '1');
    const [head, row, next] = out.split('\n');
    expect(head).toMatch(/^STATE +REQUESTED +JOB +TAGS/);
    expect(row).toMatch(/^fresh +\d{4}-\d\d-\d\dT/);
    const [, cursor] = /--cursor (\S+)$/.exec(next ?? '') ?? [];
    const page = await isrHere('jobs', '--state', 'fresh', '--cursor', cursor ?? '', '--json');
    const { jobs } = JSON.parse(page.out);
    expect(jobs.length).toBeGreaterThan(0);
    expect(row).not.toContain(jobs[0].id);
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

  describe('that lies in a dead-letter queue', () => {
    let revalidations: { url: string; deadLetterUrl: string };
    let client: SQSClient;
    const lose = async (body: string) => {
      const { MessageId } = await client.send(
        new SendMessageCommand({ QueueUrl: revalidations.deadLetterUrl, MessageBody: body }),
      );
      return MessageId ?? '';
    };

    beforeAll(async () => {
      const answer = await fetch(`${env.ISR_ENDPOINT}/.isr/queues`);
      const { queues } = JSON.parse(await answer.text());
      [revalidations] = queues;
      client = new SQSClient({
        endpoint: new URL(revalidations.url).origin,
        region: REGION,
        credentials: CREDENTIALS,
      });
    });
    afterAll(() => client?.destroy());

    it('is listed with what it is about, and sent back: its job ends fresh', async () => {
      const lost = await lose('{"tags":["post:41"]}');
      const poison = await lose('<xml/>');
      const listed = await isrHere('jobs', '--dlq');
      expect(listed.out).toContain(`revalidate-dead-letter  message ${lost}  job ${lost}`);
      expect(listed.out).toContain('  post:41\n  received 1 times');
      expect(listed.out).toMatch(/! poisoned: <xml\/> \(the body is no JSON: /);

      const sent = await isrHere('redrive', '--all');
      expect(sent).toMatchObject({ code: 0, err: '' });
      expect(sent.out).toBe(`${lost}  revalidate-dead-letter  ${lost}\n`);
      await until(async () => {
        const { out } = await isrHere('jobs', lost, '--json');
        return JSON.parse(out).state === 'fresh';
      }, 'its job is fresh');

      const left = await isrHere('jobs', '--dlq', '--json');
      expect(JSON.parse(left.out).messages).toMatchObject([
        { message: poison, isPoisoned: true, ageSeconds: expect.any(Number) },
      ]);
      const named = await isrHere('redrive', poison, 'nobody');
      expect(named).toMatchObject({ code: 1, err: 'isr: no dead-letter queue has nobody\n' });
      expect(named.out).toContain(poison);
    });

    it('is found by the url of its queue too', async () => {
      const lost = await lose('{"urls":["/a"]}');
      const args = ['--dead-letter-queue', revalidations.deadLetterUrl];
      const { out } = await isr(
        'jobs',
        '--dlq',
        ...args,
        '--endpoint',
        'http://127.0.0.1:9',
        '--json',
      );
      expect(JSON.parse(out).messages).toMatchObject([
        { message: lost, urls: ['/a'], error: 'its job does not say why' },
      ]);
    });

    it.each([
      [['redrive'], 'name messages or jobs to send back, or say --all'],
      [['redrive', 'x', '--all'], 'name messages or jobs to send back, or say --all'],
      [['jobs', '--dlq', '--dead-letter-queue', 'https://example.org/q'], "it takes a queue's url"],
      [['jobs', '--dlq', '--endpoint', 'http://127.0.0.1:9'], 'tells of its queues'],
    ])('%j fails with one sentence', async (args, sentence) => {
      const { code, err } = await isrHere(...args);
      expect(code).toBe(1);
      expect(err).toContain(sentence);
    });
  });

  it('ends with isr dev, which drains and exits with 0 on Ctrl-C', async () => {
    dev.child.kill('SIGINT');
    expect((await dev.finished()).code).toBe(0);
  });
});
