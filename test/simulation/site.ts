/**
 * A site and everybody around it: viewers, editors, and what fails. `origin.ts` has what it renders, `recorders.ts` and
 * `workers.ts` our own functions, `watch.ts` what is watched for.
 * @module
 */

import { WHEN_EXCEEDED } from '../../core/budget';
import { RULING } from '../../core/headers';
import { type Answered, type Asked, simulateCloudFront } from './cloudfront';
import { simulateDynamo } from './dynamo';
import { ALL_URLS, createOrigin, LIFETIMES, RARE, SITEMAPS } from './origin';
import { createRecorders, type Recorded } from './recorders';
import type { Mutant } from './simulation';
import { createWatch } from './watch';
import { startWorkers } from './workers';
import type { World } from './world';

/** A1: from the recorder's answer to the cache, all layers together. */
const INSERT_MS = 500;
/** A6: a response's way to the recorder, and what two clocks may differ. */
const CLOCKS_AND_WAY_MS = 500;
const HOUR_MS = 3_600_000;

interface Work {
  readonly tags: readonly string[];
  readonly urls: readonly string[];
}

/** What nobody has ever recorded. */
const STRAYS: readonly Work[] = [
  { tags: ['nobody'], urls: [] },
  { tags: [], urls: ['/nowhere'] },
  { tags: ['nobody', 'a'], urls: ['/nowhere'] },
];

/** What is decided of a history beforehand. */
function traitsOf({ random }: World) {
  const skewMsMax = random.pick([0, 100, 250]);
  const purge = random.chance(0.1) ? ('paths' as const) : ('native' as const);
  const pages = random.chance(purge === 'paths' ? 0.3 : 0.04);
  return {
    lifetimes: Object.fromEntries(ALL_URLS.map((url) => [url, random.pick(LIFETIMES)])),
    isFickle: random.chance(0.4),
    sitemap: SITEMAPS[pages ? (purge === 'paths' ? 'many' : 'wide') : 'plain'],
    server: random.chance(0.7)
      ? ('sdk' as const)
      : random.pick(['exact', 'prefix', 'echo'] as const),
    /** How far the replica that the origin reads may be behind: never more than `settle`. */
    lagMs: random.pick([0, 0, 0, 500, 3_000]),
    gatherMs: random.pick([0, 200, 500]),
    renderMsMax: random.pick([4_000, 4_000, 4_000, 20_000]),
    odd: random.pick([0, 0.1]),
    skewMsMax,
    travelMsMax: CLOCKS_AND_WAY_MS - 2 * skewMsMax,
    faults: random.chance(0.5) ? { throttled: 0.02, answerLost: 0.02, unprocessed: 0.03 } : {},
    /** Calls of workers; a recorder would not wait. */
    hung: random.pick([0, 0, 0.05]),
    sendsLost: random.pick([0, 0.05]),
    crash: random.chance(0.5) ? 0.3 : 0,
    /** CloudFront may turn a HEAD into a GET, or ask the origin with it. */
    isHeadSent: random.chance(0.3),
    purge,
    budget: random.chance(0.06)
      ? { items: random.pick([0, 2, 4]), whenExceeded: random.pick(WHEN_EXCEEDED) }
      : undefined,
    /** Between a first time of crowds and a second: what is expired then, or forgotten. */
    pauseMs: random.chance(0.1) ? random.pick([25 * HOUR_MS, 31 * 24 * HOUR_MS]) : undefined,
    isCalm: false,
  };
}

