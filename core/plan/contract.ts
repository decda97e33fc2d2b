/**
 * What a plan is made by, and what it says.
 * @module
 */
import type { Url } from '../urls';

/** How many urls are shown of what an item covers or hits. */
export const SAMPLE_URLS = 10;
/** By paths: with more items than that, wildcards are looked for. */
export const PATHS_MAX = 50;

/** The same for reading and for planning what was read. */
export interface PlanOptions {
  readonly warmUrlsMax: number;
  /** `paths` where CloudFront has no tags: opted out, or in China. */
  readonly purge: 'native' | 'paths';
  /** By paths only: may wildcards hit recorded urls that nobody asked for, where there are more than `pathsMax` items else? */
  readonly allowCollateral: boolean;
  /** @default PATHS_MAX */
  readonly pathsMax?: number;
}

export interface ReadOptions extends PlanOptions {
  /** Edges that expire later count. */
  readonly nowSeconds: number;
  /** @default EDGES_MAX (native-edges.ts) */
  readonly edgesMax?: number;
}

/** Urls, of which some are shown. */
export interface Urls {
  readonly count: number;
  readonly sample: readonly Url[];
}

export interface PlanItem {
  /** `#post:42`, `/posts/42` or `/posts/*`, as CloudFront takes it; each costs the same. */
  readonly item: string;
  readonly why: string;
  /** How many of the recorded urls that were asked for it covers. */
  readonly covers: number;
  /** The first of them. */
  readonly sample: readonly Url[];
  /** Of a wildcard: recorded urls that it hits though nobody asked for them. */
  readonly collateral?: Urls;
}

/** A requested tag or url that needs no item of its own. */
export interface Skip {
  readonly asked: string;
  readonly why: string;
}

/** A url that should be purged and that no item can reach: the caller decides. */
export interface Unpurgeable {
  readonly url: Url;
  readonly why: string;
}

export interface Plan {
  readonly items: readonly PlanItem[];
  readonly skipped: readonly Skip[];
  readonly unpurgeable: readonly Unpurgeable[];
  /** Urls that the items cover; of tags with many urls, those on several may count twice. */
  readonly covered: number;
  /** At most `warmUrlsMax`: those that were asked for by name, those that go by path, others. */
  readonly warm: readonly Url[];
}

/** A plan as it was decided: its items, and what was known of them. */
export interface Purge {
  readonly items: readonly string[];
  /** Of its wildcards that hit urls that nobody asked for: which. */
  readonly collateral?: Readonly<Record<string, Urls>>;
  readonly unpurgeable?: readonly Unpurgeable[];
}
