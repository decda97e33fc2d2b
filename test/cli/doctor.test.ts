/** `isr doctor` over real HTTP: servers with one thing wrong, the local CloudFront around them, and the whole edge. */
import { createServer, type OutgoingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Finding, ServerPage } from '../../cli/doctor/check';
import { CHECKS } from '../../cli/doctor/checks';
import { main } from '../../cli/main';
import { judge } from '../../core/cache-policy';
import { etagWithTags } from '../../core/etag';
import {
  type Fields,
  NATIVE_TAGS,
  parseCacheControl,
  RENDERED_AT,
  RULING,
} from '../../core/headers';
import { tagsOf } from '../../core/tags';
import { type CloudFrontOptions, startCloudFront } from '../../local/cloudfront';
import { viewerFunction } from '../../local/cloudfront/viewer-function';
import { type Site, startSite } from '../support/site';

type Answered = readonly [status: number, headers: OutgoingHttpHeaders, body?: string];

const CACHE = 's-maxage=300, stale-while-revalidate=3600';
const GOOD = {
  'content-type': 'text/html',
  'cache-control': CACHE,
  'cache-tag': 'post:42, list',
  etag: '"a1"',
  'x-isr-elapsed': '12',
};
const tagsNamed = (count: number) => Array.from({ length: count }, (_, i) => `t${i}`).join(',');

let answer: (path: string) => Answered;
let server: Server;
let origin: string;

