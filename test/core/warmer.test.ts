import { describe, expect, it } from 'vitest';
import type { WarmResult } from '../../core/jobs';
import type { SiteAnswer } from '../../core/ports';
import { encodeUrl } from '../../core/urls';
import { giveUp, warm } from '../../core/warmer';

const EPOCH = 1_000_000;
const FRESH = EPOCH + 5_000;
const STALE = EPOCH - 5_000;
const config = { table: '', edgeUrl: '', concurrency: 2, deadlineMs: 10_000 };

/** Warms urls against a scripted site; the clock moves only by its pauses. */
async function warmWith(answers: Record<string, readonly (SiteAnswer | Error)[]>, fetchMs = 0) {
  const startMs = EPOCH + 6_000;
  let nowMs = startMs;
  const told: { id: string; part: string; result: WarmResult }[] = [];
  const asked: string[] = [];
  const pauses: number[] = [];
  const ports = {
    clock: {
      now: () => nowMs,
      sleep: async (ms: number) => {
        pauses.push(ms);
        nowMs += ms;
      },
    },
    jobs: {
      warmed: async (id: string, part: string, result: WarmResult) =>
        void told.push({ id, part, result }),
    },
    site: {
      async fetch(url: string): Promise<SiteAnswer> {
        const times = asked.filter((it) => it === url).length;
        asked.push(url);
        nowMs += fetchMs / config.concurrency; // two at once
        const answer = answers[url]?.[Math.min(times, answers[url].length - 1)];
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
  const result = await warm(message, config, ports);
  return { result, told, asked, pauses, elapsedMs: nowMs - startMs };
}

describe('a url', () => {
  it('is warm when its answer was rendered after the epoch', async () => {
    const { result, told } = await warmWith({ '/a': [{ status: 200, renderedAtMs: FRESH }] });
    expect(result).toMatchObject({ warmed: 1, staleCount: 0, failedCount: 0 });
    expect(told.map(({ id, part }) => [id, part])).toEqual([
      ['one', 'p1'],
      ['two', 'p1'],
    ]);
  });

  it('is asked for again, with growing pauses, while it is old', async () => {
    const old = { status: 200, renderedAtMs: STALE };
    const { result, pauses } = await warmWith({
      '/a': [old, old, old, { status: 200, renderedAtMs: FRESH }],
    });
    expect(result.warmed).toBe(1);
    expect(pauses).toEqual([250, 500, 1_000]);
  });

  it('is stale when it is old until the deadline: a 200 is no proof', async () => {
    const { result } = await warmWith({ '/a': [{ status: 200, renderedAtMs: STALE }] });
    expect(result).toMatchObject({ warmed: 0, staleCount: 1, stale: ['/a'] });
  });

  it('has failed when nothing tells when it was rendered', async () => {
    const { result } = await warmWith({ '/a': [{ status: 403, renderedAtMs: undefined }] });
    expect(result.failed).toEqual(['/a: the edge answered 403, and not when it was rendered']);
  });

  it('is not asked for any more once the deadline is past, however many are left', async () => {
    const hanging = (url: string) => [url, [new Error('timeout')]] as const;
    const urls = Array.from({ length: 25 }, (_, i) => hanging(`/${i}`));
    const { result, asked, elapsedMs } = await warmWith(Object.fromEntries(urls), 10_000);
    expect(elapsedMs).toBeLessThanOrEqual(config.deadlineMs + 10_000);
    expect(result.failedCount).toBe(25);
    expect(asked.length).toBeLessThan(25);
    expect(result.failed[4]).toBe('/4: no time was left for it');
  });

  it('that is gone is warm too, when that was found out after the epoch', async () => {
    const { result } = await warmWith({ '/a': [{ status: 404, renderedAtMs: FRESH }] });
    expect(result.warmed).toBe(1);
  });

  it.each<[string, SiteAnswer | Error, string]>([
    ['answers 503', { status: 503, renderedAtMs: FRESH }, '/a: the edge answered 503'],
    ['does not answer', new Error('connect ECONNREFUSED'), '/a: connect ECONNREFUSED'],
  ])('that %s to the end has failed, with the reason', async (_, answer, failed) => {
    const { result } = await warmWith({ '/a': [answer] });
    expect(result).toMatchObject({ warmed: 0, failedCount: 1, failed: [failed] });
  });

  it('does not keep the others from being warmed', async () => {
    const fresh = [{ status: 200, renderedAtMs: FRESH }];
    const { result } = await warmWith({
      '/a': [new Error('no')],
      '/b': fresh,
      '/c': fresh,
      '/d': fresh,
    });
    expect(result).toMatchObject({ warmed: 3, failedCount: 1 });
  });
});

describe('a warm message that goes to the dead-letter queue', () => {
  it('ends its part of the jobs, with the reason', async () => {
    const told: WarmResult[] = [];
    const message = { part: 'p', jobs: ['one'], epochMs: EPOCH, urls: [encodeUrl('/a')] };
    const jobs = {
      warmed: async (_: string, __: string, result: WarmResult) => void told.push(result),
    };
    const clock = { now: () => FRESH, sleep: async () => {} };
    await giveUp(message, 'Task timed out', { jobs, clock });
    expect(told).toMatchObject([{ warmed: 0, failedCount: 1, failed: ['/a: Task timed out'] }]);
  });
});
