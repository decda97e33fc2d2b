/**
 * CloudFront in the simulated world: edge locations ─► regional cache ─► Origin Shield ─► origin and recorder. Either of
 * the two in the middle may be missing.
 *
 * A layer keeps copies by key, serves a stale one within its window while one fetch runs behind it, collapses fetches of
 * a key, and may be handed a stale copy by the layer above and keep it. It asks about an expired copy with its ETag; when
 * the answer has the same page it keeps its own body and, at worst, its own tags, and takes over headers and lifetime.
 * GET and HEAD share a copy. What is assumed is taken at its worst:
 *
 *     A1  a response enters the caches on its way up to `insertMs` after the recorder's answer, whatever was purged
 *         meanwhile; one that a cache hands down enters those below it as long after it has passed
 *     A2  an invalidation reaches the layers from the top down, each edge location at a moment of its own, each layer
 *         late enough that nothing old is still on its way down to it
 *     A3  the recorder also rules on a 304
 *     A5  a lower layer counts the age from the origin's answer
 *
 * @module
 */
import { parseCacheControl, secondsOf } from '../../core/headers';
import type { World } from './world';

/** A page as it was rendered: what its data was is known to nobody but the checker. */
export interface Rendered {
  readonly key: string;
  readonly url: string;
  /** Version of each tag's data that the render has read. */
  readonly versions: Readonly<Record<string, number>>;
  readonly status: number;
  /** When the render, or that of the 304 which has renewed it, began. */
  readonly beganMs: number;
  /** It is somebody's page, or none at all: no cache may ever have it. */
  readonly isForbidden: boolean;
}

export interface Asked {
  readonly key: string;
  readonly method: 'GET' | 'HEAD';
  /** The ETag of the copy that has expired. */
  readonly ifNoneMatch?: string | undefined;
}

/** The origin, and nobody else, may fail a viewer. */
export class OriginDown extends Error {
  override name = 'OriginDown';
}

/** What the recorder made of it. */
export interface Answered extends Rendered {
  readonly headers: Readonly<Record<string, string>>;
  readonly ruling: string;
}

export interface Copy extends Answered {
  readonly nativeTags: ReadonlySet<string>;
  readonly etag: string | undefined;
  readonly answeredAtMs: number;
  readonly freshUntilMs: number;
  readonly staleUntilMs: number;
  readonly errorUntilMs: number;
}

export interface Invalidation {
  readonly id: string;
  readonly reference: string;
  readonly items: readonly string[];
  readonly atMs: number;
  /** When the last layer had it. */
  readonly effectiveAtMs: number;
}

export interface SimulatedCloudFront {
  /**
   * Answers a viewer at an edge location; undefined when the origin is down and nothing may stand in.
   * @throws whatever else kept the answer from the viewer
   */
  get(edge: number, asked: Asked): Promise<Copy | undefined>;
  readonly edges: number;
  /** @throws an error named as CloudFront names it */
  createInvalidation(items: readonly string[], reference: string): Invalidation;
  readonly invalidations: readonly Invalidation[];
  /** Refreshes behind a stale copy; those that ended after an invalidation that had come meanwhile; copies renewed. */
  readonly counts: { refreshes: number; lateRefreshes: number; renewed: number };
}

export interface CloudFrontTraits {
  readonly edges: number;
  readonly hasRegional: boolean;
  readonly hasShield: boolean;
  readonly insertMs: number;
  /** How long a layer's purge may take to reach the next one down, beyond what may still be on its way. */
  readonly spreadMs: number;
  /** Renders and records. @throws OriginDown */
  readonly origin: (asked: Asked) => Promise<Answered>;
  /** A layer keeps a copy from now on. */
  readonly onKept: (copy: Copy, layer: string) => void;
  /** A layer has no copy of it any more. */
  readonly onPurged: (key: string, layer: string) => void;
}

interface Layer {
  readonly name: string;
  readonly copies: Map<string, Copy>;
  readonly flights: Map<string, Promise<Copy>>;
  readonly above: Layer | undefined;
}

const TRANSIT_MS = { from: 1, to: 15 };
/** From the origin to the lowest layer. */
const WAYS_MAX = 3;

