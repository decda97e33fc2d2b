/**
 * A site and everybody around it: viewers, editors, and what fails. `origin.ts` has what it renders, `recorders.ts` and
 * `workers.ts` our own functions, `watch.ts` what is watched for.
 * @module
 */

import { RULING } from '../../core/headers';
import { type Answered, simulateCloudFront } from './cloudfront';
import { simulateDynamo } from './dynamo';
import { createOrigin, KEYS, LIFETIMES, TAGS, URLS } from './origin';
import { createRecorders } from './recorders';
import type { Mutant } from './simulation';
import { createWatch } from './watch';
import { startWorkers } from './workers';
import type { World } from './world';

/** A1: from the recorder's answer to the cache, all layers together. */
const INSERT_MS = 300;

export function createSite(world: World, mutant: Mutant, without: ReadonlySet<number>) {
  const { random } = world;
  const counts = { views: 0, renders: 0, kept: 0, capped: 0, edits: 0, paid: 0, crashes: 0 };
  const dynamo = simulateDynamo(world);
  const traits = {
    lifetimes: Object.fromEntries(URLS.map((url) => [url, random.pick(LIFETIMES)])),
    hasSdk: random.chance(0.7),
    /** How far the replica that the origin reads may be behind: never more than `settle`. */
    lagMs: random.pick([0, 0, 0, 500, 3_000]),
    gatherMs: random.pick([0, 200, 500]),
    faults: random.chance(0.5) ? { throttled: 0.02, answerLost: 0.02, unprocessed: 0.03 } : {},
    crash: random.chance(0.5) ? 0.3 : 0,
    isCalm: false,
  };
  let acts = 0;

  const origin = createOrigin(world, traits);
  const rule = createRecorders(world, { dynamo, faults: traits.faults, mutant });
  const cloudFront = simulateCloudFront(world, {
    edges: 2,
    insertMs: INSERT_MS,
    origin: renderAndRecord,
  });
  const watch = createWatch(world, { dynamo, invalidations: cloudFront.invalidations });
  const revalidateQueue = startWorkers(world, traits, {
    dynamo,
    cloudFront,
    watch,
    counts,
    mutant,
  });

  async function renderAndRecord(key: string): Promise<Answered> {
    const answer = await origin.render(key);
    counts.renders += 1;
    const { ruling, isBlind } = await rule(answer);
    if (ruling.outcome === 'kept') counts.kept += 1;
    else counts.capped += 1;
    if (isBlind && ruling.outcome === 'kept') watch.keptUnrecorded(key);
    const { url, versions, status } = answer;
    const { headers } = ruling;
    return { key, url, versions, status, headers, ruling: headers[RULING] ?? '' };
  }

  async function view(edge: number, key: string): Promise<void> {
    counts.views += 1;
    const copy = await cloudFront.get(edge, key);
    if (copy) watch.served(copy, `edge ${edge}`);
  }

  /** Viewers within a span of time from now on. */
  function crowd(size: number, fromMs: number, toMs: number): void {
    for (let i = 0; i < size; i += 1) {
      world.at(world.now() + random.between(fromMs, toMs), () => {
        void view(random.below(cloudFront.edges), random.pick(KEYS));
      });
    }
  }

  /** Viewers come just before, so that renders are under way when the data changes. */
  function edit(): void {
    crowd(random.below(6), 0, 2_000);
    world.at(world.now() + random.below(2_000), change);
  }

  function change(): void {
    counts.edits += 1;
    const tag = random.pick(TAGS);
    origin.change(tag);
    const isByUrl = random.chance(0.2);
    const urls = isByUrl ? [random.pick(URLS)] : [];
    const tags = isByUrl ? [] : random.chance(0.2) ? [tag, random.pick(TAGS)] : [tag];
    const work = { ...(tags.length > 0 ? { tags } : {}), ...(urls.length > 0 ? { urls } : {}) };
    const job = `job-${counts.edits}`;
    crowd(random.below(6), 0, 3_000); // while it is revalidated
    crowd(random.below(4), 15_000, 90_000); // when it should long be fresh
    const data = { ...origin.data };
    world.at(world.now() + random.below(300), () => {
      const message = revalidateQueue.send(JSON.stringify(work), {
        job,
        requestedAtMs: String(world.now()),
      });
      world.say(
        () => `${job} asks for ${JSON.stringify(work)}; the data is ${JSON.stringify(data)}`,
      );
      watch.asked({ job, message, tags: [...new Set(tags)], urls, data });
    });
  }

  return {
    violations: watch.violations,
    counts,
    acts: () => acts,
    /** @returns when it is over: after a minute of crowds, or half an hour in which edges expire */
    begin(): number {
      const busyMs = random.chance(0.7) ? 60_000 : 1_800_000;
      const during = (count: number, act: () => void) => {
        for (let i = 0; i < count; i += 1) {
          const [atMs, number] = [world.now() + random.below(busyMs), acts++];
          world.at(atMs, without.has(number) ? () => {} : act); // the others stay where they are
        }
      };
      during(random.between(20, 60), () => {
        void view(random.below(cloudFront.edges), random.pick(KEYS));
      });
      during(random.between(2, 8), edit);
      if (random.chance(0.2)) {
        during(1, () => {
          dynamo.isDown = true;
          world.say(() => 'the graph is out of reach');
          world.at(world.now() + random.between(500, 15_000), () => {
            dynamo.isDown = false;
            world.say(() => 'the graph is back');
          });
        });
      }
      return world.now() + busyMs;
    },
    calm(): void {
      traits.isCalm = true;
      dynamo.isDown = false;
    },
    /** Every edge location is asked for every page, after everything has come to rest. */
    lookAround(): void {
      for (let edge = 0; edge < cloudFront.edges; edge += 1) {
        for (const key of KEYS) void view(edge, key);
      }
    },
    checkAtRest: () => watch.ended(revalidateQueue.dead),
  };
}
