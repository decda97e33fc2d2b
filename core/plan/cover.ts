/**
 * The fewest tags and urls that touch every edge between them: a minimum vertex cover of a bipartite graph.
 *
 *     a ─ /1        {a, b} or {/1, b} are smallest; {a, b} is chosen
 *     b ─ /2
 *     b ─ /3
 *
 * It has as many members as a maximum matching (Kőnig), which Hopcroft and Karp find in O(edges · √tags). Of all smallest
 * covers there is one that has every tag that any of them has, and that is the one chosen: a tag costs no more than a
 * path, and covers what is recorded meanwhile as well. So the answer does not depend on the order of the edges.
 * @see J. Hopcroft, R. Karp, SIAM J. Comput. 2 (1973) 225–231; D. Kőnig, Mat. Fiz. Lapok 38 (1931) 116–119
 * @module
 */
import type { Tag } from '../tags';
import type { Url } from '../urls';

export interface Cover {
  readonly tags: ReadonlySet<Tag>;
  readonly urls: ReadonlySet<Url>;
}

/** @param urlsOf each tag's urls, none twice; a tag without urls is in no cover */
export function minimumCover(urlsOf: ReadonlyMap<Tag, Iterable<Url>>): Cover {
  const tags = [...urlsOf.keys()];
  const indexOf = new Map<Url, number>();
  const right = tags.map((tag) =>
    Array.from(urlsOf.get(tag) ?? [], (url) => {
      const known = indexOf.get(url);
      if (known !== undefined) return known;
      indexOf.set(url, indexOf.size);
      return indexOf.size - 1;
    }),
  );
  const urls = [...indexOf.keys()];
  const { isLeft, isRight } = smallestCover(right, maximumMatching(right, urls.length));
  return {
    tags: new Set(tags.filter((_, at) => isLeft[at])),
    urls: new Set(urls.filter((_, at) => isRight[at])),
  };
}

/** Right neighbours of each left vertex. */
type Neighbours = readonly (readonly number[])[];

const NOBODY = -1;

interface Matching {
  /** The partner of each left and each right vertex, or NOBODY. */
  readonly ofLeft: Int32Array;
  readonly ofRight: Int32Array;
}

/** Hopcroft and Karp: in each round as many shortest augmenting paths as do not meet, until there is none. */
function maximumMatching(neighbours: Neighbours, rightCount: number): Matching {
  const matching = {
    ofLeft: new Int32Array(neighbours.length).fill(NOBODY),
    ofRight: new Int32Array(rightCount).fill(NOBODY),
  };
  for (;;) {
    const layers = layersOf(neighbours, matching);
    if (!layers) return matching;
    const tried = new Int32Array(neighbours.length);
    for (let left = 0; left < neighbours.length; left += 1) {
      if (matching.ofLeft[left] === NOBODY) augment(left, { neighbours, matching, layers, tried });
    }
  }
}

/** How many alternating steps each left vertex is away from a free one; undefined when no free right vertex is reached. */
function layersOf(neighbours: Neighbours, { ofLeft, ofRight }: Matching): Int32Array | undefined {
  const layers = new Int32Array(neighbours.length).fill(NOBODY);
  let isReached = false;
  const queue: number[] = [];
  ofLeft.forEach((partner, left) => {
    if (partner !== NOBODY) return;
    layers[left] = 0;
    queue.push(left);
  });
  for (const left of queue) {
    for (const right of neighbours[left] ?? []) {
      const next = ofRight[right] as number;
      if (next === NOBODY) isReached = true;
      else if (layers[next] === NOBODY) {
        layers[next] = (layers[left] as number) + 1;
        queue.push(next);
      }
    }
  }
  return isReached ? layers : undefined;
}

interface Round {
  readonly neighbours: Neighbours;
  readonly matching: Matching;
  readonly layers: Int32Array;
  /** How many neighbours of each left vertex were tried in this round. */
  readonly tried: Int32Array;
}

/** Depth first from a free left vertex; without recursion, for a path may be as long as there are tags. */
function augment(from: number, { neighbours, matching, layers, tried }: Round): void {
  const path = [from];
  for (let left = path.at(-1); left !== undefined; left = path.at(-1)) {
    const right = neighbours[left]?.[tried[left] as number];
    if (right === undefined) {
      path.pop();
      continue;
    }
    tried[left] = (tried[left] as number) + 1;
    const next = matching.ofRight[right] as number;
    if (next === NOBODY) {
      for (const member of path) {
        const partner = neighbours[member]?.[(tried[member] as number) - 1] as number;
        matching.ofLeft[member] = partner;
        matching.ofRight[partner] = member;
      }
      return;
    }
    if (layers[next] === (layers[left] as number) + 1) path.push(next);
  }
}

/** Kőnig: what alternating paths from the free left vertices reach is in on the right, and out on the left. */
function smallestCover(neighbours: Neighbours, { ofLeft, ofRight }: Matching) {
  const isLeft: boolean[] = Array.from(ofLeft, (partner) => partner !== NOBODY);
  const isRight: boolean[] = new Array(ofRight.length).fill(false);
  const queue = Array.from(ofLeft.keys()).filter((left) => !isLeft[left]);
  for (const left of queue) {
    for (const right of neighbours[left] ?? []) {
      if (isRight[right]) continue;
      isRight[right] = true;
      const partner = ofRight[right] as number; // there is one, or the matching was not the largest
      if (!isLeft[partner]) continue;
      isLeft[partner] = false;
      queue.push(partner);
    }
  }
  return { isLeft, isRight };
}
