/**
 * Paths and wildcards that cover a prefix tree.
 *
 *     each     every url by its own path
 *     clean    the highest wildcards that hit nothing else recorded: the fewest items that do no harm
 *     within   at most so many items, which hit as few others as can be
 *
 * A wildcard from the site's root also hits what is never recorded, so that it is not clean, and is taken only where
 * nothing else will do. Nodes never overlap unless one lies above the other, which makes all three exact: what two
 * children cost is what each costs.
 * @module
 */
import { isPurgeable, type Url } from '../urls';
import { SAMPLE_URLS, type Urls } from './contract';
import type { PrefixNode, PrefixTree } from './prefix-tree';

/** A purge item: the urls asked for that it covers, and, of a wildcard, what else it hits. */
export interface PathItem {
  readonly path: string;
  readonly covers: readonly Url[];
  readonly collateral?: Urls;
}

/**
 * @param pathsMax beyond it wildcards are used, and beyond it still, such as hit others, if that is allowed
 * @returns `missed`: urls that no path can name and that only a wildcard with collateral would reach
 */
export function coverByPaths(
  tree: PrefixTree,
  { pathsMax, allowCollateral }: { readonly pathsMax: number; readonly allowCollateral: boolean },
): { readonly items: readonly PathItem[]; readonly missed: readonly Url[] } {
  const totals = totalsOf(tree);
  const isClean = (node: PrefixNode) => totals.get(node)?.others === 0 && node.prefix !== ROOT;
  const missed: Url[] = [];
  if (!allowCollateral) {
    // from here on the tree is without them
    for (const node of tree.nodes) {
      if (!isClean(node)) for (const url of node.unnameable.splice(0)) missed.push(url);
    }
  }
  const spread = (isWildcard: (node: PrefixNode) => boolean) => itemsFrom(tree.root, isWildcard);
  let items = spread(() => false);
  if (items.length > pathsMax) {
    items = spread((node) => isClean(node) && (totals.get(node)?.asked ?? 0) > 1);
  }
  if (items.length > pathsMax && allowCollateral) {
    const chosen = leastHarm(tree, { totals, isClean, itemsMax: pathsMax });
    items = spread((node) => chosen.has(node));
  }
  return { items, missed };
}

const ROOT = '/';

interface Totals {
  /** Urls asked for at this node and below. */
  readonly asked: number;
  /** What a wildcard from here would hit besides. */
  readonly others: number;
}

function totalsOf({ nodes }: PrefixTree): Map<PrefixNode, Totals> {
  const totals = new Map<PrefixNode, Totals>();
  for (const node of nodes) {
    let asked = (node.url === undefined ? 0 : 1) + node.unnameable.length;
    let others = node.others;
    for (const child of node.children) {
      asked += totals.get(child)?.asked ?? 0;
      others += totals.get(child)?.others ?? 0;
    }
    totals.set(node, { asked, others });
  }
  return totals;
}

/** From the root down: a wildcard where it is wanted or has to be, else the node's own url, and its children. */
function itemsFrom(root: PrefixNode, isWildcard: (node: PrefixNode) => boolean): PathItem[] {
  const items: PathItem[] = [];
  const left = [root];
  for (let node = left.pop(); node; node = left.pop()) {
    if (node.unnameable.length > 0 || isWildcard(node)) {
      items.push(wildcardOf(node));
      continue;
    }
    if (node.url !== undefined) items.push({ path: node.url, covers: [node.url] });
    left.push(...node.children);
  }
  return items.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function wildcardOf(top: PrefixNode): PathItem {
  const covers: Url[] = [];
  const sample: Url[] = [];
  let count = 0;
  const left = [top];
  for (let node = left.pop(); node; node = left.pop()) {
    if (node.url !== undefined) covers.push(node.url);
    for (const url of node.unnameable) covers.push(url);
    count += node.others;
    sample.push(...node.othersSample.slice(0, SAMPLE_URLS - sample.length));
    left.push(...node.children);
  }
  return { path: `${top.prefix}*`, covers: covers.sort(), collateral: { count, sample } };
}

interface Harm {
  readonly totals: ReadonlyMap<PrefixNode, Totals>;
  readonly isClean: (node: PrefixNode) => boolean;
  readonly itemsMax: number;
}

/** Index: items. Value: how many others are hit at least, with so many items; Infinity where that cannot be. */
type Table = readonly number[];

/**
 * For each node, children first: what its urls cost with 1, 2, … items, as a wildcard or by its children (a knapsack on a
 * tree, O(nodes · itemsMax)). Then, from the root down, how it came about.
 * @returns the nodes to be wildcards
 */
function leastHarm(
  { root, nodes }: PrefixTree,
  { totals, isClean, itemsMax }: Harm,
): Set<PrefixNode> {
  const tables = new Map<PrefixNode, Table>();
  const wildcard = (node: PrefixNode): number => {
    const { asked = 0, others = 0 } = totals.get(node) ?? {};
    if (node.unnameable.length > 0) return others; // it has to be
    return asked > 1 && node.prefix !== ROOT && isPurgeable(node.prefix) ? others : Infinity;
  };
  const own = (node: PrefixNode): Table => (node.url === undefined ? [0] : [Infinity, 0]);
  const isWhole = (node: PrefixNode) =>
    node.unnameable.length > 0 || (isClean(node) && wildcard(node) === 0);
  const tableOf = (node: PrefixNode): Table => tables.get(node) ?? [];

  for (const node of nodes) {
    const table: number[] = isWhole(node)
      ? [Infinity]
      : [...node.children.map(tableOf).reduce((a, b) => joined(a, b, itemsMax), own(node))];
    table[1] = Math.min(table[1] ?? Infinity, wildcard(node));
    tables.set(node, table);
  }

  const chosen = new Set<PrefixNode>();
  const harm = Math.min(...tableOf(root));
  if (harm === Infinity) return chosen.add(root); // too many begin differently
  const left = [{ node: root, items: tableOf(root).indexOf(harm) }];
  for (let next = left.pop(); next; next = left.pop()) {
    const { node, items } = next;
    if (items === 1 && tableOf(node)[1] === wildcard(node)) {
      chosen.add(node);
      continue;
    }
    const sums = [own(node)];
    for (const child of node.children)
      sums.push(joined(sums.at(-1) ?? [], tableOf(child), itemsMax));
    let rest = items;
    for (const [at, child] of [...node.children.entries()].reverse()) {
      const [before = [], table] = [sums[at], tableOf(child)];
      const share = table.findIndex(
        (cost, i) => cost + (before[rest - i] ?? Infinity) === sums[at + 1]?.[rest],
      );
      left.push({ node: child, items: share });
      rest -= share;
    }
  }
  return chosen;
}

/** The cheapest ways to share items between two. */
function joined(a: Table, b: Table, itemsMax: number): Table {
  const length = Math.min(a.length + b.length - 1, itemsMax + 1);
  const sums = new Array<number>(length).fill(Infinity);
  for (const [i, costA] of a.entries()) {
    if (costA === Infinity) continue;
    for (let j = 0; j < b.length && i + j < length; j += 1) {
      sums[i + j] = Math.min(sums[i + j] ?? Infinity, costA + (b[j] ?? Infinity));
    }
  }
  return sums;
}
