/**
 * Urls by what they begin with, as wildcards can name it.
 *
 *     /blog/  ─ /blog/a           two urls asked for, and what they share; a third one that nobody asked for, /blog/c,
 *             └ /blog/b           is counted where it leaves the tree: /blog/* would hit it, /blog/a* would not
 *
 * A url that no path can name (`/blog/a~1`) stands at the longest beginning that a wildcard can name (`/blog/a`). Its size
 * follows from the urls asked for, whatever else is recorded.
 * @module
 */
import { isPurgeable, type Url, wildcardLength } from '../urls';
import { SAMPLE_URLS } from './contract';

export interface PrefixNode {
  readonly prefix: string;
  parent: PrefixNode | undefined;
  readonly children: PrefixNode[];
  /** The url asked for that is just this prefix. */
  url: Url | undefined;
  /** Urls asked for that no path can name: a wildcard from here, or from above, reaches them. */
  unnameable: Url[];
  /** Recorded urls that nobody asked for and that begin so, but with no child's prefix. */
  others: number;
  /** Some of these. */
  othersSample: readonly Url[];
}

export interface PrefixTree {
  readonly root: PrefixNode;
  /** All nodes, each after its children. */
  readonly nodes: readonly PrefixNode[];
  /** Counts urls that nobody asked for and that begin with this. */
  addOthers(beginning: string, others: { count: number; sample: readonly Url[] }): void;
}

/** @param urls at least one, none twice */
export function prefixTree(urls: Iterable<Url>): PrefixTree {
  const leaves = leavesOf(urls);
  const nodes: PrefixNode[] = [];
  const open: PrefixNode[] = []; // from the root to the last leaf
  for (const leaf of leaves) {
    const shared = sharedLength(open.at(-1)?.prefix ?? '', leaf.prefix);
    for (let last = open.at(-1); last && last.prefix.length > shared; last = open.at(-1)) {
      open.pop();
      nodes.push(last);
      if ((open.at(-1)?.prefix.length ?? -1) < shared)
        open.push(nodeOf(leaf.prefix.slice(0, shared)));
      adopt(open.at(-1), last);
    }
    open.push(leaf);
  }
  for (let last = open.pop(); last; last = open.pop()) {
    nodes.push(last);
    adopt(open.at(-1), last);
  }
  return {
    root: nodes.at(-1) as PrefixNode,
    nodes,
    addOthers(beginning, { count, sample }) {
      const node = deepest(leaves, beginning);
      if (!node) return;
      node.others += count;
      node.othersSample = [...node.othersSample, ...sample].slice(0, SAMPLE_URLS);
    },
  };
}

function leavesOf(urls: Iterable<Url>): PrefixNode[] {
  const leaves = new Map<string, PrefixNode>();
  for (const url of urls) {
    const isNameable = isPurgeable(url);
    const prefix = isNameable ? url : url.slice(0, wildcardLength(url));
    const leaf = leaves.get(prefix) ?? nodeOf(prefix);
    leaves.set(prefix, leaf);
    if (isNameable) leaf.url = url;
    else leaf.unnameable.push(url);
  }
  return [...leaves.values()].sort((a, b) => (a.prefix < b.prefix ? -1 : 1));
}

function nodeOf(prefix: string): PrefixNode {
  return {
    prefix,
    parent: undefined,
    children: [],
    url: undefined,
    unnameable: [],
    others: 0,
    othersSample: [],
  };
}

function adopt(parent: PrefixNode | undefined, child: PrefixNode): void {
  if (!parent) return;
  child.parent = parent;
  parent.children.push(child);
}

/** How much two urls have in common that a wildcard can name. */
function sharedLength(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length += 1;
  return wildcardLength(a, length);
}

/** The node farthest from the root with whose prefix this begins: above the nearest leaf on one of its sides. */
function deepest(leaves: readonly PrefixNode[], beginning: string): PrefixNode | undefined {
  let low = 0;
  for (let high = leaves.length; low < high; ) {
    const middle = (low + high) >> 1;
    if ((leaves[middle]?.prefix ?? '') <= beginning) low = middle + 1;
    else high = middle;
  }
  const [before, after] = [leaves[low - 1], leaves[low]].map((leaf) => ({
    leaf,
    shared: leaf ? sharedLength(leaf.prefix, beginning) : -1,
  })) as [Side, Side];
  const { leaf, shared } = before.shared >= after.shared ? before : after;
  let node = leaf;
  while (node && node.prefix.length > shared) node = node.parent;
  return node;
}

interface Side {
  readonly leaf: PrefixNode | undefined;
  readonly shared: number;
}
