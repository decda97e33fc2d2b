import { beforeEach, describe, expect, it } from 'vitest';
import { WARMERS_MAX, warmDeadlineMs, warmMsMax, warmUrlsOfPart } from '../../core/config';
import type { JobFacts, WarmResult } from '../../core/jobs';
import type { Counts } from '../../core/metrics';
import { type PaceState, pace } from '../../core/pace';
import type { Paces, SiteAnswer, UrlRecord } from '../../core/ports';
import { encodeUrl, type Url } from '../../core/urls';
import { VARIANTS_MAX, type Variant } from '../../core/variants';
import { doubt, lost, warm } from '../../core/warmer';
import { BEGINNING_MS, createWorld } from '../simulation/world';

const EPOCH = BEGINNING_MS - 6_000;
const FRESH = EPOCH + 5_000;
const STALE = EPOCH - 5_000;
const fresh: SiteAnswer = { status: 200, renderedAtMs: FRESH };
const stale: SiteAnswer = { status: 200, renderedAtMs: STALE };
const broken: SiteAnswer = { status: 503, renderedAtMs: FRESH };

interface Asked {
  readonly atMs: number;
  readonly url: string;
  readonly variant: Variant;
}

type Answer = SiteAnswer | Error;

interface Options {
  readonly fetchMs?: number;
  readonly variants?: readonly Variant[];
  readonly concurrency?: number;
  readonly deadlineMs?: number;
  readonly perSecond?: number;
  /** What it is configured for, where it has become slower than that. @default - `perSecond` */
  readonly toldPerSecond?: number;
  /** Jobs that have no other part than this one. */
  readonly ended?: readonly string[];
  /** Of the backoff: 1 takes whole pauses. */
  readonly random?: number;
}

/** By how often it was asked for, from 0, and when, in ms from the beginning. */
type Script = (times: number, atMs: number, variant: Variant) => Answer;

/** One after another; the last one stays. */
const inTurn =
  (...answers: readonly Answer[]): Script =>
  (times) =>
    answers[Math.min(times, answers.length - 1)] as Answer;

/** Warms urls against a scripted site, in a world where time is a number. */
async function warmWith(answers: Record<string, Script>, options: Options = {}) {
  const world = createWorld(1);
  const clock = { now: world.now, sleep: world.sleep };
  const { fetchMs = 0, variants = [], random = 1, perSecond = 10_000, ended = [] } = options;
  const told: { id: string; part: string; result: WarmResult }[] = [];
  const asked: Asked[] = [];
  const counted: Counts[] = [];
  const limits = { perSecond, burst: 1, perSecondMin: Math.min(1, perSecond) };
  const ports = {
    clock,
    count: (counts: Counts) => void counted.push(counts),
    random: () => random,
    pace: pace(inMemory(), clock, 'warm', limits),
    records: {
      of: async (urls: readonly Url[]) =>
        new Map(urls.map((url) => [url, recordWith(variants)] as const)),
    },
    jobs: {
      warmed: async (id: string, part: string, result: WarmResult) => {
        told.push({ id, part, result });
        return ended.includes(id) ? jobWith(id, result) : undefined;
      },
    },
    site: {
      async fetch(url: string, variant: Variant): Promise<SiteAnswer> {
        const atMs = world.now() - BEGINNING_MS;
        const times = asked.filter((it) => it.url === url).length;
        asked.push({ atMs, url, variant });
        await world.sleep(fetchMs);
        const answer = answers[url]?.(times, atMs, variant);
        if (answer === undefined || answer instanceof Error) throw answer;
        return answer;
      },
    },
  };
  const message = {
    part: 'p1',
    jobs: ['one', 'two'],
    epochMs: EPOCH,
    urls: Object.keys(answers).map(encodeUrl),
  };
  const { concurrency = 2, deadlineMs = 10_000 } = options;
  const config = { concurrency, deadlineMs, perSecond: options.toldPerSecond ?? perSecond };
  const done = world.sleep(0).then(() => warm(message, config, ports));
  let endedAtMs = 0;
  void done.then(() => {
    endedAtMs = world.now();
  });
  await world.run(BEGINNING_MS + 3_600_000);
  const timesOf = (url: string) =>
    asked.filter((it) => it.url === url).map(({ atMs }) => Math.round(atMs));
  return { result: await done, told, counted, asked, timesOf, elapsedMs: endedAtMs - BEGINNING_MS };
}

/** A job whose last part this is. */
function jobWith(id: string, part: WarmResult): JobFacts {
  return {
    id,
    requestedAtMs: BEGINNING_MS - 2_000,
    tags: 1,
    urls: 0,
    warmingAtMs: BEGINNING_MS - 1_000,
    invalidations: ['I1'],
    warmParts: ['p1'],
    parts: { p1: part },
  };
}

