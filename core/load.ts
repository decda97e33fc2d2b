/**
 * What a site asks of each part in a month: how many copies are rendered, recorded, purged, warmed.
 *
 * Misses are derived. N copies end in a month, by lifetime or by purge, in each place that caches; a copy that has ended
 * is rendered when the next viewer comes. Viewers who come at random (Poisson) V times a month find it ended
 *
 *     misses(V, N) = V × N / (V + N)
 *
 * times: a copy that lives T and is asked for v times a second is rendered once in T + 1/v. It is exact for one copy
 * that only expires, and the most that there can be otherwise: the function is concave and homogeneous, so for any
 * popularity of pages the sum over them is at most that of the sums. Real sites, where few pages have most of the views,
 * miss less; `hitRatio` puts a measured share in its place. CloudFront may drop unpopular copies early (CFDG,
 * Expiration), which no formula knows.
 *
 * With Origin Shield what misses in a place asks the shield, and the origin renders once for all places. A page that is
 * warmed after a purge is rendered by the warm, in the shield and one place; elsewhere viewers fetch it.
 * @module
 */

export const HOURS_A_MONTH = 730;
const SECONDS_A_MONTH = HOURS_A_MONTH * 3_600;
/** Urls of a warm message: core/warm-parts.ts. */
const PART_URLS = 25;

/** Of a month. */
export interface Site {
  /** Pages that viewers ask for. */
  readonly pageviews: number;
  /** Revalidations. */
  readonly edits: number;
  /** Urls that are asked for at all. */
  readonly pages: number;
  /** Cached urls that depend on what an edit changes; never more than there are. */
  readonly pagesPerEdit: number;
  /** Purge items that an edit costs: one for a tag, whatever it covers; by paths one for each url; 0 when nothing cached depends on it. */
  readonly itemsPerEdit: number;
  /** So many edits of the same tags come within the batch window, and are one purge. At least 1. */
  readonly editsAtOnce: number;
  /** Cached copies of a url: encodings times values of keyHeaders. */
  readonly variants: number;
  /** Tags of a page. */
  readonly tags: number;
  /** s-maxage. */
  readonly lifetimeSeconds: number;
  /** Regional caches with viewers; each holds copies of its own. At least 1. */
  readonly places: number;
  /** Share of the views that CloudFront answers from a copy, measured; without it misses are derived. */
  readonly hitRatio?: number;
  /** What CloudFront sends for a view, compressed. */
  readonly pageKb: number;
  /** CloudFront Functions that run for a request: ours on viewer-request, unless nothing is dropped and there are no variants. */
  readonly functions: number;
  /** How long the origin renders: a warmer waits for it. */
  readonly renderMs: number;
  readonly shield: boolean;
  /** Of one purge so many urls are warmed; 0 warms none. */
  readonly warmMaxUrls: number;
}

export const SITE_DEFAULTS = {
  pages: 1_000,
  pagesPerEdit: 3, // the page, a list, the front page
  itemsPerEdit: 1,
  editsAtOnce: 1,
  variants: 2, // brotli for browsers, gzip or nothing for others
  tags: 5,
  lifetimeSeconds: 86_400,
  places: 3,
  pageKb: 30,
  functions: 1, // lib/private/viewer-function.ts
  renderMs: 300,
  shield: true,
  warmMaxUrls: 1_000,
} as const satisfies Partial<Site>;

export interface Load {
  readonly purges: number;
  /** Urls, in whatever variants. */
  readonly purgedUrls: number;
  readonly warmedUrls: number;
  readonly warmParts: number;
  /** Requests of the warmer: each url in each variant. */
  readonly warms: number;
  /** Requests, of viewers and warms, that leave the place where they came. */
  readonly misses: number;
  /** Of these those that the origin renders; each runs the recorder. */
  readonly renders: number;
  /** Of these those that are written down: a new page, new tags, or edges that are about to expire. */
  readonly recordings: number;
}

export function loadOf(site: Site): Load {
  const { pageviews, edits, pages, variants, shield, places } = site;
  const purges = edits / site.editsAtOnce;
  const urlsPerPurge = Math.min(site.pagesPerEdit, pages);
  const warmedPerPurge = Math.min(urlsPerPurge, site.warmMaxUrls);
  const warms = purges * warmedPerPurge * variants;
  const endsByLifetime = pages * (SECONDS_A_MONTH / site.lifetimeSeconds);
  const ends = (endsByLifetime + purges * urlsPerPurge) * variants;
  const missed = site.hitRatio === undefined ? undefined : pageviews * (1 - site.hitRatio);
  const misses = warms + (missed ?? missesOf(pageviews, ends * places - warms));
  const renders = shield ? warms + (missed ?? missesOf(pageviews, ends - warms)) : misses;
  return {
    purges,
    purgedUrls: purges * urlsPerPurge,
    warmedUrls: purges * warmedPerPurge,
    warmParts: purges * Math.ceil(warmedPerPurge / PART_URLS),
    warms,
    misses,
    renders,
    // edges outlive a lifetime twice, so a page is written once in one at most; an edit gives one page new tags
    recordings: Math.min(renders, missesOf(pageviews, endsByLifetime) + edits),
  };
}

/** Views that find a copy ended, of `views`, when copies end `ends` times. */
function missesOf(views: number, ends: number): number {
  return views > 0 && ends > 0 ? views * (ends / (views + ends)) : 0;
}
