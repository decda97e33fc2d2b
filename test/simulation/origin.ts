/**
 * The origin of the simulated site: the data behind its pages, and what it renders of them.
 *
 * It may read a replica that lags, and a render shows the data as it was read, however long it takes afterwards.
 * @module
 */
import type { Fields } from '../../core/headers';
import type { World } from './world';

/** Version of each tag's data. */
export type Data = Record<string, number>;

/** The tags whose data each page shows: variants differ, and `list` shows another post when its own data changes. */
const PAGES: Readonly<Record<string, (data: Data, variant: string) => string[]>> = {
  '/a': () => ['a'],
  '/b': (_, variant) => (variant === 'x' ? ['b'] : ['a', 'b']),
  '/list': ({ list = 0 }) => ['list', list % 2 === 0 ? 'a' : 'b'],
};
export const TAGS = ['a', 'b', 'list'];
export const URLS = Object.keys(PAGES);
export const VARIANTS = ['x', 'y'];
export const KEYS = URLS.flatMap((url) => VARIANTS.map((variant) => `${url} ${variant}`));
export const LIFETIMES = [
  's-maxage=2',
  's-maxage=20',
  's-maxage=30, stale-while-revalidate=60',
  's-maxage=5, stale-while-revalidate=60, stale-if-error=30',
  's-maxage=20, stale-if-error=60',
];
/** CloudFront waits so long for an answer; no render takes longer. */
export const ORIGIN_TIMEOUT_MS = 4_300;

export interface OriginTraits {
  readonly lifetimes: Readonly<Record<string, string>>;
  readonly hasSdk: boolean;
  /** How far the replica that it reads may be behind. */
  readonly lagMs: number;
  readonly isCalm: boolean;
}

/** A response on its way to the recorder. */
export interface OriginAnswer {
  readonly key: string;
  readonly url: string;
  readonly versions: Data;
  readonly status: number;
  readonly fields: Fields;
}

export interface Origin {
  readonly data: Readonly<Data>;
  change(tag: string): void;
  /** Rejects when the origin is down. */
  render(key: string): Promise<OriginAnswer>;
}

export function createOrigin(world: World, traits: OriginTraits): Origin {
  const { random } = world;
  const data: Data = Object.fromEntries(TAGS.map((tag) => [tag, 0]));
  /** The data as it was from a moment on, oldest first. */
  const past: { atMs: number; data: Data }[] = [{ atMs: 0, data: { ...data } }];
  const dataAsOf = (atMs: number) => past.findLast((it) => it.atMs <= atMs)?.data ?? data;

  return {
    data,
    change(tag) {
      data[tag] = (data[tag] ?? 0) + 1;
      past.push({ atMs: world.now(), data: { ...data } });
    },
    async render(key) {
      const [url = '', variant = ''] = key.split(' ');
      if (!traits.isCalm && random.chance(0.03)) throw new Error('the origin is down');
      const began = world.now();
      await world.sleep(random.below(50)); // the request, and what comes before the data is read
      const seen = dataAsOf(world.now() - random.below(traits.lagMs + 1));
      const tags = (PAGES[url] ?? (() => []))(seen, variant);
      const versions = Object.fromEntries(tags.map((tag) => [tag, seen[tag] ?? 0]));
      await world.sleep(random.chance(0.2) ? random.below(4_000) : random.below(200));
      const elapsedMs = world.now() - began;
      await world.sleep(random.below(100)); // from the origin to the recorder
      world.say(() => `rendered ${key} ${JSON.stringify(versions)}`);
      const fields = {
        'cache-control': [traits.lifetimes[url] ?? ''],
        'cache-tag': [tags.join(',')],
        etag: [`"${JSON.stringify(versions)}"`],
        ...(traits.hasSdk ? { 'x-isr-elapsed': [String(elapsedMs)] } : {}),
      };
      return { key, url, versions, status: 200, fields };
    },
  };
}