function recordWith(variants: readonly Variant[]): UrlRecord {
  const untilSeconds = BEGINNING_MS / 1_000 + 60;
  return {
    marks: {},
    untilSeconds,
    heat: 1,
    recordedAtMs: 0,
    variants: Object.fromEntries(variants.map((it) => [JSON.stringify(it), untilSeconds])),
  };
}

function inMemory(): Paces {
  const states = new Map<string, PaceState>();
  return {
    get: async (name) => states.get(name),
    set: async (name, before, after) => {
      if (states.get(name) !== before) return false;
      states.set(name, after);
      return true;
    },
  };
}

/** Urls that all answer alike. */
const many = (count: number, script: Script) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`/${i}`, script] as const));

describe('a url', () => {
  it('is warm when its answer was rendered after the epoch', async () => {
    const { result, told } = await warmWith({ '/a': inTurn(fresh) });
    expect(result).toMatchObject({ warmed: 1, staleCount: 0, failedCount: 0 });
    expect(told.map(({ id, part }) => [id, part])).toEqual([
      ['one', 'p1'],
      ['two', 'p1'],
    ]);
  });

  it('is asked for again, with growing pauses, while it is old', async () => {
    const { result, timesOf } = await warmWith({ '/a': inTurn(stale, stale, stale, fresh) });
    expect(result.warmed).toBe(1);
    expect(timesOf('/a')).toEqual([0, 250, 750, 1_750]);
  });

  it('is asked for at moments that the chance decides, not sooner than half a pause', async () => {
    const { timesOf } = await warmWith({ '/a': inTurn(stale, stale, stale, fresh) }, { random: 0 });
    expect(timesOf('/a')).toEqual([0, 125, 375, 875]);
  });

  it('is stale when it is old until the deadline: a 200 is no proof', async () => {
    const { result, elapsedMs } = await warmWith({ '/a': inTurn(stale) });
    expect(result).toMatchObject({ warmed: 0, staleCount: 1, stale: ['/a'] });
    expect(elapsedMs).toBeLessThanOrEqual(10_000);
  });

  it('that is old leaves its place to the others while it waits', async () => {
    const { timesOf } = await warmWith(
      { '/old': inTurn(stale, stale, stale, fresh), '/a': inTurn(fresh), '/b': inTurn(fresh) },
      { concurrency: 1, fetchMs: 10 },
    );
    expect([timesOf('/a'), timesOf('/b')]).toEqual([[10], [20]]);
  });

  it('has failed when nothing tells when it was rendered', async () => {
    const silent = { status: 403, renderedAtMs: undefined };
    const { result } = await warmWith({ '/a': inTurn(silent) });
    expect(result.failed).toEqual(['/a: the edge answered 403, and not when it was rendered']);
  });

  it('is not asked for any more once the deadline is past, however many are left', async () => {
    const { result, asked, elapsedMs } = await warmWith(many(25, inTurn(fresh)), {
      fetchMs: 4_000,
    });
    expect(elapsedMs).toBeLessThanOrEqual(14_000);
    expect(asked).toHaveLength(6);
    expect(result).toMatchObject({ warmed: 6, failedCount: 19 });
    expect(result.failed[0]).toBe('/6: no time was left for it');
  });

  it('that is gone is warm too, when that was found out after the epoch', async () => {
    const { result } = await warmWith({ '/a': inTurn({ status: 404, renderedAtMs: FRESH }) });
    expect(result.warmed).toBe(1);
  });

  it.each<[string, SiteAnswer | Error, string]>([
    ['answers 503', broken, '/a: the edge answered 503'],
    ['does not answer', new Error('connect ECONNREFUSED'), '/a: connect ECONNREFUSED'],
  ])('that %s to the end has failed, with the reason', async (_, answer, failed) => {
    const { result } = await warmWith({ '/a': inTurn(answer) });
    expect(result).toMatchObject({ warmed: 0, failedCount: 1, failed: [failed] });
  });

  it('that fails is asked for at growing distances, a handful of times in a minute', async () => {
    const { timesOf, result } = await warmWith(
      { '/a': inTurn(broken), '/b': inTurn(stale) }, // the other one's answers keep the breaker closed
      { deadlineMs: 60_000 },
    );
    expect(timesOf('/a').length).toBeLessThanOrEqual(7);
    expect(result).toMatchObject({ failed: ['/a: the edge answered 503'], stale: ['/b'] });
  });

  it('with a body that is too long is asked for once, and the reason says what that means', async () => {
    const { asked, result } = await warmWith({ '/a': inTurn({ ...fresh, isCut: true }) });
    expect(asked).toHaveLength(1);
    expect(result.failed[0]).toMatch(/^\/a: body-too-large: it was not read to the end, and/);
  });

  it('does not keep the others from being warmed', async () => {
    const { result } = await warmWith({ '/a': inTurn(new Error('no')), ...many(3, inTurn(fresh)) });
    expect(result).toMatchObject({ warmed: 3, failedCount: 1 });
  });
});