export function simulateCloudFront(world: World, traits: CloudFrontTraits): SimulatedCloudFront {
  const { random } = world;
  const layer = (name: string, above?: Layer): Layer => ({
    name,
    above,
    copies: new Map(),
    flights: new Map(),
  });
  const shield = traits.hasShield ? layer('shield') : undefined;
  const regional = traits.hasRegional ? layer('regional', shield) : undefined;
  const above = regional ?? shield;
  const upper = [shield, regional].filter((it) => it !== undefined);
  const edges = Array.from({ length: traits.edges }, (_, i) => layer(`edge ${i}`, above));
  const invalidations: Invalidation[] = [];
  const counts = { refreshes: 0, lateRefreshes: 0, renewed: 0 };
  const transit = () => world.sleep(random.between(TRANSIT_MS.from, TRANSIT_MS.to));

  async function serve(from: Layer, { key, method }: Asked): Promise<Copy> {
    const copy = from.copies.get(key);
    const nowMs = world.now();
    if (copy && nowMs < copy.freshUntilMs) return copy;
    if (copy && nowMs < copy.staleUntilMs) {
      if (!from.flights.has(`GET ${key}`)) void refresh(from, key);
      return copy;
    }
    const standIn = () => {
      const last = from.copies.get(key);
      return last && world.now() < last.errorUntilMs ? last : undefined;
    };
    try {
      const answer = await (from.flights.get(`${method} ${key}`) ??
        fetchThrough(from, key, method));
      return answer.status >= 500 ? (standIn() ?? answer) : answer;
    } catch (failed) {
      const last = standIn();
      if (last) return last;
      throw failed;
    }
  }

  /** Behind a stale copy, which has answered already. */
  async function refresh(into: Layer, key: string): Promise<void> {
    const before = invalidations.length;
    counts.refreshes += 1;
    await fetchThrough(into, key, 'GET').catch(() => {});
    if (invalidations.length > before) counts.lateRefreshes += 1;
  }

  function fetchThrough(into: Layer, key: string, method: Asked['method']): Promise<Copy> {
    const own = method === 'GET' ? into.copies.get(key) : undefined;
    const flight = (async () => {
      await transit();
      const answer = into.above
        ? await serve(into.above, { key, method })
        : copyOf(await traits.origin({ key, method, ifNoneMatch: own?.etag }), world.now());
      await transit();
      const isSame = answer.status === 304 || (answer.etag && answer.etag === own?.etag);
      const copy = own && isSame ? renew(own, answer) : answer;
      const isKept = method === 'GET' && copy.freshUntilMs > copy.answeredAtMs;
      if (isKept) world.at(insertAtMs(copy), () => insert(into, copy));
      return copy;
    })();
    const name = `${method} ${key}`;
    into.flights.set(name, flight);
    const land = () => into.flights.get(name) === flight && into.flights.delete(name);
    flight.then(land, land);
    return flight;
  }

  function insertAtMs({ answeredAtMs }: Copy): number {
    const nowMs = world.now();
    const isNew = nowMs - answeredAtMs <= TRANSIT_MS.to * WAYS_MAX;
    const lastMs = isNew ? answeredAtMs + traits.insertMs : nowMs + traits.insertMs;
    return random.between(nowMs, lastMs);
  }

  function renew(own: Copy, answer: Copy): Copy {
    counts.renewed += 1;
    return {
      ...answer, // what it shows is what the render that has the same body would show
      status: own.status,
      headers: { ...own.headers, ...answer.headers },
      nativeTags: own.nativeTags,
      etag: answer.etag ?? own.etag,
      isForbidden: own.isForbidden || answer.isForbidden,
    };
  }

  function insert(into: Layer, copy: Copy): void {
    into.copies.set(copy.key, copy);
    traits.onKept(copy, into.name);
    world.say(
      () => `${into.name} keeps ${copy.key} ${JSON.stringify(copy.versions)} (${copy.ruling})`,
    );
  }

  function purge(from: Layer, items: readonly string[]): void {
    for (const [key, copy] of from.copies) {
      if (!items.some((item) => covers(item, copy))) continue;
      from.copies.delete(key);
      traits.onPurged(key, from.name);
    }
    world.say(() => `${from.name} has purged ${items.join(' ')}`);
  }

  return {
    edges: edges.length,
    invalidations,
    counts,
    async get(edge, asked) {
      try {
        return await serve(edges[edge] as Layer, asked);
      } catch (thrown) {
        if (thrown instanceof OriginDown) return undefined; // CloudFront's own 502: nothing of ours, nothing stale
        throw thrown;
      }
    },
    createInvalidation(items, reference) {
      const earlier = invalidations.find((it) => it.reference === reference);
      if (earlier) {
        const isSame = JSON.stringify(earlier.items) === JSON.stringify(items);
        if (isSame) return earlier;
        throw Object.assign(new Error(reference), { name: 'InvalidationBatchAlreadyExists' });
      }
      const downMs = traits.insertMs + TRANSIT_MS.to * 2;
      let aboveAtMs = world.now() - downMs;
      const purgeBelow = (below: Layer) => {
        const atMs = aboveAtMs + downMs + random.below(traits.spreadMs);
        world.at(atMs, () => purge(below, items));
        return atMs;
      };
      for (const each of upper) aboveAtMs = purgeBelow(each);
      const effectiveAtMs = Math.max(...edges.map(purgeBelow));
      const id = `I${invalidations.length + 1}`;
      const made = { id, reference, items: [...items], atMs: world.now(), effectiveAtMs };
      invalidations.push(made);
      world.say(() => `CloudFront takes ${id}: ${items.join(' ')}`);
      return made;
    },
  };
}

/** Whether a purge item takes a copy away. */
export function covers(item: string, { url, nativeTags }: Copy): boolean {
  if (item.startsWith('#')) return nativeTags.has(item.slice(1));
  return item.endsWith('*') ? url.startsWith(item.slice(0, -1)) : url === item;
}

function copyOf(answered: Answered, nowMs: number): Copy {
  const { fresh, stale, error } = lifetimeIn(answered.headers);
  const freshUntilMs = nowMs + fresh * 1_000;
  return {
    ...answered,
    nativeTags: new Set((answered.headers['x-isr-tags'] ?? '').split(',').filter(Boolean)),
    etag: answered.headers.etag,
    answeredAtMs: nowMs,
    freshUntilMs,
    staleUntilMs: freshUntilMs + stale * 1_000,
    errorUntilMs: freshUntilMs + error * 1_000,
  };
}

/** Seconds for which CloudFront may serve it: fresh, then while it is renewed, or while the origin fails. */
export function lifetimeIn(headers: Answered['headers']) {
  const cc = parseCacheControl(headers['cache-control'] ?? '');
  const isForbidden = cc['no-store'] !== undefined || cc.private !== undefined;
  return {
    fresh: isForbidden ? 0 : (secondsOf(cc, 'max-age') ?? 0),
    stale: secondsOf(cc, 'stale-while-revalidate') ?? 0,
    error: secondsOf(cc, 'stale-if-error') ?? 0,
  };
}
