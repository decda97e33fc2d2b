/**
 * The origin of the simulated site: the data behind its pages, and what it renders of them.
 *
 * It may read a replica that lags, and a render shows the data as it was read, however long it takes afterwards. A page's
 * body shows the versions of its data but not its tags, so that tags can change under a body that stays.
 *
 *     sdk       its ETags name body and tags, and it says how long the render took
 *     exact     a server of somebody else: its ETags name the body, and it knows no other
 *     prefix    it cuts off what it does not know of an ETag (as servers do with `-gzip`): a 304 for the body alone
 *     echo      the same, and its 304 repeats the ETag that it was asked about
 *
 * @module
 */
import { etagWithTags } from '../../core/etag';
import type { Fields } from '../../core/headers';
import type { Tag } from '../../core/tags';
import { isNoneMatched } from '../../origin/etag';
import { type Asked, OriginDown, type Rendered } from './cloudfront';
import type { World } from './world';

/** Version of each tag's data. */
export type Data = Record<string, number>;

interface SitePage {
  /** The tags whose data it shows. */
  readonly tags: (data: Data, variant: string) => string[];
  readonly status: (data: Data) => number;
}

const ok = () => 200;
const PAGES: Readonly<Record<string, SitePage>> = {
  // its third variant, rarely asked for, has a tag more
  '/a': { tags: (_, variant) => (variant === 'z' ? ['a', 'list'] : ['a']), status: ok },
  '/b': { tags: (_, variant) => (variant === 'x' ? ['b'] : ['a', 'b']), status: ok },
  // shows another post when its own data changes
  '/list': { tags: ({ list = 0 }) => ['list', list % 2 === 0 ? 'a' : 'b'], status: ok },
  // comes into being when its data changes, and goes when it changes again
  '/new': {
    tags: () => ['new'],
    status: ({ new: version = 0 }) => (version % 2 === 0 ? 404 : 200),
  },
  '/moved': { tags: () => ['b'], status: () => 301 },
};

/** More tags than CloudFront keeps of a page. */
const FILLERS = Array.from({ length: 52 }, (_, i) => `c${10 + i}`);
const WIDE: Readonly<Record<string, SitePage>> = {
  '/wide': { tags: () => ['b', ...FILLERS, 'list'], status: ok },
};
/** More pages than there are paths in a purge, and one beside them that another tag is on. */
const MANY: Readonly<Record<string, SitePage>> = {
  ...Object.fromEntries(
    Array.from({ length: 60 }, (_, i) => [`/many/${i}`, { tags: () => ['many'], status: ok }]),
  ),
  '/many/odd': { tags: () => ['b'], status: ok },
};
const ALL_PAGES = { ...PAGES, ...WIDE, ...MANY };
export const ALL_URLS = Object.keys(ALL_PAGES);
const URLS = Object.keys(PAGES);

/** Does some variant of the page show this data at some time? */
export function mayShow(url: string, tag: string): boolean {
  const tagsOf = ALL_PAGES[url]?.tags ?? (() => []);
  return ['x', 'y', 'z'].some((variant) =>
    [0, 1].some((list) => tagsOf({ list }, variant).includes(tag)),
  );
}
/** The request's header that tells variants apart. */
export const VARIANT_HEADER = 'x-variant';
/** Every url has it; the warmer asks for it. */
export const FIRST_VARIANT = 'x';
/** The tags whose data is edited, the busy ones more often. */
const EDITED = ['a', 'a', 'b', 'b', 'list', 'list', 'new'];
const BUSY = ['/a x', '/a y', '/b x', '/b y', '/list x', '/list y'];
const QUIET = ['/new x', '/moved x'];
export const RARE = '/a z';
const KEYS = [...BUSY, ...QUIET, RARE];
/** What viewers ask for, as often as they do. */
const ASKED = [...BUSY, ...BUSY, ...BUSY, ...QUIET, ...QUIET, RARE];

/** What a site has, what viewers ask for and editors change, as often as they do. */
export interface Sitemap {
  readonly urls: readonly string[];
  readonly keys: readonly string[];
  readonly asked: readonly string[];
  readonly edited: readonly string[];
}

const keysOf = (pages: Readonly<Record<string, SitePage>>) =>
  Object.keys(pages).map((url) => `${url} ${FIRST_VARIANT}`);

export const SITEMAPS: Readonly<Record<'plain' | 'wide' | 'many', Sitemap>> = {
  plain: { urls: URLS, keys: KEYS, asked: ASKED, edited: EDITED },
  wide: {
    urls: [...URLS, ...Object.keys(WIDE)],
    keys: [...KEYS, ...keysOf(WIDE)],
    asked: [...ASKED, ...keysOf(WIDE), ...keysOf(WIDE), ...keysOf(WIDE)],
    edited: EDITED,
  },
  many: {
    urls: [...URLS, ...Object.keys(MANY)],
    keys: [...KEYS, ...keysOf(MANY)],
    asked: ASKED,
    edited: [...EDITED, ...Array.from({ length: 7 }, () => 'many')],
  },
};
export const ALL_EDITED: ReadonlySet<string> = new Set([...EDITED, 'many']);

export const LIFETIMES = [
  's-maxage=2',
  's-maxage=20',
  's-maxage=30, stale-while-revalidate=60',
  's-maxage=5, stale-while-revalidate=60, stale-if-error=30',
  's-maxage=20, stale-if-error=60',
  's-maxage=900',
];