describe('the variants of a url', () => {
  const usual = { 'accept-encoding': 'br,gzip' };
  const german = { 'accept-encoding': 'gzip', 'accept-language': 'de' };

  it('are all warmed, the usual one when none was seen', async () => {
    const all = await warmWith({ '/a': inTurn(fresh) }, { variants: [usual, german, {}] });
    expect(all.asked.map(({ variant }) => variant)).toEqual(
      expect.arrayContaining([usual, german, {}]),
    );
    expect(all.asked).toHaveLength(3);
    expect(all.result).toMatchObject({ warmed: 1 });
    const none = await warmWith({ '/a': inTurn(fresh) });
    expect(none.asked.map(({ variant }) => variant)).toEqual([usual]);
  });

  it('count as one url, which is as old as its oldest, and say which that is', async () => {
    const onlyUsual: Script = (_, __, variant) => ('accept-language' in variant ? stale : fresh);
    const { result } = await warmWith({ '/a': onlyUsual }, { variants: [usual, german] });
    expect(result).toMatchObject({
      warmed: 0,
      staleCount: 1,
      stale: ['/a (accept-encoding: gzip, accept-language: de)'],
    });
  });

  it('that failed weigh more than those that are old', async () => {
    const worse: Script = (_, __, variant) => ('accept-encoding' in variant ? stale : broken);
    const { result } = await warmWith({ '/a': worse }, { variants: [usual, {}] });
    expect(result).toMatchObject({
      staleCount: 0,
      failedCount: 1,
      failed: ['/a (no encoding): the edge answered 503'],
    });
  });
});

describe('an origin that is down', () => {
  it('is asked a few times, not by each url again and again, and the reason says so', async () => {
    const { result, asked, elapsedMs } = await warmWith(many(25, inTurn(broken)), {
      concurrency: 4,
      deadlineMs: 60_000,
    });
    expect(asked.length).toBeLessThanOrEqual(16); // it was 22 for each of them
    expect(elapsedMs).toBeLessThan(60_000);
    expect(result).toMatchObject({ warmed: 0, failedCount: 25 });
    expect(result.failed[4]).toMatch(/; the origin failed \d+ times in a row$/);
  });

  it('and comes back before the deadline has lost nothing', async () => {
    const back: Script = (_, atMs) => (atMs < 20_000 ? new Error('connect ECONNREFUSED') : fresh);
    const { result, asked } = await warmWith(many(25, back), {
      concurrency: 4,
      deadlineMs: 60_000,
    });
    expect(result).toMatchObject({ warmed: 25, failedCount: 0 });
    expect(asked.length).toBeLessThanOrEqual(25 + 12);
  });

  it('is left in peace as long as it asks for', async () => {
    const busy: Script = (times) => (times === 0 ? { ...broken, retryAfterMs: 7_000 } : fresh);
    const { timesOf, asked, result } = await warmWith(
      { '/a': busy, ...many(8, inTurn(fresh)) },
      { concurrency: 1, perSecond: 5, deadlineMs: 60_000 },
    );
    expect(asked.filter(({ atMs }) => atMs > 0 && atMs < 7_000)).toEqual([]);
    expect(timesOf('/a')[1]).toBeGreaterThanOrEqual(7_000);
    expect(result.warmed).toBe(9);
  });

  it('cannot ask for an hour', async () => {
    const rude: Script = (times) => (times === 0 ? { ...broken, retryAfterMs: 3_600_000 } : fresh);
    const { timesOf, result } = await warmWith({ '/a': rude }, { deadlineMs: 60_000 });
    expect(timesOf('/a')[1]).toBeGreaterThanOrEqual(30_000);
    expect(result.warmed).toBe(1);
  });
});

describe('the pace', () => {
  it('is kept, and what has no turn before the deadline says so', async () => {
    const slowed = { perSecond: 2, toldPerSecond: 10_000 };
    const { asked, result } = await warmWith(many(25, inTurn(fresh)), slowed);
    expect(asked.length).toBeLessThanOrEqual(21);
    expect(asked.length).toBeGreaterThanOrEqual(19);
    expect(result.failed[0]).toMatch(/^\/2\d: no time was left for it$/);
  });

  it.each([
    ['5xx', broken],
    ['429', { status: 429, renderedAtMs: FRESH }],
    ['no answer', new Error('no whole answer within 10000 ms')],
  ])('is halved by %s', async (_, refusal) => {
    const urls = { '/bad': inTurn(refusal), ...many(12, inTurn(fresh)) };
    const { asked } = await warmWith(urls, { concurrency: 1, perSecond: 10 });
    const others = asked.filter(({ url }) => url !== '/bad').map(({ atMs }) => Math.round(atMs));
    expect((others[1] ?? 0) - (others[0] ?? 0)).toBe(200);
  });

  it('is not slowed by what is only old, or proves nothing', async () => {
    const silent = { status: 403, renderedAtMs: undefined };
    const urls = { '/old': inTurn(stale), '/odd': inTurn(silent), ...many(9, inTurn(fresh)) };
    const { asked } = await warmWith(urls, { concurrency: 1, perSecond: 10 });
    expect(Math.round(asked[8]?.atMs ?? 0)).toBe(800);
  });
});

