/**
 * One history of a site, decided by a seed, run on the real core/ and aws/ code, and watched: `site.ts` has the actors,
 * `watch.ts` what is watched for.
 * @module
 */

import type { DynamoCall } from '../../aws/dynamo';
import type { InvalidatorPorts } from '../../core/invalidator';
import type { Graph, Site } from '../../core/ports';
import type { Page, Ruling } from '../../core/recorder';
import { createSite } from './site';
import { createWorld, type World } from './world';

/** What a mutant of the recorder may know. */
export interface Recording {
  /** Lives as long as the container. */
  readonly memory: Set<string>;
  /** s-maxage of the page. */
  readonly freshSeconds: number;
  readonly now: () => number;
}

/** What a mutant changes: a door of the real code, wrapped, or a parameter. */
export interface Mutant {
  readonly name: string;
  /** Of `watch.ts`: what its histories violate. */
  readonly breaks: `I${number}`;
  readonly recorderPage?: (page: Page) => Page;
  /** May throw. */
  readonly recorderRuling?: (ruling: Ruling, page: Page) => Ruling;
  readonly recorderGraph?: (graph: Graph, recording: Recording) => Graph;
  readonly recorderCall?: (call: DynamoCall) => DynamoCall;
  readonly invalidatorPorts?: (
    ports: InvalidatorPorts,
    world: World,
    call: DynamoCall,
  ) => InvalidatorPorts;
  readonly warmerSite?: (site: Site, now: () => number) => Site;
  readonly graceMs?: number;
  readonly settleMs?: number;
}

export interface Violation {
  readonly invariant: string;
  readonly what: string;
  readonly atMs: number;
}

export interface History {
  readonly seed: number;
  readonly violations: readonly Violation[];
  readonly story: readonly string[];
  /** What happened, so that a suite can tell that its histories are not all empty. */
  readonly counts: Readonly<Record<string, number>>;
  /** How many viewers, edits and faults it began with. */
  readonly acts: number;
}

export interface Options {
  /** Keep the story, in words. */
  readonly isTold?: boolean;
  /** Numbers of viewers, edits and faults that do not happen: for shrinking. */
  readonly without?: ReadonlySet<number>;
}

const NONE: Mutant = { name: 'none', breaks: 'I0' };
const NOTHING: ReadonlySet<number> = new Set();

/** A look at whether everything has come to rest. */
const QUIET_MS = 60_000;
/** What nothing hinders any more has come to rest by then. */
const REST_MS_MAX = 1_800_000;

export async function simulate(
  seed: number,
  mutant: Mutant = NONE,
  options: Options = {},
): Promise<History> {
  const world = createWorld(seed, options);
  const site = createSite(world, mutant, options.without ?? NOTHING);
  const toRest = async () => {
    await world.run(site.begin());
    site.calm();
    const lateMs = world.now() + REST_MS_MAX;
    do await world.run(world.now() + QUIET_MS);
    while (!world.isAtRest() && world.now() < lateMs);
    site.checkAtRest();
  };
  await toRest();
  if (site.pauseMs !== undefined) {
    await world.run(world.now() + site.pauseMs);
    await toRest();
  }
  const { violations, counts, acts } = site;
  return { seed, violations, story: world.story, counts: counts(), acts: acts() };
}

/**
 * A history of a seed that still violates the same invariant, and from which no viewer, edit or fault can be left out:
 * tries halves, quarters, …, then one by one until nothing more goes.
 * @returns the acts to leave out
 */
export async function shrink(seed: number, mutant?: Mutant): Promise<ReadonlySet<number>> {
  const { acts, violations } = await simulate(seed, mutant);
  const invariant = violations[0]?.invariant;
  const fails = async (without: ReadonlySet<number>) => {
    const smaller = await simulate(seed, mutant, { without });
    return smaller.violations.some((violation) => violation.invariant === invariant);
  };
  let without = new Set<number>();
  const leaveOut = async (size: number) => {
    const before = without.size;
    for (let from = 0; from < acts; from += size) {
      const these = Array.from({ length: Math.min(size, acts - from) }, (_, i) => from + i);
      const fewer = new Set([...without, ...these]);
      if (fewer.size > without.size && (await fails(fewer))) without = fewer;
    }
    return without.size > before;
  };
  for (let size = Math.ceil(acts / 2); size > 1; size = Math.ceil(size / 2)) await leaveOut(size);
  while (await leaveOut(1)); // what went last may have been all that another one was needed for
  return without;
}