export function createSite(world: World, mutant: Mutant, without: ReadonlySet<number>) {
  const { random } = world;
  const counts = createCounts();
  const dynamo = simulateDynamo(world, {
    slow: random.pick([0, 0.06]),
    swept: random.pick([0, 0.3]),
  });
  const traits = traitsOf(world);
  const { sitemap } = traits;
  const layers = {
    edges: random.pick([1, 2, 2, 3]),
    hasRegional: random.chance(0.85),
    hasShield: random.chance(0.75),
    spreadMs: random.pick([30, 800]),
  };
  let acts = 0;

  const origin = createOrigin(world, traits);
  const rule = createRecorders(world, { ...traits, dynamo, mutant });
  const cloudFront = simulateCloudFront(world, {
    ...layers,
    insertMs: INSERT_MS,
    origin: renderAndRecord,
    onKept: (copy, layer) => watch.kept(copy, layer),
    onPurged: (key, layer) => watch.purged(key, layer),
  });
  const watch = createWatch(world, {
    dynamo,
    invalidations: cloudFront.invalidations,
    mayRefuse: traits.budget !== undefined,
  });
  const { revalidateQueue, warmQueue } = startWorkers(world, traits, {
    dynamo,
    cloudFront,
    watch,
    counts,
    mutant,
  });
  world.say(() => {
    const { sitemap: _, lifetimes, ...others } = traits;
    const known = Object.fromEntries(sitemap.urls.map((url) => [url, lifetimes[url]]));
    return `this site: ${JSON.stringify({ ...others, ...layers, lifetimes: known })}`;
  });
  counts.byPaths += traits.purge === 'paths' ? 1 : 0;
  counts.budgets += traits.budget ? 1 : 0;
  counts.wide += sitemap === SITEMAPS.wide ? 1 : 0;
  counts.pauses += traits.pauseMs ? 1 : 0;
  counts.loneEdges += layers.edges === 1 ? 1 : 0;
  counts.threeEdges += layers.edges === 3 ? 1 : 0;
  counts.withoutRegional += layers.hasRegional ? 0 : 1;
  counts.withoutShield += layers.hasShield ? 0 : 1;

  async function renderAndRecord(asked: Asked): Promise<Answered> {
    const before = cloudFront.invalidations.length;
    const { fields, timeoutMs, method, ...rendered } = await origin.render(asked);
    const recorded = await rule({ fields, timeoutMs, method, ...rendered }).catch((thrown) => {
      watch.failed(asked.key, thrown);
      throw thrown;
    });
    watch.ruled(asked.key, recorded);
    count(rendered.status, recorded);
    if (dynamo.outage && recorded.isBlind) counts[dynamo.outage] += 1;
    if (method === 'HEAD') counts.headsRuled += 1;
    if (cloudFront.invalidations.length > before) counts.overtaken += 1;
    const { headers } = recorded;
    return { ...rendered, headers, ruling: headers[RULING] ?? '' };
  }

  function count(status: number, { outcome }: Recorded): void {
    counts.renders += 1;
    counts[outcome] += 1;
    if (status === 304) counts[outcome === 'kept' ? 'confirmed' : 'unconfirmed'] += 1;
    if (status === 404 && outcome === 'kept') counts.keptNotFound += 1;
    if (status === 301 && outcome === 'kept') counts.keptRedirects += 1;
    if (status === 204) counts.noContent += 1;
    if (status >= 500) counts.errors += 1;
  }

  async function view(edge: number, key: string): Promise<void> {
    counts.views += 1;
    if (key === RARE) counts.rareViews += 1;
    const isHead = random.chance(0.08);
    if (isHead) counts.heads += 1;
    const method = isHead && traits.isHeadSent ? 'HEAD' : 'GET';
    const answered = watch.viewed(`view ${counts.views} of ${key}`);
    try {
      const copy = await cloudFront.get(edge, { key, method });
      if (copy) watch.served(copy, `edge ${edge}`);
    } catch (thrown) {
      watch.failed(key, thrown);
    }
    answered();
  }

  /** Viewers within a span of time from now on; most come for the news. */
  function crowd(tag: string, size: number, { fromMs, toMs }: { fromMs: number; toMs: number }) {
    for (let i = 0; i < size; i += 1) {
      world.at(world.now() + random.between(fromMs, toMs), () => {
        const keys = random.chance(0.7) ? origin.showing(tag) : sitemap.asked;
        void view(random.below(cloudFront.edges), random.pick(keys));
      });
    }
  }

  /** Viewers come just before, so that renders are under way when the data changes. Sometimes it changes in a burst. */
  function edit(): void {
    const tag = random.pick(sitemap.edited);
    crowd(tag, random.below(8), { fromMs: 0, toMs: 2_000 });
    const times = random.chance(0.15) ? random.between(2, 4) : 1;
    if (times > 1) counts.bursts += 1;
    for (let i = 0; i < times; i += 1) {
      world.at(world.now() + random.below(2_000), () => change(tag));
    }
    if (random.chance(0.1)) {
      counts.strays += 1;
      revalidate(random.pick(STRAYS));
    }
  }

  function change(tag: string): void {
    counts.edits += 1;
    origin.change(tag);
    const isByUrl = random.chance(0.2);
    const urls = isByUrl ? [random.pick(sitemap.urls)] : [];
    const tags = isByUrl ? [] : random.chance(0.2) ? [tag, random.pick(sitemap.edited)] : [tag];
    crowd(tag, random.below(7), { fromMs: 0, toMs: 2_500 }); // while it is revalidated
    crowd(tag, random.below(4), { fromMs: 15_000, toMs: 60_000 }); // when it should long be fresh
    revalidate({ tags, urls });
  }

  /** What it is about is the data as it is now; the queue has it a little later. */
  function revalidate(work: Work): void {
    counts.revalidations += 1;
    const job = `job-${counts.revalidations}`;
    send(job, work);
    if (!random.chance(0.05)) return;
    counts.keysTakenTwice += 1;
    send(job, { tags: [random.pick(sitemap.edited), ...work.tags], urls: work.urls });
  }

  /** A call may fail before the queue has it, or only its answer may; then it is made again, under the same key. */
  function send(job: string, { tags, urls }: Work): void {
    const asked = {
      job,
      messages: [] as string[],
      tags: [...new Set(tags)],
      urls,
      data: { ...origin.data },
    };
    const body = JSON.stringify({
      ...(tags.length > 0 ? { tags } : {}),
      ...(urls.length > 0 ? { urls } : {}),
    });
    const attempt = () => {
      const isUnheard = random.chance(traits.sendsLost);
      if (!isUnheard) {
        const attributes = { job, requestedAtMs: String(world.now()) };
        asked.messages.push(revalidateQueue.send(body, attributes));
        world.say(() => `${job} asks for ${body}; the data is ${JSON.stringify(asked.data)}`);
        if (asked.messages.length === 1) watch.asked(asked);
      }
      if (!isUnheard && !random.chance(traits.sendsLost)) return;
      counts.sentAgain += 1;
      world.at(world.now() + random.between(500, 3_000), attempt);
    };
    world.at(world.now() + random.below(300), attempt);
  }

  return {
    violations: watch.violations,
    counts: () => ({ ...counts, ...cloudFront.counts, swept: dynamo.counts.swept }),
    acts: () => acts,
    pauseMs: traits.pauseMs,
    /** @returns when it is over: after a minute of crowds, or half an hour in which edges expire */
    begin(): number {
      traits.isCalm = false;
      const isShort = random.chance(0.7) || sitemap === SITEMAPS.many;
      const busyMs = isShort ? 60_000 : 1_800_000;
      const during = (count: number, act: () => void) => {
        for (let i = 0; i < count; i += 1) {
          const [atMs, number] = [world.now() + random.below(busyMs), acts++];
          world.at(atMs, without.has(number) ? () => {} : act); // the others stay where they are
        }
      };
      if (sitemap === SITEMAPS.many) {
        for (const key of sitemap.keys) {
          world.at(world.now() + random.below(2_000), () => {
            void view(random.below(cloudFront.edges), key);
          });
        }
      }
      during(random.between(8, 20), () => {
        void view(random.below(cloudFront.edges), random.pick(sitemap.asked));
      });
      during(random.between(1, 4), edit);
      if (random.chance(0.2)) {
        during(1, () => {
          dynamo.outage = random.pick(['refuses', 'hangs'] as const);
          world.say(() => `the graph ${dynamo.outage}`);
          world.at(world.now() + random.between(500, 15_000), () => {
            dynamo.outage = undefined;
            world.say(() => 'the graph is back');
          });
        });
      }
      return world.now() + busyMs;
    },
    calm(): void {
      traits.isCalm = true;
      dynamo.outage = undefined;
    },
    checkAtRest(): void {
      const dead = { revalidations: revalidateQueue.dead, warms: warmQueue.dead };
      counts.refusals += watch.ended(dead);
    },
  };
}

/** What happened, so that a suite can tell that its histories have what they are about. */
function createCounts() {
  return {
    byPaths: 0,
    wide: 0,
    wildcards: 0,
    budgets: 0,
    refusals: 0,
    pauses: 0,
    keysTakenTwice: 0,
    sentAgain: 0,
    /** Warm messages that SQS took a batch without. */
    refusedWarms: 0,
    views: 0,
    rareViews: 0,
    heads: 0,
    headsRuled: 0,
    renders: 0,
    kept: 0,
    capped: 0,
    refused: 0,
    /** 304s that renewed a page, and those that did not for long. */
    confirmed: 0,
    unconfirmed: 0,
    keptNotFound: 0,
    keptRedirects: 0,
    noContent: 0,
    errors: 0,
    /** Rulings while the graph refuses, or hangs. */
    refuses: 0,
    hangs: 0,
    /** Renders during which CloudFront has taken an invalidation. */
    overtaken: 0,
    edits: 0,
    bursts: 0,
    strays: 0,
    revalidations: 0,
    paid: 0,
    crashes: 0,
    loneEdges: 0,
    threeEdges: 0,
    withoutRegional: 0,
    withoutShield: 0,
  };
}