/** Answers that nobody may keep, whatever their Cache-Control says. */
const ODDITIES: readonly { readonly status?: number; readonly fields?: Fields }[] = [
  { status: 200, fields: { 'content-length': ['0'] } },
  { status: 204 },
  { status: 500 },
  { status: 503 },
  { fields: { 'set-cookie': ['session=1'] } },
  { fields: { 'cache-control': ['private, max-age=60'] } },
];

export interface OriginTraits {
  readonly lifetimes: Readonly<Record<string, string>>;
  /** Each render names another lifetime. */
  readonly isFickle: boolean;
  readonly sitemap: Sitemap;
  /** From the origin to the recorder: A6, less what clocks may differ. */
  readonly travelMsMax: number;
  readonly server: 'sdk' | 'exact' | 'prefix' | 'echo';
  /** How far the replica that it reads may be behind. */
  readonly lagMs: number;
  /** What the longest renders may take. */
  readonly renderMsMax: number;
  /** Of a render, that its answer is one that nobody may keep. */
  readonly odd: number;
  readonly isCalm: boolean;
}

/** A response on its way to the recorder. */
export interface OriginAnswer extends Rendered {
  readonly method: Asked['method'];
  readonly fields: Fields;
  /** CloudFront waits so long for an answer. */
  readonly timeoutMs: number;
}

export interface Origin {
  readonly data: Readonly<Data>;
  /** The keys whose pages show a tag's data now. */
  showing(tag: string): readonly string[];
  change(tag: string): void;
  /** @throws OriginDown */
  render(asked: Asked): Promise<OriginAnswer>;
}

export function createOrigin(world: World, traits: OriginTraits): Origin {
  const { random } = world;
  const data: Data = Object.fromEntries([...ALL_EDITED].map((tag) => [tag, 0]));
  /** The data as it was from a moment on, oldest first. */
  const past: { atMs: number; data: Data }[] = [{ atMs: 0, data: { ...data } }];
  const dataAsOf = (atMs: number) => past.findLast((it) => it.atMs <= atMs)?.data ?? data;

  function renderMs(): number {
    if (traits.renderMsMax > LONG_MS && random.chance(0.1)) return random.below(traits.renderMsMax);
    return random.chance(0.5) ? random.below(random.below(LONG_MS) + 1) : random.below(200);
  }

  /** @returns the ETag of the 304 to send; undefined when the answer has to be full */
  function matched(own: string, ifNoneMatch: string | undefined): string | undefined {
    if (ifNoneMatch === undefined) return undefined;
    if (traits.server === 'sdk' || traits.server === 'exact') {
      return isNoneMatched(ifNoneMatch, own) ? own : undefined;
    }
    if (ifNoneMatch.split('~')[0] !== own.slice(0, -1)) return undefined;
    return traits.server === 'echo' ? ifNoneMatch : own;
  }

  return {
    data,
    showing(tag) {
      return traits.sitemap.keys.filter((key) => {
        const [url = '', variant = ''] = key.split(' ');
        return ALL_PAGES[url]?.tags(data, variant).includes(tag);
      });
    },
    change(tag) {
      data[tag] = (data[tag] ?? 0) + 1;
      past.push({ atMs: world.now(), data: { ...data } });
    },
    async render({ key, method, ifNoneMatch }) {
      const [url = '', variant = ''] = key.split(' ');
      if (!traits.isCalm && random.chance(0.03)) throw new OriginDown('the origin is down');
      const beganMs = world.now();
      await world.sleep(random.below(50)); // the request, and what comes before the data is read
      const seen = dataAsOf(world.now() - random.below(traits.lagMs + 1));
      const page = ALL_PAGES[url] as SitePage;
      const tags = page.tags(seen, variant).sort();
      const edited = tags.filter((tag) => ALL_EDITED.has(tag));
      const versions = Object.fromEntries(edited.map((tag) => [tag, seen[tag] ?? 0]));
      await world.sleep(renderMs());
      const elapsedMs = world.now() - beganMs;
      await world.sleep(random.below(traits.travelMsMax));

      const odd = !traits.isCalm && random.chance(traits.odd) ? random.pick(ODDITIES) : undefined;
      const full = odd?.status ?? page.status(seen);
      const body = edited.filter((tag) => tag !== 'list').map((tag) => versions[tag]);
      const ofBody = `"${body.join('.')}"`;
      const own = traits.server === 'sdk' ? etagWithTags(ofBody, tags as Tag[]) : ofBody;
      const known = full === 200 && !odd ? matched(own as string, ifNoneMatch) : undefined;
      const status = known === undefined ? full : 304;
      const isBare = status === 304 && traits.server !== 'sdk' && random.chance(0.3);
      const fields = {
        'cache-control': [(traits.isFickle ? random.pick(LIFETIMES) : traits.lifetimes[url]) ?? ''],
        etag: [known ?? (own as string)],
        ...(isBare ? {} : { 'cache-tag': [tags.join(',')] }), // others may leave it out of a 304
        ...(traits.server === 'sdk' ? { 'x-isr-elapsed': [String(elapsedMs)] } : {}),
        ...odd?.fields,
      };
      world.say(() => `rendered ${key} ${JSON.stringify(versions)}: ${status} ${fields.etag}`);
      const timeoutMs = traits.renderMsMax + 300;
      const isForbidden = odd !== undefined;
      return { key, url, method, versions, status, beganMs, isForbidden, fields, timeoutMs };
    },
  };
}

/** Every other render takes up to so long, mostly much less: about as long as a change takes to become an epoch. */
const LONG_MS = 4_000;