describe('what a warm counts', () => {
  const gone = { status: 404, renderedAtMs: undefined };

  it('is nothing, while its jobs wait for other parts', async () => {
    expect((await warmWith({ '/a': inTurn(fresh) })).counted).toEqual([]);
  });

  it('is each job that ends with it, and how long that took since it was requested', async () => {
    const urls = { '/a': inTurn(stale, fresh) };
    const { counted } = await warmWith(urls, { ended: ['one', 'two'] });
    const job = { FreshJobs: 1, TimeToFresh: 2_250 };
    expect(counted).toEqual([job, job]);
  });

  it('is each url that is not warm, by its kind', async () => {
    const urls = {
      '/a': inTurn(stale),
      '/b': inTurn(gone),
      '/c': inTurn(gone),
      '/d': inTurn(fresh),
    };
    const { counted } = await warmWith(urls, { ended: ['one'] });
    expect(counted).toEqual([{ WarmFailures: 2 }, { StaleWarms: 1 }, { PartlyFreshJobs: 1 }]);
  });

  it('is a failed job, when no url is warm', async () => {
    const { counted } = await warmWith({ '/a': inTurn(gone) }, { ended: ['one'] });
    expect(counted).toEqual([{ WarmFailures: 1 }, { FailedJobs: 1 }]);
  });
});

describe('a warm message that goes to the dead-letter queue', () => {
  const message = { part: 'p', jobs: ['one'], epochMs: EPOCH, urls: [encodeUrl('/a')] };
  const told: WarmResult[] = [];
  const jobs = {
    warmed: async (_: string, __: string, result: WarmResult) => void told.push(result),
  };
  const clock = { now: () => FRESH, sleep: async () => {} };
  const counted: Counts[] = [];
  const count = (counts: Counts) => void counted.push(counts);
  beforeEach(() => {
    told.length = 0;
    counted.length = 0;
  });

  it('has announced its last try, which counts nothing', async () => {
    await doubt(message, { jobs, clock });
    expect(told).toMatchObject([{ atMs: FRESH, warmed: 0, failedCount: 1, doubted: true }]);
    expect(counted).toEqual([]);
  });

  it('ends its part of the jobs, with the reason', async () => {
    await lost(message, 'Task timed out', { jobs, clock, count });
    expect(counted).toEqual([{ WarmFailures: 1 }]);
    expect(told).toMatchObject([
      { warmed: 0, failedCount: 1, failed: ['/a: Task timed out'], lost: true },
    ]);
  });
});

describe('a pace that is slow', () => {
  it('leaves no url unasked: the deadline waits for the turns of all, those of other warmers too', async () => {
    const { result, asked } = await warmWith(many(25, inTurn(fresh)), {
      perSecond: 1,
      deadlineMs: 10_000,
    });
    expect(result).toMatchObject({ warmed: 25, staleCount: 0, failedCount: 0 });
    expect(asked).toHaveLength(25);
  });

  it('leaves time to become fresh to the last one that was asked', async () => {
    const last = inTurn(stale, stale, fresh);
    const answers = { ...many(20, inTurn(fresh)), '/last': last };
    const { result } = await warmWith(answers, { perSecond: 1, deadlineMs: 10_000 });
    expect(result).toMatchObject({ warmed: 21, staleCount: 0 });
  });
});

describe('the urls of a part', () => {
  it.each([
    [1_000, 25],
    [20, 25],
    [2, 25],
    [1, 15],
  ])('at %i a second are %i', (perSecond, urls) => {
    expect(warmUrlsOfPart(perSecond)).toBe(urls);
  });

  it('have the time that they need within a function’s life, whatever the pace and their variants', () => {
    for (let perSecond = 1; perSecond <= 1_000; perSecond += 1) {
      const targets = warmUrlsOfPart(perSecond) * VARIANTS_MAX;
      const ms = warmDeadlineMs(targets, { deadlineMs: 60_000, perSecond });
      expect(ms).toBeGreaterThanOrEqual(60_000 + (targets * WARMERS_MAX * 1_000) / perSecond);
      expect(ms).toBeLessThanOrEqual(warmMsMax(perSecond));
      expect(warmMsMax(perSecond) + 60_000).toBeLessThanOrEqual(900_000);
    }
  });
});
