/**
 * By paths: what of a purge concerns one of those who were purged together.
 *
 * Its own plan would tell of a purge that was not made: what may hit others is decided for all together, and wildcards of a
 * whole are not those of its parts.
 * @module
 */
import type { Revalidation } from '../revalidation';
import type { Url } from '../urls';
import { type Plan, type Purge, SAMPLE_URLS, type Unpurgeable, type Urls } from './contract';
import { wantedOf } from './paths';
import type { Reading } from './read';

/** What a job is told of its purge. */
export interface Part {
  readonly items: number;
  readonly covered: number;
  readonly collateral: Urls;
  readonly unpurgeable: readonly Unpurgeable[];
}

export function purgeOf({ items, unpurgeable }: Plan): Purge {
  const hits = items.flatMap(({ item, collateral }) =>
    collateral && collateral.count > 0 ? [[item, collateral] as const] : [],
  );
  return {
    items: items.map(({ item }) => item).sort(),
    ...(hits.length > 0 && { collateral: Object.fromEntries(hits) }),
    ...(unpurgeable.length > 0 && { unpurgeable }),
  };
}

export function partOf(
  work: Revalidation,
  reading: Reading,
  { items, collateral: hitBy = {}, unpurgeable = [] }: Purge,
): Part {
  const wanted = [...wantedOf(work, reading).keys()];
  const names = new Set<string>(wanted);
  const isIts = (item: string) => names.has(item) || wanted.some((url) => isHit(url, item));
  const own = items.filter(isIts);
  const collateral = allHit(own.flatMap((item) => hitBy[item] ?? []));
  const missed = unpurgeable.filter(({ url }) => names.has(url));
  return {
    items: own.length,
    covered: wanted.length - missed.length,
    collateral: { ...collateral, sample: collateral.sample.slice(0, SAMPLE_URLS) },
    unpurgeable: missed,
  };
}

/** What several items hit, together. */
export function allHit(hits: readonly Urls[]): Urls {
  return {
    count: hits.reduce((sum, { count }) => sum + count, 0),
    sample: hits.flatMap(({ sample }) => sample),
  };
}

function isHit(url: Url, item: string): boolean {
  return item.endsWith('*') && url.startsWith(item.slice(0, -1));
}
