/**
 * The planner: the fewest purge items that cover every cached copy of what was asked for, and nothing else.
 *
 *     no live edge     no item: nothing is cached (sound, because of the fence)
 *     native           tags and paths together, as few as can be (native.ts, cover.ts)
 *     paths            paths and, where these are too many, wildcards (paths.ts, wildcards.ts)
 *
 * Every item costs the same, says why it is there and what it covers; whatever was asked for and has no item, says why.
 * Reading is streamed (read.ts) and done once for a group of jobs; a plan is made for the group, and for each job.
 * @module
 */
import type { Revalidation } from '../revalidation';
import type { Plan, PlanOptions } from './contract';
import { planNative } from './native';
import { planByPaths } from './paths';
import type { Reading } from './read';

export type { Plan, PlanItem, PlanOptions, ReadOptions } from './contract';
export { type Reading, readEdges } from './read';

/**
 * @param work what was read, or a part of it
 * @param options those that it was read with
 * @returns the same for the same reading; for the work as a whole, the fewest items (native-edges.ts has the bound), for a part of
 *   it no more than a tag's one
 */
export function plan(work: Revalidation, reading: Reading, options: PlanOptions): Plan {
  return options.purge === 'native'
    ? planNative(work, reading, options)
    : planByPaths(work, reading, options);
}
