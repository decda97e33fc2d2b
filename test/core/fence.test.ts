import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dynamoGraph } from '../../aws/graph';
import { dynamoJobs } from '../../aws/jobs';
import { dynamoLedger } from '../../aws/ledger';
import { dynamoPaces } from '../../aws/paces';
import { dynamoPurges } from '../../aws/purges';
import type { RecorderConfig } from '../../core/config';
import { RECORDER_DEFAULTS } from '../../core/config';
import {
  CLOCK_SLACK_MS,
  isMarkedBefore,
  isRenderedBefore,
  parseAged,
  parseElapsed,
  renderStart,
} from '../../core/fence';
import { invalidate } from '../../core/invalidator';
import type { Clock, Graph, Jobs, Ledger, Paces, Purges } from '../../core/ports';
import { type Page, type Ruling, record } from '../../core/recorder';
import { parseRevalidation } from '../../core/revalidation';
import { encodeUrl } from '../../core/urls';
import { sdkCall, startTable, TABLE } from '../support/graph';

describe('when a render began', () => {
  const clock = { nowMs: 10_000, renderBudgetMs: 4_000, bootMs: 0, agedMs: 0 };

  it('is what the origin measured before now', () => {
    expect(renderStart({ ...clock, elapsedMs: 120 })).toBe(9_880);
  });

  it('is a whole budget ago when the origin says nothing', () => {
    expect(renderStart({ ...clock, elapsedMs: undefined })).toBe(6_000);
  });

  it('is earlier by the time that the container took to start', () => {
    expect(renderStart({ ...clock, elapsedMs: 120, bootMs: 300 })).toBe(9_580);
  });

  it.each([
    [undefined, 0],
    ['0', 1_000],
    ['7', 8_000],
    ['-1', 86_400_000],
    ['soon', 86_400_000],
  ])('is earlier by the time that a cache of the origin kept it: Age %j is %j ms', (age, ms) => {
    expect(parseAged(age)).toBe(ms);
    expect(renderStart({ ...clock, elapsedMs: 120, agedMs: ms })).toBe(9_880 - ms);
  });

  it.each([
    ['84', 84],
    ['84.25', 84.25],
    ['-1', undefined],
    ['1e3', undefined],
    ['NaN', undefined],
    ['999999999', undefined],
    [undefined, undefined],
  ])('is told by x-isr-elapsed: %j is %j ms', (value, ms) => {
    expect(parseElapsed(value)).toBe(ms);
  });
});

describe('a render', () => {
  it('may have read old data when it began before the epoch, or too close to it to tell', () => {
    expect(isRenderedBefore(1_000, 1_000 - 1)).toBe(true);
    expect(isRenderedBefore(1_000, 1_000 + CLOCK_SLACK_MS - 1)).toBe(true);
    expect(isRenderedBefore(1_000, 1_000 + CLOCK_SLACK_MS)).toBe(false);
  });
});

describe('a mark', () => {
  const mark = { atMs: 1_000, untilSeconds: 100 };

  it('counts only when it is surely older than the read that found it', () => {
    expect(isMarkedBefore(mark, 1_000 + CLOCK_SLACK_MS + 1, 100)).toBe(true);
    expect(isMarkedBefore(mark, 1_000 + CLOCK_SLACK_MS, 100)).toBe(false);
  });

  it('counts only when its edges live long enough', () => {
    expect(isMarkedBefore(mark, 9_000, 101)).toBe(false);
    expect(isMarkedBefore(undefined, 9_000, 100)).toBe(false);
  });
});

/**
 * Every interleaving of one recording and one invalidation, a step being one call to the graph; the graph is a real
 * one. Swap the two steps of either side, and a schedule is found in which neither sees the other.
 */
describe('for every interleaving of a recorder and an invalidator', () => {
  let table: Awaited<ReturnType<typeof startTable>>;
  beforeAll(async () => {
    table = await startTable();
  });
  afterAll(() => table.close());

  it.each([
    ['a tag', { tags: ['post:42'] }],
    ['the url', { urls: ['/posts/42'] }],
  ])(
    'that revalidates %s, the recorder sees the epoch or the invalidator sees the edge',
    async (_, asked) => {
      let schedules = 0;
      for (const schedule of interleavings(RECORDER_STEPS, INVALIDATOR_STEPS)) {
        schedules += 1;
        const path = `/posts/${schedule}`;
        const { ruling, isSeen } = await race({ ...open(table.endpoint), schedule, asked, path });
        const isSafe = ruling.outcome !== 'kept' || isSeen;
        expect({ schedule, isSafe, ruling: ruling.outcome, isSeen }).toMatchObject({
          isSafe: true,
        });
      }
      expect(schedules).toBe(15);
    },
  );

  it('and one after the other, both ways round, each sees the other for sure', async () => {
    const opened = open(table.endpoint);
    const asked = { tags: ['post:42'] };
    const first = await race({ ...opened, schedule: 'RRRRII', asked, path: '/recorder-first' });
    expect(first).toMatchObject({ ruling: { outcome: 'kept' }, isSeen: true });
    const last = await race({ ...opened, schedule: 'IIRRRR', asked, path: '/recorder-last' });
    expect(last).toMatchObject({ ruling: { outcome: 'capped', reason: 'fence' }, isSeen: false });
  });
});

