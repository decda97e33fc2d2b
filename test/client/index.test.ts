import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type Clock,
  type Fetch,
  IsrClient,
  type IsrClientOptions,
  IsrError,
  type Job,
} from '../../client';
import { CLOCK } from '../../client/transport';
import { REVALIDATION_SCHEMA } from '../../core/api';
import { type JobFacts, jobOf, workId } from '../../core/jobs';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

interface Asked {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** The connection breaks. */
  readonly cut?: boolean;
  /** No answer at all. */
  readonly hang?: boolean;
}

/** An API that answers as it is told, the last reply for ever, and remembers what it was asked. */
async function api(...replies: readonly Reply[]): Promise<{ endpoint: string; asked: Asked[] }> {
  const asked: Asked[] = [];
  const server = createServer(async (req, res) => {
    const body = (await req.toArray()).join('');
    const reply = replies[Math.min(asked.length, replies.length - 1)] ?? {};
    asked.push({ method: req.method, path: req.url, headers: req.headers, body });
    if (reply.cut) req.socket.destroy();
    else if (!reply.hang) {
      res.writeHead(reply.status ?? 200, reply.headers);
      res.end(typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body ?? {}));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

/** Its time passes only in sleeps, and they take none. */
function fakeClock(): Clock & { readonly pausesMs: number[] } {
  let nowMs = 1_767_225_600_000;
  const pausesMs: number[] = [];
  return {
    pausesMs,
    now: () => nowMs,
    sleep: async (ms) => {
      pausesMs.push(ms);
      nowMs += ms;
    },
  };
}

function clientOf(endpoint: string, options: Partial<IsrClientOptions> = {}) {
  const clock = fakeClock();
  const client = new IsrClient({ endpoint, clock, random: () => 1, ...options });
  return { client, clock };
}

async function errorOf(doing: Promise<unknown>): Promise<IsrError> {
  const thrown = await doing.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(IsrError);
  return thrown as IsrError;
}

const TAKEN: Reply = { status: 202, body: { job: 'j-1' } };

describe('a revalidation that is sent', () => {
  it('is the JSON that the API takes, in the form that it keeps', async () => {
    const { endpoint, asked } = await api(TAKEN);
    const { client } = clientOf(`${endpoint}/prod/`);
    expect(await client.revalidate({ tags: ['Post:42', 'post:42'], urls: ['/a?b=1'] })).toEqual({
      job: 'j-1',
    });
    await client.revalidate({ tags: ['post:42'] });
    await client.revalidate({ urls: ['/'] });
    expect(asked.map(({ method, path, body }) => [method, path, JSON.parse(body)])).toEqual([
      ['POST', '/prod/revalidate', { tags: ['post:42'], urls: ['/a?b=1'] }],
      ['POST', '/prod/revalidate', { tags: ['post:42'] }],
      ['POST', '/prod/revalidate', { urls: ['/'] }],
    ]);
    expect(asked[0]?.headers).toMatchObject({
      'content-type': 'application/json',
      accept: 'application/json',
    });
    expect(REVALIDATION_SCHEMA.properties.tags.minItems).toBe(1); // why an empty list is left out
  });

  it.each([
    ['tag-invalid', { tags: ['ok', 'a,b'] }, 'tags[1]'],
    ['url-invalid', { urls: ['https://x.org/'] }, 'urls[0]'],
    ['body-invalid', {}, 'tags'],
    ['body-invalid', { tags: [] }, 'tags'],
    ['body-invalid', { tags: Array.from({ length: 1_001 }, (_, i) => `t${i}`) }, 'tags'],
    [
      'body-too-large',
      { urls: Array.from({ length: 80 }, (_, i) => `/${i}${'x'.repeat(3_500)}`) },
      'body',
    ],
  ])('is refused as %s before it leaves', async (code, work, field) => {
    const { endpoint, asked } = await api(TAKEN);
    expect(await errorOf(clientOf(endpoint).client.revalidate(work))).toMatchObject({
      code,
      field,
    });
    expect(asked).toEqual([]);
  });

  it('that the API refuses is refused with its code, message and field, and not tried again', async () => {
    const error = { code: 'tag-invalid', message: 'tags[0] is "a b": no', field: 'tags[0]' };
    const { endpoint, asked } = await api({ status: 400, body: { error } });
    const refused = await errorOf(clientOf(endpoint).client.revalidate({ tags: ['x'] }));
    expect(refused.toBody().error).toEqual(error);
    expect(asked).toHaveLength(1);
  });

  it.each([
    ['a page', { body: '<html>' }, '200'],
    [
      'an error that nobody knows',
      { status: 400, body: { error: { code: 'constructor', message: 'x' } } },
      '400',
    ],
    ['a redirect', { status: 302, headers: { location: '/elsewhere' } }, '302'],
    ['null', { body: 'null' }, '200'],
    ['an error that looks like a job', { status: 404, body: { job: 'j-1' } }, '404'],
  ])('answered with %s says that this is no revalidate API', async (_, reply, said) => {
    const { endpoint, asked } = await api(reply);
    const error = await errorOf(clientOf(endpoint).client.revalidate({ tags: ['x'] }));
    expect(error.code).toBe('endpoint-unreachable');
    expect(error.message).toContain(`${endpoint}/revalidate answered ${said}, which is no job`);
    expect(asked).toHaveLength(1);
  });

  it.each([
    [
      'denied',
      { status: 403, body: { message: 'Forbidden' } },
      /403 \(Forbidden\)\. .*grantRevalidate/,
    ],
    [
      'denied',
      { status: 403, body: { error: { code: 'denied', message: 'not yours' } } },
      /403 \(not yours\)\. .*its token is the secret’s/,
    ],
    ['unauthenticated', { status: 401, body: 'no JSON' }, /401\. .*ISR_TOKEN \(or --token\)/],
  ])('that is %s says what to do about it', async (code, reply, said) => {
    const { endpoint, asked } = await api(reply);
    const error = await errorOf(clientOf(endpoint).client.revalidate({ tags: ['x'] }));
    expect(error).toMatchObject({ code, message: expect.stringMatching(said) });
    expect(asked).toHaveLength(1);
  });

  it('goes through the fetch that was given, each attempt anew', async () => {
    const { endpoint, asked } = await api({ status: 503 }, TAKEN);
    let signatures = 0;
    const signed: Fetch = (url, init) =>
      fetch(url, { ...init, headers: { ...init.headers, 'x-signature': String(++signatures) } });
    await clientOf(endpoint, { fetch: signed }).client.revalidate({ tags: ['x'] });
    expect(asked.map(({ headers }) => headers['x-signature'])).toEqual(['1', '2']);
  });
});

describe('a bearer token', () => {
  it('is sent with every request, and follows a rotation amid the attempts', async () => {
    const { endpoint, asked } = await api({ status: 503 }, TAKEN);
    const tokens = ['old-token', 'new-token'];
    const { client } = clientOf(endpoint, { token: async () => tokens.shift() ?? '' });
    await client.revalidate({ tags: ['x'] });
    expect(asked.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer old-token',
      'Bearer new-token',
    ]);
  });

  it.each(['', 'a b', 'token-with-its-line-end\n', 'é'])(
    'that no header can hold (%j) is not sent, not tried again, and not told',
    async (token) => {
      const { endpoint, asked } = await api(TAKEN);
      const { client, clock } = clientOf(endpoint, { token });
      const error = await errorOf(client.revalidate({ tags: ['x'] }));
      expect(error).toMatchObject({ code: 'option-invalid', field: 'token' });
      if (token.length > 10) expect(error.message).not.toContain(token.trim());
      expect([asked, clock.pausesMs]).toEqual([[], []]);
    },
  );

  it('is sent over https only, or to this machine', () => {
    const make = (endpoint: string) => () => new IsrClient({ endpoint, token: 'a-token' });
    expect(make('http://isr.example.org')).toThrow('a token is sent over https only');
    for (const endpoint of ['https://isr.example.org', 'http://localhost:1', 'http://[::1]:1']) {
      expect(make(endpoint)).not.toThrow();
    }
  });
});

describe('a request without a good answer', () => {
  it.each([
    ['a broken connection', { cut: true }],
    ['a 429', { status: 429 }],
    ['a 500 of nobody', { status: 500, body: 'oops' }],
    [
      'a graph that is down',
      { status: 503, body: { error: { code: 'graph-unavailable', message: 'x' } } },
    ],
  ])('is sent again: %s', async (_, bad) => {
    const { endpoint, asked } = await api(bad, bad, TAKEN);
    const { client, clock } = clientOf(endpoint);
    expect(await client.revalidate({ tags: ['x'] })).toEqual({ job: 'j-1' });
    expect(asked).toHaveLength(3);
    expect(new Set(asked.map(({ body }) => body)).size).toBe(1);
    expect(clock.pausesMs).toEqual([200, 400]);
  });

  it('is given up after four attempts, with the last answer’s own error', async () => {
    const error = { code: 'graph-unavailable', message: 'DynamoDB is away' };
    const { endpoint, asked } = await api({ status: 503, body: { error } });
    const { client, clock } = clientOf(endpoint);
    expect(await errorOf(client.revalidate({ tags: ['x'] }))).toMatchObject(error);
    expect(asked).toHaveLength(4);
    expect(clock.pausesMs).toEqual([200, 400, 800]);
  });

  it('waits between half and all of its pause', async () => {
    const { endpoint } = await api({ status: 500 });
    const { client, clock } = clientOf(endpoint, { random: () => 0 });
    await errorOf(client.revalidate({ tags: ['x'] }));
    expect(clock.pausesMs).toEqual([100, 200, 400]);
  });

  it('waits as long as Retry-After says, ten seconds at most', async () => {
    const { endpoint } = await api(
      { status: 429, headers: { 'retry-after': '3' } },
      { status: 429, headers: { 'retry-after': '3600' } },
      TAKEN,
    );
    const { client, clock } = clientOf(endpoint);
    await client.revalidate({ tags: ['x'] });
    expect(clock.pausesMs).toEqual([3_000, 10_000]);
  });

  it('names the endpoint that nobody listens at, and why', async () => {
    const { endpoint } = await api(TAKEN);
    await closing.pop()?.();
    const error = await errorOf(clientOf(endpoint).client.revalidate({ tags: ['x'] }));
    expect(error.code).toBe('endpoint-unreachable');
    expect(error.message).toContain(`${endpoint} did not answer, asked 4 times:`);
    expect(error.message).toContain('ECONNREFUSED');
  });

  it('is not waited for longer than its time', async () => {
    const { endpoint, asked } = await api({ hang: true });
    const { client } = clientOf(endpoint, { attemptsMax: 2, attemptTimeoutMs: 50 });
    const error = await errorOf(client.revalidate({ tags: ['x'] }));
    expect(error.message).toContain('timeout');
    expect(asked).toHaveLength(2);
  });
});

const facts = (more: Partial<JobFacts> = {}): Job =>
  jobOf({ id: 'j/1', requestedAtMs: 1, tags: 1, urls: 0, parts: {}, ...more });
const UNKNOWN: Reply = {
  status: 404,
  body: { error: { code: 'job-unknown', message: 'no job j/1', field: 'id' } },
};
const PURGING = facts({ purgingAtMs: 2 });
const FRESH = facts({ purgingAtMs: 2, purgedAtMs: 3, warmingAtMs: 4, warmParts: [] });

describe('an idempotency key', () => {
  it('is random unless it is given, and the same at every attempt', async () => {
    const { endpoint, asked } = await api({ status: 500 }, { cut: true }, TAKEN);
    const { client } = clientOf(endpoint);
    await client.revalidate({ tags: ['x'] });
    await client.revalidate({ tags: ['x'] });
    const keys = asked.map(({ headers }) => headers['idempotency-key']);
    expect(new Set(keys.slice(0, 3)).size).toBe(1);
    expect(keys[0]).toMatch(/^[\da-f-]{36}$/);
    expect(keys[3]).not.toBe(keys[0]);
  });

  it('that is given is sent as it is', async () => {
    const { endpoint, asked } = await api(TAKEN);
    await clientOf(endpoint).client.revalidate({ tags: ['x'] }, { key: 'order-4711-changed' });
    expect(asked[0]?.headers['idempotency-key']).toBe('order-4711-changed');
  });

  it('that is bad is refused before anything is sent', async () => {
    const { endpoint, asked } = await api(TAKEN);
    const sending = clientOf(endpoint).client.revalidate({ tags: ['x'] }, { key: 'short' });
    expect(await errorOf(sending)).toMatchObject({ code: 'key-invalid', field: 'Idempotency-Key' });
    expect(asked).toEqual([]);
  });

  it('that stands for other work is an error for who waits, and nobody else', async () => {
    const { endpoint } = await api({ body: { ...FRESH, work: workId({ tags: [], urls: [] }) } });
    const { client } = clientOf(endpoint);
    const error = await errorOf(client.wait('j/1', { work: { tags: ['x'] } }));
    expect(error.code).toBe('key-conflict');
    expect((await client.wait('j/1')).state).toBe('fresh');
  });
});

describe('a plan', () => {
  const planned = {
    atMs: 2,
    items: [{ item: '#x', why: 'revalidate x', covers: 3, sample: ['/a'] }],
    itemsCount: 1,
    skipped: [],
    skippedCount: 0,
    priceUsd: 0.005,
    covered: 3,
    sample: ['/a'],
    collateral: { count: 0, sample: [] },
    unpurgeable: { count: 0, sample: [] },
    isAllowed: true,
    budget: 'no budget is set',
  };

  it('is a dry run, waited for', async () => {
    const { endpoint, asked } = await api(TAKEN, UNKNOWN, { body: facts({ planned }) });
    const plan = await clientOf(endpoint).client.plan({ tags: ['x'] });
    expect(plan).toEqual(planned);
    expect(JSON.parse(asked[0]?.body ?? '')).toEqual({ tags: ['x'], dryRun: true });
  });

  it('that failed says why', async () => {
    const { endpoint } = await api(TAKEN, { body: facts({ failedAtMs: 3, error: 'no graph' }) });
    const error = await errorOf(clientOf(endpoint).client.plan({ tags: ['x'] }));
    expect(error.code).toBe('plan-unavailable');
    expect(error.message).toBe('the dry run j-1 is failed, without a plan: no graph');
  });
});

describe('a list of jobs', () => {
  it('is a page of the API’s', async () => {
    const page = { jobs: [FRESH], looked: 1, cursor: 'c' };
    const { endpoint, asked } = await api({ body: page });
    const { client } = clientOf(endpoint);
    expect(await client.jobs()).toEqual(page);
    await client.jobs({ state: 'fresh', limit: 5, cursor: 'a=' });
    expect(asked.map(({ path }) => path)).toEqual([
      '/jobs',
      '/jobs?state=fresh&limit=5&cursor=a%3D',
    ]);
  });

  it('that is none is an error', async () => {
    const { endpoint } = await api({ body: { jobs: 'none' } });
    expect((await errorOf(clientOf(endpoint).client.jobs())).code).toBe('endpoint-unreachable');
  });
});

describe('a job that is asked for', () => {
  it('is what the API knows of it', async () => {
    const { endpoint, asked } = await api({ body: FRESH });
    expect(await clientOf(endpoint).client.job('j/1')).toEqual(FRESH);
    expect(asked[0]).toMatchObject({ method: 'GET', path: '/jobs/j%2F1' });
    expect(asked[0]?.headers).not.toHaveProperty('content-type');
  });

  it('and is unknown is an error with the API’s field', async () => {
    const { endpoint } = await api(UNKNOWN);
    const error = await errorOf(clientOf(endpoint).client.job('j/1'));
    expect(error).toMatchObject({ code: 'job-unknown', field: 'id' });
  });
});

describe('a job that is waited for', () => {
  it('counts as queued while it is unknown, and is followed to its end', async () => {
    const replies = [UNKNOWN, UNKNOWN, { body: PURGING }, { body: PURGING }, { body: FRESH }];
    const { endpoint, asked } = await api(...replies);
    const { client, clock } = clientOf(endpoint);
    const seen: string[] = [];
    const ended = await client.wait('j/1', { onChange: (job) => seen.push(job.state) });
    expect(ended).toEqual(FRESH);
    expect(seen).toEqual(['purging', 'fresh']);
    expect(asked).toHaveLength(5);
    expect(clock.pausesMs).toEqual([100, 150, 225, 337.5]);
  });

  it('is given up as unknown when time is up: a batch window may be minutes', async () => {
    const { endpoint, asked } = await api(UNKNOWN);
    const { client, clock } = clientOf(endpoint);
    const began = clock.now();
    expect((await errorOf(client.wait('j/1'))).code).toBe('job-unknown');
    expect(clock.now() - began).toBe(60_000);
    expect(asked.length).toBeLessThan(50);

    const before = clock.now();
    expect((await errorOf(client.wait('j/1', { timeoutMs: 1_000 }))).code).toBe('job-unknown');
    expect(clock.now() - before).toBe(1_000);
  });

  it('and disappears again is an error at once', async () => {
    const { endpoint } = await api({ body: PURGING }, UNKNOWN);
    const { client, clock } = clientOf(endpoint);
    expect((await errorOf(client.wait('j/1'))).code).toBe('job-unknown');
    expect(clock.pausesMs).toEqual([100]);
  });

  it('is returned as it is when time is up', async () => {
    const { endpoint } = await api({ body: PURGING });
    const { client, clock } = clientOf(endpoint);
    const began = clock.now();
    expect((await client.wait('j/1', { timeoutMs: 5_000 })).state).toBe('purging');
    expect(clock.now() - began).toBe(5_000);
  });

  it('and failed is a value, not an error', async () => {
    const failed = facts({ purgingAtMs: 2, failedAtMs: 3, error: 'CloudFront said no' });
    const { endpoint } = await api({ body: failed });
    expect(await clientOf(endpoint).client.wait('j/1')).toMatchObject({
      state: 'failed',
      error: 'CloudFront said no',
    });
  });

  it('is left alone when the signal says so, also in the middle of a request', async () => {
    const { endpoint } = await api({ body: PURGING }, { hang: true });
    const leaving = new AbortController();
    const waiting = clientOf(endpoint).client.wait('j/1', {
      signal: leaving.signal,
      onChange: () => setImmediate(() => leaving.abort(new Error('had enough'))),
    });
    await expect(waiting).rejects.toThrow('had enough');
  });
});

describe('a pause on the real clock', () => {
  it('ends with its time, or with the signal', async () => {
    const began = performance.now();
    await CLOCK.sleep(20);
    expect(performance.now() - began).toBeGreaterThanOrEqual(19);

    const leaving = new AbortController();
    const paused = CLOCK.sleep(3_600_000, leaving.signal);
    leaving.abort();
    await paused;
    await CLOCK.sleep(3_600_000, leaving.signal);
  });
});

describe('a client', () => {
  it.each(['', 'localhost:4001', 'ftp://x', 'http://x/?a=1', 'http://x/#a'])(
    'takes no endpoint %j',
    (endpoint) => {
      expect(() => new IsrClient({ endpoint })).toThrow(`endpoint is ${JSON.stringify(endpoint)}`);
    },
  );

  it('says no password when it refuses one', () => {
    expect(() => new IsrClient({ endpoint: 'http://me:secret@x' })).toThrow('"http://…@x"');
  });
});