beforeAll(async () => {
  server = createServer((request, response) => {
    const [status, headers, body = 'a page'] = answer(request.url ?? '');
    response.writeHead(status, headers);
    response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());

interface Printed {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function doctor(args: readonly string[], more: object = {}): Promise<Printed> {
  const lines: Record<'out' | 'err', string[]> = { out: [], err: [] };
  const io = {
    out: (line: string) => lines.out.push(line),
    err: (line: string) => lines.err.push(line),
    env: {},
    signal: new AbortController().signal,
    ...more,
  };
  const code = await main(['doctor', ...args], io);
  return { code, out: lines.out.join('\n'), err: lines.err.join('\n') };
}

interface Report {
  readonly behind: string;
  readonly failed: number;
  readonly warned: number;
  readonly findings: readonly (Finding & { readonly check: string })[];
}

async function report(...args: string[]): Promise<Report & { code: number }> {
  const { code, out } = await doctor([...args, '--json']);
  return { code, ...JSON.parse(out) };
}

const named = ({ findings }: Report, check: string) => findings.find((it) => it.check === check);

interface Case {
  readonly check: string;
  readonly level: Finding['level'];
  readonly says: RegExp;
  readonly answered?: Answered;
  readonly path?: string;
  readonly args?: readonly string[];
}

const good = (headers: OutgoingHttpHeaders): Answered => [200, { ...GOOD, ...headers }];
const lasting = (value: string) => good({ 'cache-control': value });
const without = (name: keyof typeof GOOD): Answered => {
  const { [name]: _, ...others } = GOOD;
  return [200, others];
};

const SERVER_CASES: readonly Case[] = [
  { check: 'status', level: 'fail', says: /answers 500/, answered: [500, GOOD] },
  { check: 'status', level: 'fail', says: /answers 410/, answered: [410, GOOD] },
  { check: 'status', level: 'warn', says: /answers 404/, answered: [404, GOOD] },
  {
    check: 'set-cookie',
    level: 'fail',
    says: /^Set-Cookie: sid=…/,
    answered: good({ 'set-cookie': 'sid=secret' }),
  },
  { check: 'directive', level: 'fail', says: /private/, answered: lasting('private, max-age=60') },
  { check: 'directive', level: 'fail', says: /no-store/, answered: lasting('no-store') },
  {
    check: 'authorization',
    level: 'fail',
    says: /asked with Authorization/,
    args: ['--header', 'Authorization: Basic eA=='],
  },
  {
    check: 'authorization',
    level: 'fail',
    says: /asks for Authorization/,
    answered: [401, { 'www-authenticate': 'Basic' }],
  },
  { check: 'vary', level: 'fail', says: /Vary: \*/, answered: good({ vary: '*' }) },
  {
    check: 'vary',
    level: 'fail',
    says: /Vary: cookie/,
    answered: good({ vary: 'Accept-Encoding, Cookie' }),
  },
  { check: 'vary', level: 'fail', says: /x-plan/, answered: good({ vary: 'X-Plan' }) },
  {
    check: 'vary',
    level: 'ok',
    says: /in the cache key/,
    answered: good({ vary: 'X-Plan' }),
    args: ['--key-header', 'X-Plan'],
  },
  {
    check: 'empty',
    level: 'fail',
    says: /Content-Length: 0/,
    answered: [200, { ...GOOD, 'content-length': '0' }, ''],
  },
  {
    check: 'lifetime',
    level: 'fail',
    says: /names no lifetime/,
    answered: without('cache-control'),
  },
  { check: 'lifetime', level: 'fail', says: /s-maxage=soon/, answered: lasting('s-maxage=soon') },
  {
    check: 'lifetime',
    level: 'warn',
    says: /kept 60 s by max-age/,
    answered: lasting('max-age=60'),
  },
  {
    check: 'stale',
    level: 'warn',
    says: /no stale-while-revalidate/,
    answered: lasting('s-maxage=60'),
  },
  {
    check: 'stale',
    level: 'warn',
    says: /no seconds.* 30 days/,
    answered: lasting('s-maxage=60, stale-while-revalidate'),
  },
  {
    check: 'stale',
    level: 'warn',
    says: /must-revalidate forbids/,
    answered: lasting(`${CACHE}, must-revalidate`),
  },
  { check: 'max-ttl', level: 'warn', says: /s-maxage=300 is longer/, args: ['--max-ttl', '60'] },
  { check: 'tags', level: 'warn', says: /no tags/, answered: without('cache-tag') },
  {
    check: 'tag-names',
    level: 'fail',
    says: /visible ASCII/,
    answered: good({ 'cache-tag': 'caf\u00e9' }),
  },
  {
    check: 'tag-names',
    level: 'fail',
    says: /at most 256/,
    answered: good({ 'cache-tag': 'x'.repeat(257) }),
  },
  {
    check: 'tag-count',
    level: 'warn',
    says: /51 tags, of which CloudFront keeps 50/,
    answered: good({ 'cache-tag': tagsNamed(51) }),
  },
  {
    check: 'tag-count',
    level: 'fail',
    says: /401 tags, more than 400/,
    answered: good({ 'cache-tag': tagsNamed(401) }),
  },
  { check: 'url', level: 'warn', says: /only its tags/, path: '/a~b' },
  {
    check: 'url',
    level: 'fail',
    says: /lives ten seconds/,
    path: '/a~b',
    answered: without('cache-tag'),
  },
  { check: 'etag', level: 'warn', says: /no ETag/, answered: without('etag') },
  {
    check: 'etag',
    level: 'ok',
    says: /names its tags/,
    answered: good({ etag: etagWithTags('"a1"', tagsOf({ 'cache-tag': ['post:42, list'] }).tags) }),
  },
  { check: 'elapsed', level: 'warn', says: /does not say/, answered: without('x-isr-elapsed') },
  {
    check: 'elapsed',
    level: 'warn',
    says: /soon is no number/,
    answered: good({ 'x-isr-elapsed': 'soon' }),
  },
];

describe('a server whose page is', () => {
  it('as it should be has nothing to mend', async () => {
    answer = () => [200, GOOD];
    const seen = await report(`${origin}/posts/42?page=2`);
    expect(seen).toMatchObject({ code: 0, behind: 'server', failed: 0, warned: 0 });
  });

  it.each(SERVER_CASES)(
    'wrong in $check ($level: $says) is told so, with a line to change',
    async ({ check, level, says, answered = [200, GOOD], path = '/posts/42', args = [] }) => {
      answer = () => answered;
      const seen = await report(`${origin}${path}`, ...args);
      const finding = named(seen, check);
      expect(finding).toMatchObject({ level, says: expect.stringMatching(says) });
      expect(finding?.change === undefined).toBe(level === 'ok');
      if (level === 'fail') expect(seen.code).toBe(1);
      if (level !== 'fail' && check !== 'authorization') expect(seen.failed).toBe(0);
    },
  );
});

/** The local CloudFront in front of the server, with a function that stamps a render as the recorder does. */
async function edge<T>(
  options: Partial<CloudFrontOptions>,
  use: (url: string) => Promise<T>,
): Promise<T> {
  const cloudFront = await startCloudFront({ origin, port: 0, distributionId: 'E1', ...options });
  try {
    return await use(cloudFront.url);
  } finally {
    await cloudFront.close();
  }
}

let renders = 0;
const stamped: NonNullable<CloudFrontOptions['originResponse']> = async (event) => {
  const [record] = event.Records;
  if (!record) throw new Error('an event has a record');
  const { response } = record.cf;
  renders += 1;
  response.headers[RENDERED_AT] = [
    { key: RENDERED_AT, value: String(1_700_000_000_000 + renders) },
  ];
  return response;
};
const DROPS = viewerFunction({ drop: ['utm_*'], locales: [], devices: [] });
const HIDES = { remove: [NATIVE_TAGS, RULING, 'cache-tag', 'x-isr-elapsed'], set: {} };
const RECORDED = { originResponse: stamped, viewerRequest: DROPS, viewerHeaders: HIDES };

describe('a page at the edge', () => {
  beforeAll(() => {
    answer = () => [200, GOOD];
  });

  it('that is recorded, cached and alone under its parameters has nothing to mend', async () => {
    const seen = await edge(RECORDED, (url) => report(`${url}/a`));
    expect(seen).toMatchObject({ code: 0, behind: 'edge-isr', failed: 0, warned: 0 });
    expect(seen.findings.map(({ check }) => check)).toEqual(['behind', 'cached', 'query']);
  });

  it('that only CloudFront is in front of is not recorded, cached already or not', async () => {
    await edge({}, async (url) => {
      const cold = await report(`${url}/a`);
      expect(cold).toMatchObject({ code: 1, behind: 'cloudfront' });
      const warm = await report(`${url}/a`);
      for (const seen of [cold, warm]) {
        expect(named(seen, 'behind')).toMatchObject({ level: 'fail' });
        expect(named(seen, 'cached-before')).toBeUndefined();
        expect(named(seen, 'tags')).toMatchObject({ level: 'ok' }); // nothing hides what the server says
      }
    });
  });

  it('that was cached before edge-isr came is to be purged once, with everything else', async () => {
    let isDeployed = false;
    const deployed: Partial<CloudFrontOptions> = {
      ...RECORDED,
      originResponse: async (event) =>
        isDeployed ? stamped(event) : event.Records[0]?.cf.response,
    };
    await edge(deployed, async (url) => {
      await (await fetch(`${url}/a`)).text();
      isDeployed = true;
      const seen = await report(`${url}/a`);
      expect(seen).toMatchObject({ code: 1, behind: 'edge-isr' });
      expect(named(seen, 'cached-before')).toMatchObject({
        level: 'fail',
        change: expect.stringContaining("create-invalidation --distribution-id ID --paths '/*'"),
      });
      expect(named(await report(`${url}/b`), 'cached-before')).toBeUndefined();
    });
  });

  it('that is rendered at each request is not cached', async () => {
    answer = () => good({ 'cache-control': 'no-store' });
    const seen = await edge(RECORDED, (url) => report(`${url}/a`));
    expect(named(seen, 'cached')).toMatchObject({ level: 'fail' });
    expect(named(seen, 'query')).toBeUndefined();
    answer = () => [200, GOOD];
  });

  it('that has a copy for each tracking parameter splits the cache', async () => {
    const { viewerRequest, ...keyed } = RECORDED;
    const seen = await edge(keyed, (url) => report(`${url}/a?page=2`));
    expect(named(seen, 'query')).toMatchObject({ level: 'warn' });
    expect(seen.code).toBe(0);
  });

  it('that shows viewers its tags lacks a response headers policy', async () => {
    const { viewerHeaders, ...open } = RECORDED;
    const seen = await edge(open, (url) => report(`${url}/a`));
    expect(named(seen, 'leaks')).toMatchObject({
      says: 'viewers are shown x-isr-elapsed, cache-tag',
    });
  });

  it('whose recorder fails is a 503, and the runbook has its name', async () => {
    const broken = { ...RECORDED, originResponse: () => Promise.reject(new Error('crashed')) };
    const seen = await edge(broken, (url) => report(`${url}/a`));
    expect(named(seen, 'edge-error')).toMatchObject({
      says: expect.stringContaining('LambdaExecutionError'),
      change: 'docs/runbook.md, RecorderErrors',
    });
  });

  it('is looked at at its server too, where that is named', async () => {
    answer = () => without('cache-tag');
    const seen = await edge(RECORDED, (url) => report(`${url}/a`, '--origin', origin));
    expect(named(seen, 'tags')).toMatchObject({ level: 'warn' });
    expect(named(seen, 'behind')).toMatchObject({ level: 'ok' });
    answer = () => [200, GOOD];
  });
});

describe('the whole edge', () => {
  let site: Site;
  beforeAll(async () => {
    site = await startSite();
  });
  afterAll(() => site?.close());

  it('with the example blog behind it has nothing to mend', async () => {
    const seen = await report(`${site.edge.url}/posts/41`, '--origin', site.blog.url);
    expect(seen.findings.filter(({ level }) => level !== 'ok')).toEqual([]);
    expect(seen).toMatchObject({ code: 0, behind: 'edge-isr' });
  });
});

describe('all checks', () => {
  it('have a case here that finds something', () => {
    const atServer = CHECKS.filter(({ of }) => of === 'server').map(({ name }) => name);
    expect(new Set(SERVER_CASES.map(({ check }) => check))).toEqual(new Set(atServer));
    expect(new Set(CHECKS.map(({ name }) => name)).size).toBe(CHECKS.length);
  });

  it('are walked through on one bad page, each in its line', async () => {
    const headers = {
      'cache-control': 'private, s-maxage=99, stale-while-revalidate',
      'set-cookie': 'sid=1',
      vary: 'Cookie',
      'content-length': '0',
      'cache-tag': `${tagsNamed(60)}, a b`,
    };
    answer = () => [200, headers, ''];
    const { code, out } = await doctor([
      `${origin}/a~b`,
      '--max-ttl',
      '60',
      '-H',
      'Authorization: x',
    ]);
    expect(code).toBe(1);
    const lines = out.split('\n');
    expect(lines[0]).toBe(`${origin}/a~b  200, no edge in front of it: taken for your server`);
    const told = lines.flatMap(
      (line) => /^ {2}(ok|warn|FAIL) +(\S+) {2}/.exec(line)?.slice(1) ?? [],
    );
    expect(told.join(' ')).toBe(
      'ok status FAIL authorization FAIL set-cookie FAIL directive FAIL vary FAIL empty ok lifetime ' +
        'warn stale warn max-ttl ok tags FAIL tag-names warn tag-count FAIL url warn etag warn elapsed',
    );
    expect(lines.filter((line) => line.includes('  → '))).toHaveLength(12);
    expect(lines.at(-1)).toBe('7 to mend, 5 to better');
  });

  it('fail whenever the recorder would refuse, and only then or where it would cap', () => {
    const header = (values: readonly string[]) =>
      fc.option(fc.constantFrom(...values), { nil: undefined });
    const anyHeaders = fc.record({
      'cache-control': header([
        CACHE,
        'private',
        'max-age=0',
        'no-cache',
        's-maxage=x',
        'max-age=9',
      ]),
      'set-cookie': header(['a=b']),
      vary: header(['*', 'Accept-Encoding', 'Cookie', 'RSC', 'Accept-Language', 'X-Plan']),
      'content-length': header(['0', '10']),
      'www-authenticate': header(['Basic']),
    });
    const status = fc.constantFrom(200, 204, 301, 304, 404, 401, 410, 500);
    const policy = {
      keyHeaders: ['x-plan', 'x-isr-locale'],
      maxTtlSeconds: 1e9,
      defaultSwrSeconds: 9,
    };
    fc.assert(
      fc.property(anyHeaders, status, fc.boolean(), (some, code, isAuthorized) => {
        const fields: Fields = Object.fromEntries(
          Object.entries(some).flatMap(([name, value]) =>
            value === undefined ? [] : [[name, [value]]],
          ),
        );
        const request: Fields = isAuthorized ? { authorization: ['x'] } : {};
        const page: ServerPage = {
          url: new URL('http://localhost/a'),
          status: code,
          fields,
          request,
          cc: parseCacheControl(some['cache-control'] ?? ''),
          sent: tagsOf(fields),
          policy,
        };
        const isFailed = CHECKS.some((it) => it.of === 'server' && it.look(page)?.level === 'fail');
        const verdict = judge({ method: 'GET', status: code, request, response: fields }, policy);
        const isAskedFor = some['www-authenticate'] !== undefined;
        expect(isFailed).toBe(verdict.kind === 'refuse' || isAskedFor);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('isr doctor', () => {
  it('colours its words on a terminal, unless NO_COLOR is set', async () => {
    answer = () => [200, GOOD];
    const coloured = await doctor([`${origin}/a`], { isTerminal: true });
    expect(coloured.out).toContain('\u001b[32mok  \u001b[0m');
    const plain = await doctor([`${origin}/a`], { isTerminal: true, env: { NO_COLOR: '1' } });
    expect(plain.out).toBe((await doctor([`${origin}/a`])).out);
    expect(plain.out).not.toContain('\u001b');
  });

  it('says when nobody answers', async () => {
    const { code, err } = await doctor(['http://127.0.0.1:9/a']);
    expect(code).toBe(1);
    expect(err).toMatch(/^isr: http:\/\/127\.0\.0\.1:9\/a: /);
  });

  it.each([
    [['/posts/42'], 'URL is "/posts/42": it takes a whole url'],
    [
      ['http://x/', '--origin', 'localhost:8000'],
      '--origin is "localhost:8000": it takes a whole url',
    ],
    [['http://x/', '--header', 'nothing'], '--header is "nothing": it takes a header line'],
  ])('%j is told so', async (args, sentence) => {
    const { code, err } = await doctor(args);
    expect(code).toBe(1);
    expect(err).toContain(`isr: ${sentence}`);
  });
});