/** look, putEdges, then epochOf and putUrl side by side; putEpochs, then edges or isLive. */
const RECORDER_STEPS = 4;
const INVALIDATOR_STEPS = 2;

function open(endpoint: string): Pick<Race, 'graph' | 'jobs' | 'purges' | 'ledger' | 'paces'> {
  const call = sdkCall(endpoint);
  const clock = { now: Date.now };
  return {
    graph: dynamoGraph(call, TABLE),
    jobs: dynamoJobs(call, TABLE, clock),
    purges: dynamoPurges(call, TABLE, clock),
    ledger: dynamoLedger(call, TABLE, clock),
    paces: dynamoPaces(call, TABLE, clock),
  };
}

interface Race {
  readonly ledger: Ledger;
  readonly paces: Paces;
  readonly graph: Graph;
  readonly jobs: Jobs;
  readonly purges: Purges;
  /** `RRIRIR`: who takes the next step. */
  readonly schedule: string;
  readonly asked: { readonly tags?: string[]; readonly urls?: string[] };
  readonly path: string;
}

async function race({
  graph,
  jobs,
  purges,
  ledger,
  paces,
  schedule,
  asked,
  path,
}: Race): Promise<{ ruling: Ruling; isSeen: boolean }> {
  const turns = turnstile(schedule);
  const url = encodeUrl(path);
  const tag = `${asked.tags?.[0] ?? 'none'}-${path}`.toLowerCase();
  const nowMs = Date.now();
  const clock: Clock = { now: () => nowMs, sleep: () => new Promise(() => {}) };
  const page: Page = {
    url,
    originTimeoutMs: 30_000,
    method: 'GET',
    status: 200,
    request: {},
    // it has rendered for ten minutes: whatever epoch it sees is newer
    response: {
      'cache-control': ['s-maxage=600'],
      'cache-tag': [tag],
      'x-isr-elapsed': ['600000'],
    },
  };
  const config: RecorderConfig = { ...RECORDER_DEFAULTS, table: TABLE, region: 'us-east-1' };
  const work = parseRevalidation(asked.urls ? { urls: [url] } : { tags: [tag] });
  const purged: string[] = [];

  const recorder = record(page, config, { graph: stepped(graph, 'R', turns), clock, bootMs: 0 });
  const invalidator = invalidate(
    [{ ...work, job: tag, requestedAtMs: nowMs, messageId: tag }],
    {
      table: TABLE,
      queueUrl: '',
      warmQueueUrl: '',
      distributionId: '',
      gatherMs: 0,
      graceMs: 0,
      settleMs: 0,
      purge: 'native',
      warmUrlsMax: 10,
      warmPerSecond: 20,
    },
    {
      graph: stepped(graph, 'I', turns),
      records: { of: async () => new Map() }, // nothing here is warmed
      jobs,
      purges,
      ledger,
      paces,
      count: () => {},
      purger: {
        async purge(items) {
          purged.push(...items);
          return { kind: 'accepted', invalidation: 'I1' };
        },
      },
      warmQueue: { send: async () => {} },
      clock: { now: () => nowMs, sleep: async () => {} },
    },
  );
  const [ruling] = await Promise.all([recorder, invalidator]);
  return { ruling, isSeen: purged.includes(asked.urls ? url : `#${tag}`) };
}

/** Lets one call through at a time, in the schedule's order; the next only when it is done. */
function turnstile(schedule: string) {
  const waiting: { who: string; enter: () => void }[] = [];
  let step = 0;
  let isOpen = true;
  const advance = () => {
    const at = waiting.findIndex(({ who }) => who === schedule[step]);
    if (!isOpen || at < 0) return;
    isOpen = false;
    step += 1;
    waiting.splice(at, 1)[0]?.enter();
  };
  return {
    enter: (who: string) =>
      new Promise<void>((enter) => {
        waiting.push({ who, enter });
        advance();
      }),
    leave: () => {
      isOpen = true;
      advance();
    },
  };
}

function stepped(graph: Graph, who: string, turns: ReturnType<typeof turnstile>): Graph {
  const step = async <T>(call: () => Promise<T>): Promise<T> => {
    await turns.enter(who);
    try {
      return await call();
    } finally {
      turns.leave();
    }
  };
  return {
    spread: graph.spread,
    urls: graph.urls,
    look: (url, tags) => step(() => graph.look(url, tags)),
    epochOf: (tags) => step(() => graph.epochOf(tags)),
    putEdges: (url, edges, until) => step(() => graph.putEdges(url, edges, until)),
    putUrl: (url, write) => step(() => graph.putUrl(url, write)),
    putVariants: (url, variants) => step(() => graph.putVariants(url, variants)),
    putEpochs: (work) => step(() => graph.putEpochs(work)),
    isLive: (url, now) => step(() => graph.isLive(url, now)),
    async *edges(tag, now) {
      yield* await step(async () => {
        const found = [];
        for await (const page of graph.edges(tag, now)) found.push(page);
        return found;
      });
    },
  };
}

function interleavings(recorder: number, invalidator: number): string[] {
  if (recorder === 0) return ['I'.repeat(invalidator)];
  if (invalidator === 0) return ['R'.repeat(recorder)];
  return [
    ...interleavings(recorder - 1, invalidator).map((rest) => `R${rest}`),
    ...interleavings(recorder, invalidator - 1).map((rest) => `I${rest}`),
  ];
}
