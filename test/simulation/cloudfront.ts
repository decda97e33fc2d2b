/**
 * CloudFront in the simulated world: edge locations ─► regional cache ─► Origin Shield ─► origin and recorder.
 *
 * A layer keeps copies by key, serves a stale one within its window while one fetch runs behind it, collapses fetches of
 * a key, and may be handed a stale copy by the layer above and keep it. What is assumed is taken at its worst:
 *
 *     A1  a response enters a cache up to `insertMs` after it has passed, whatever was purged meanwhile
 *     A2  an invalidation reaches the shield first, the regional cache later, each edge location at a moment of its own,
 *         each layer late enough that nothing old is still on its way down to it
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
}

/** What the recorder made of it. */
export interface Answered extends Rendered {
  readonly headers: Readonly<Record<string, string>>;
  readonly ruling: string;
}

export interface Copy extends Answered {
  readonly nativeTags: ReadonlySet<string>;
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
  /** Answers a viewer at an edge location; undefined when the origin is down and nothing may stand in. */
  get(edge: number, key: string): Promise<Copy | undefined>;
  readonly edges: number;
  /** @throws an error named as CloudFront names it */
  createInvalidation(items: readonly string[], reference: string): Invalidation;
  readonly invalidations: readonly Invalidation[];
}

export interface CloudFrontTraits {
  readonly edges: number;
  readonly insertMs: number;
  /** Renders and records; rejects when the origin is down. */
  readonly origin: (key: string) => Promise<Answered>;
}

interface Layer {
  readonly name: string;
  readonly copies: Map<string, Copy>;
  readonly flights: Map<string, Promise<Copy>>;
  readonly above: Layer | undefined;
}

const TRANSIT_MS = { from: 1, to: 15 };
/** How long a layer's purge takes to reach the next one down, beyond what may still be on its way. */
const SPREAD_MS = 800;

export function simulateCloudFront(world: World, traits: CloudFrontTraits): SimulatedCloudFront {
  const { random } = world;
  const layer = (name: string, above?: Layer): Layer => ({
    name,
    above,
    copies: new Map(),
    flights: new Map(),
  });
  const shield = layer('shield');
  const regional = layer('regional', shield);
  const edges = Array.from({ length: traits.edges }, (_, i) => layer(`edge ${i}`, regional));
  const invalidations: Invalidation[] = [];
  const transit = () => world.sleep(random.between(TRANSIT_MS.from, TRANSIT_MS.to));

  async function serve(from: Layer, key: string): Promise<Copy> {
    const copy = from.copies.get(key);
    const nowMs = world.now();
    if (copy && nowMs < copy.freshUntilMs) return copy;
    if (copy && nowMs < copy.staleUntilMs) {
      if (!from.flights.has(key)) fetchThrough(from, key).catch(() => {}); // the stale copy has answered already
      return copy;
    }
    try {
      return await (from.flights.get(key) ?? fetchThrough(from, key));
    } catch (failed) {
      const last = from.copies.get(key);
      if (last && world.now() < last.errorUntilMs) return last;
      throw failed;
    }
  }

  function fetchThrough(into: Layer, key: string): Promise<Copy> {
    const flight = (async () => {
      await transit();
      const copy = into.above
        ? await serve(into.above, key)
        : copyOf(await traits.origin(key), world.now());
      await transit();
      const isKept = copy.freshUntilMs > copy.answeredAtMs;
      if (isKept)
        world.at(world.now() + random.below(traits.insertMs + 1), () => insert(into, copy));
      return copy;
    })();
    into.flights.set(key, flight);
    const land = () => into.flights.get(key) === flight && into.flights.delete(key);
    flight.then(land, land);
    return flight;
  }

  function insert(into: Layer, copy: Copy): void {
    into.copies.set(copy.key, copy);
    world.say(
      () => `${into.name} keeps ${copy.key} ${JSON.stringify(copy.versions)} (${copy.ruling})`,
    );
  }

  function purge(from: Layer, items: readonly string[]): void {
    for (const [key, copy] of from.copies) {
      if (items.some((item) => covers(item, copy))) from.copies.delete(key);
    }
    world.say(() => `${from.name} has purged ${items.join(' ')}`);
  }

  return {
    edges: edges.length,
    invalidations,
    async get(edge, key) {
      try {
        return await serve(edges[edge] as Layer, key);
      } catch {
        return undefined; // the viewer gets CloudFront's 502: nothing of ours, nothing stale
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
      const shieldAtMs = world.now() + random.below(SPREAD_MS);
      const regionalAtMs = shieldAtMs + downMs + random.below(SPREAD_MS);
      const edgesAtMs = edges.map(() => regionalAtMs + downMs + random.below(SPREAD_MS));
      world.at(shieldAtMs, () => purge(shield, items));
      world.at(regionalAtMs, () => purge(regional, items));
      for (const [i, atMs] of edgesAtMs.entries())
        world.at(atMs, () => purge(edges[i] as Layer, items));
      const effectiveAtMs = Math.max(...edgesAtMs);
      const id = `I${invalidations.length + 1}`;
      const made = { id, reference, items: [...items], atMs: world.now(), effectiveAtMs };
      invalidations.push(made);
      world.say(() => `CloudFront takes ${id}: ${items.join(' ')}`);
      return made;
    },
  };
}

function covers(item: string, { url, nativeTags }: Copy): boolean {
  if (item.startsWith('#')) return nativeTags.has(item.slice(1));
  return item.endsWith('*') ? url.startsWith(item.slice(0, -1)) : url === item;
}

function copyOf(answered: Answered, nowMs: number): Copy {
  const cc = parseCacheControl(answered.headers['cache-control'] ?? '');
  const isForbidden = cc['no-store'] !== undefined || cc.private !== undefined;
  const freshUntilMs = nowMs + (isForbidden ? 0 : (secondsOf(cc, 'max-age') ?? 0)) * 1_000;
  return {
    ...answered,
    nativeTags: new Set((answered.headers['x-isr-tags'] ?? '').split(',').filter(Boolean)),
    answeredAtMs: nowMs,
    freshUntilMs,
    staleUntilMs: freshUntilMs + (secondsOf(cc, 'stale-while-revalidate') ?? 0) * 1_000,
    errorUntilMs: freshUntilMs + (secondsOf(cc, 'stale-if-error') ?? 0) * 1_000,
  };
}
