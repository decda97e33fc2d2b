/**
 * The only doors to the outside: what the rules need of a clock, a graph, a queue, CloudFront and the site.
 *
 * aws/ opens them on AWS; test/contract/ holds every implementation to what is promised here.
 * Times are ms since 1970 unless a name ends in Seconds.
 * @module
 */
import type { JobFacts, JobPlan, WarmResult } from './jobs';
import type { PaceState } from './pace';
import type { Purge } from './plan/contract';
import type { QueuedRevalidation } from './revalidation';
import type { Tag } from './tags';
import type { Url } from './urls';
import type { Variant, Variants } from './variants';

export interface Clock {
  now(): number;
  /** Resolves after `ms`, or as soon as the signal is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** "All edges of this set of tags were there at `atMs`, and live until `untilSeconds`." */
export interface Mark {
  readonly untilSeconds: number;
  readonly atMs: number;
  /** The tags that CloudFront was given, when it could not be given all: the edges of the others say `byPath`. */
  readonly native?: readonly Tag[];
}

/** What the graph knows of a tag, besides its epoch. */
export interface TagFacts {
  /** Its edges are spread over so many shards; the number only grows, and is never forgotten. */
  readonly shards: number;
  /** How often it was revalidated, until it was not for a day. */
  readonly revalidations: number;
}

/** What the graph knows of a url. */
export interface UrlRecord {
  /** By tagSetId. Losing a mark costs writes, never a page. */
  readonly marks: Readonly<Record<string, Mark>>;
  /** Until then a copy may be in some cache. */
  readonly untilSeconds: number;
  /** Which of its variants were seen. Losing one costs a warm, never a page. */
  readonly variants: Variants;
  /** How often the record was written, lately counting more (core/heat.ts); as of `recordedAtMs`. */
  readonly heat: number;
  readonly recordedAtMs: number;
}

/** What the recorder writes of a url. */
export interface UrlWrite extends UrlRecord {
  readonly tags: readonly Tag[];
  readonly status: number;
  readonly etag?: string;
}

export interface Look {
  readonly record: UrlRecord | undefined;
  /** Newest epoch of the url and of all its tags; 0 when none was revalidated; undefined when one could not be read. */
  readonly epochMs: number | undefined;
  /** Of the tags that were ever revalidated or spread. */
  readonly tags: ReadonlyMap<Tag, TagFacts>;
}

export interface EdgeWrite {
  readonly tag: Tag;
  /** As the look said, which came before; 1 is always right too, only hotter. */
  readonly shards: number;
  /** CloudFront does not know this tag on this url (it keeps 50): the purge has to name the path. */
  readonly byPath: boolean;
}

export interface Edge {
  readonly url: Url;
  readonly byPath: boolean;
  /** It expires then: no copy that it stands for is served so late. */
  readonly untilSeconds: number;
}

/** What the recorder needs of the graph. Every read is strongly consistent. */
export interface RecorderGraph {
  /** One round trip for up to 99 tags. What comes back unprocessed makes `epochMs` undefined. */
  look(url: Url, tags: readonly Tag[]): Promise<Look>;
  /** Newest epoch of the tags alone, as in `look`. */
  epochOf(tags: readonly Tag[]): Promise<number | undefined>;
  /** When it resolves, every edge is there and lives at least so long. An expiry never shrinks. */
  putEdges(url: Url, edges: readonly EdgeWrite[], untilSeconds: number): Promise<void>;
  /**
   * Writes what was recorded and returns the url's epoch as of that very write (0 without one).
   * Undefined when another recorder wrote a longer `untilSeconds` in between: nothing was written.
   */
  putUrl(url: Url, write: UrlWrite): Promise<number | undefined>;
  /** Notes which variants were seen of a url that is recorded; else it does nothing. */
  putVariants(url: Url, variants: Variants): Promise<void>;
  /** From now on edges of this tag go to many shards. Who reads edges after this, reads them all. */
  spread(tag: Tag): Promise<number>;
}

/** Where edges and epochs live. Every read is strongly consistent. */
export interface Graph extends RecorderGraph {
  /** Epochs only grow: an older one than what is there changes nothing. */
  putEpochs(work: {
    tags: readonly Tag[];
    urls: readonly Url[];
    epochMs: number;
    job: string;
  }): Promise<void>;
  /**
   * Edges of a tag that live at `nowSeconds`, page by page, in no order; a tag may have a million. While a tag is being
   * spread, one url may come twice.
   */
  edges(tag: Tag, nowSeconds: number): AsyncIterable<readonly Edge[]>;
  /** Urls that begin so and of which a copy may be in some cache at `nowSeconds`, page by page, in no order. */
  urls(prefix: string, nowSeconds: number): AsyncIterable<readonly Url[]>;
  /** May a copy of this url be in some cache at `nowSeconds`? */
  isLive(url: Url, nowSeconds: number): Promise<boolean>;
}

/** The same records, many at once, for those who choose and warm urls. */
export interface Records {
  /** At most 100 urls; those that were never recorded are absent. Strongly consistent. @throws when some could not be read */
  of(urls: readonly Url[]): Promise<ReadonlyMap<Url, UrlRecord>>;
}

/** Facts about jobs; each is set once or grows, so that a late message never moves a job back. */
export interface Jobs {
  get(id: string): Promise<JobFacts | undefined>;
  /**
   * A job that was begun with other work stays as it is: whose `work` comes back is not the caller's has met a conflict.
   *
   * @param facts  `purge` is left out by a dry run, which belongs to none
   * @returns what the job was told first: its work (`workId`), and the purge that it belongs to
   */
  begin(
    id: string,
    facts: Pick<JobFacts, 'requestedAtMs' | 'purgingAtMs' | 'tags' | 'urls' | 'purge'> & {
      readonly work: string;
    },
  ): Promise<{ readonly purge: string | undefined; readonly work: string }>;
  /** Another revalidation came under its id, and was left alone. The first one counts. */
  conflict(id: string, facts: { readonly atMs: number; readonly work: string }): Promise<void>;
  purged(
    id: string,
    facts: Pick<
      JobFacts,
      | 'purgedAtMs'
      | 'epochMs'
      | 'items'
      | 'priceUsd'
      | 'skipped'
      | 'covered'
      | 'invalidations'
      | 'unpurgeable'
      | 'collateral'
    >,
  ): Promise<void>;
  /**
   * It ends without a purge; a job that has begun only.
   *
   * @returns whether this told it so first
   */
  refused(id: string, facts: NonNullable<JobFacts['refused']>): Promise<boolean>;
  /** A dry run ends with its plan; a job that has begun only. Long lists are cut (`boundedPlan`). */
  planned(id: string, plan: JobPlan): Promise<void>;
  /**
   * Names the warm parts, all of them enqueued: only theirs count.
   *
   * @returns the job, if this ended its warms: it has none, or all were told before they were named
   */
  warming(
    id: string,
    facts: Pick<JobFacts, 'warmingAtMs' | 'warmParts' | 'warmUrls'>,
  ): Promise<JobFacts | undefined>;
  /**
   * A part told twice counts once; a result takes the place of a part that was lost or doubted (`replaces`).
   *
   * @returns the job, if this ended its warms, or brought the last part that had been lost; of all who tell of its parts,
   *   and name them, one gets it
   */
  warmed(id: string, part: string, result: WarmResult): Promise<JobFacts | undefined>;
  /** CloudFront has completed all its invalidations. */
  completed(id: string, completedAtMs: number): Promise<void>;
  /** The last try of its revalidation has begun; the first such counts. `requestedAtMs`: of a job that has not begun. */
  doubted(
    id: string,
    facts: { readonly requestedAtMs: number; readonly doubtedAtMs: number },
  ): Promise<void>;
  /** The last failure counts. */
  failed(
    id: string,
    facts: {
      /** Of a job that has not begun. @default - `failedAtMs` */
      readonly requestedAtMs?: number;
      readonly failedAtMs: number;
      readonly error: string;
    },
  ): Promise<void>;
  /**
   * Jobs that a worker has begun (or given up), newest first by `requestedAtMs`.
   *
   * @param page  `before`: a place that an earlier answer gave as `next`; `limit`: 1 to 100
   * @returns `next` when there may be more
   */
  recent(page: { readonly before?: string; readonly limit: number }): Promise<RecentJobs>;
}

export interface RecentJobs {
  readonly jobs: readonly JobFacts[];
  /** `1767225600000#9f86d081884c7d65`: the time and the hashed id of the last one. */
  readonly next?: string;
}

/** Some revalidations that join a purge together. */
export interface Joining {
  /** The same for the same messages. */
  readonly id: string;
  readonly atMs: number;
  readonly asked: readonly QueuedRevalidation[];
}

/** How far a purge is. */
export interface PurgeProgress {
  readonly joinedAtMs: number;
  /** How often somebody has joined. */
  readonly joins: number;
  /** From its epoch on nobody joins it. */
  readonly epochMs?: number;
  /** When somebody was last seen at work on it. */
  readonly seenAtMs?: number;
  readonly doneAtMs?: number;
}

/** What is to be purged. */
export interface Decision extends Purge {
  /** Items of the month that came before. */
  readonly usedBefore: number;
  /** Works (`workId`) that the budget does not hold, and why: nothing is purged for them. */
  readonly refused?: readonly {
    readonly work: string;
    readonly reason: string;
    /** As its jobs are told. */
    readonly oldUntilMs?: number;
  }[];
}

/**
 * What is purged together. Revalidations join a purge until it has its epoch; then its items are decided. Each of these
 * is written once, so that whoever goes on after a death does what was begun, and pays for nothing twice.
 */
export interface Purges {
  /** The purge that was last announced; it may be closed already. */
  current(): Promise<string | undefined>;
  /** Makes a purge with somebody in it, to be announced; told again it changes nothing. */
  open(id: string, joining: Joining): Promise<void>;
  /** Makes a purge the one that takes more. @returns false when `before` is no more the current one */
  announce(id: string, before: string | undefined): Promise<boolean>;
  /** @returns false when it is closed, full, or so old that it is forgotten; told again it changes nothing */
  join(id: string, joining: Joining): Promise<boolean>;
  progress(id: string): Promise<PurgeProgress>;
  /**
   * From now on nobody joins. An epoch must not be older than who has joined, so it counts only for as many as were seen.
   * @returns false when it had its epoch already, or when somebody has joined meanwhile: look again
   */
  close(id: string, epochMs: number, joins: number): Promise<boolean>;
  /** Of a closed purge, who has joined, what was decided, and what was sent of it. */
  get(id: string): Promise<{
    readonly epochMs: number;
    readonly asked: readonly QueuedRevalidation[];
    readonly decision?: Decision;
    /** Invalidations by the references that CloudFront has taken. */
    readonly sent: ReadonlyMap<string, string>;
  }>;
  /** @returns what was decided first */
  decide(id: string, decision: Decision): Promise<Decision>;
  /** CloudFront has taken a part of it: who goes on after a death goes on behind it. */
  sent(id: string, reference: string, invalidation: string): Promise<void>;
  /** Somebody is at work on it; 0 says that nobody is any more. */
  seen(id: string, atMs: number): Promise<void>;
  /** Takes over from whoever was last seen. @returns false when somebody was seen since `before` */
  claim(id: string, atMs: number, before: number): Promise<boolean>;
  done(id: string, atMs: number): Promise<void>;
}

/** Purge items by the month (UTC), as CloudFront counts them for its price. */
export interface Ledger {
  /** Items of that moment's month so far. */
  used(atMs: number): Promise<number>;
  /**
   * Counts the items of a purge, once, however often it is told.
   *
   * @returns items of the month with these; undefined when they were counted before
   */
  charge(purge: string, items: number, atMs: number): Promise<number | undefined>;
}

/** Where workers that nobody coordinates keep their common pace (core/pace.ts): one small item a name. */
export interface Paces {
  /** As it is now; undefined when nobody has set it, or not for a day. */
  get(name: string): Promise<PaceState | undefined>;
  /**
   * Sets it if it still is as it was `before` (undefined: not there).
   * @returns false when somebody else was faster: nothing was set
   */
  set(name: string, before: PaceState | undefined, after: PaceState): Promise<boolean>;
}

export type PurgeOutcome =
  | { readonly kind: 'accepted'; readonly invalidation: string }
  /** CloudFront has enough to do: normal flow, try again. */
  | { readonly kind: 'deferred'; readonly why: string };

export interface Purger {
  /**
   * @param items `/path` or `#tag`, as CloudFront takes them
   * @param reference the same for the same work: it is paid and done once
   * @throws IsrError `purge-failed`
   */
  purge(items: readonly string[], reference: string): Promise<PurgeOutcome>;
  /**
   * How an invalidation stands; `unknown` when CloudFront cannot say now: ask again later.
   * @throws IsrError `purge-failed` when it may not be asked
   */
  status(invalidation: string): Promise<'in-progress' | 'completed' | 'unknown'>;
}

/** Some urls to fetch through the edge, for the jobs that changed them. */
export interface WarmMessage {
  readonly part: string;
  readonly jobs: readonly string[];
  readonly epochMs: number;
  readonly urls: readonly Url[];
}

export interface WarmQueue {
  /** When it resolves, the queue has all of them. */
  send(messages: readonly WarmMessage[]): Promise<void>;
}

export interface SiteAnswer {
  readonly status: number;
  /** When the answer's render began; undefined when neither the recorder nor Age tells. */
  readonly renderedAtMs: number | undefined;
  /** Nobody shall ask again before so long is over (Retry-After). @default - it does not say */
  readonly retryAfterMs?: number;
  /** Its body was longer than is read: CloudFront caches only what is read to the end. @default false */
  readonly isCut?: boolean;
}

/** The site as its viewers see it, and nothing but the site. */
export interface Site {
  /**
   * Reads the body to its end, up to a bound: what a viewer leaves early is not cached. Redirects are not followed.
   * @throws when there is no answer: in time, or at all
   */
  fetch(url: Url, variant: Variant, job: string): Promise<SiteAnswer>;
}
