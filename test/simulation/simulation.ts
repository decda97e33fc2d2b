/**
 * One history of a site, decided by a seed, run on the real core/ and aws/ code, and watched: `site.ts` has the actors and
 * what is watched for.
 * @module
 */

import type { DynamoCall } from '../../aws/dynamo';
import type { InvalidatorPorts } from '../../core/invalidator';
import type { Graph, Site } from '../../core/ports';
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
  readonly recorderGraph?: (graph: Graph, recording: Recording) => Graph;
  readonly recorderCall?: (call: DynamoCall) => DynamoCall;
  readonly invalidatorPorts?: (
    ports: InvalidatorPorts,
    world: World,
    call: DynamoCall,
  ) => InvalidatorPorts;
  readonly warmerSite?: (site: Site, now: () => number) => Site;
  readonly graceMs?: number;
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
}

/** Time for everything to come to rest. */
const QUIET_MS = 180_000;

export async function simulate(
  seed: number,
  mutant: Mutant = { name: 'none' },
  options: { readonly isTold?: boolean } = {},
): Promise<History> {
  const world = createWorld(seed, options);
  const site = createSite(world, mutant);
  await world.run(site.begin());
  site.calm();
  await world.run(world.now() + QUIET_MS);
  site.lookAround();
  await world.run(world.now() + 20_000);
  site.checkAtRest();
  return { seed, violations: site.violations, story: world.story, counts: site.counts };
}
