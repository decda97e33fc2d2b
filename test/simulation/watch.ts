/**
 * What is watched for in a simulated history:
 *
 *     I1  no edge serves, for longer than a capped lifetime, a page rendered before the last revalidation that was
 *         carried out of one of its tags or of its url
 *     I2  an acknowledged revalidation is carried out, or is in the dead-letter queue
 *     I3  nothing is purged that was not asked for, and nothing that no page has
 *     I5  with the graph out of reach every request is answered, and nothing is kept longer than the cap
 *     I6  the same work is not paid twice
 *     I7  a job that is fresh does not lie: the edge it warmed has a page rendered after the epoch
 *     I8  what must not be cached is in no cache, nor is what the recorder has refused
 *
 * I4 (no live edge, no item) is I1 from the other side: a skip that was wrong leaves a page that stays old.
 * @module
 */
import { RECORDER_DEFAULTS } from '../../core/config';
import { hash } from '../../core/hash';
import type { Copy, Invalidation } from './cloudfront';
import type { SimulatedDynamo } from './dynamo';
import { type Data, EDITED, mayShow, URLS } from './origin';
import type { Violation } from './simulation';
import { BEGINNING_MS, type World } from './world';

/** The cap of what could not be recorded, and what a capped page may take to arrive. */
const BOUND_MS = RECORDER_DEFAULTS.unrecordedSeconds * 1_000 + 3_000;

export interface AskedRevalidation {
  readonly job: string;
  readonly message: string;
  readonly tags: readonly string[];
  readonly urls: readonly string[];
  /** The data as it was when the revalidation was acknowledged. */
  readonly data: Data;
}

export interface Paid {
  readonly items: readonly string[];
  readonly reference: string;
  /** In the batch at hand. */
  readonly messages: readonly string[];
}

export interface WatchTraits {
  readonly dynamo: SimulatedDynamo;
  readonly invalidations: readonly Invalidation[];
}

export type Watch = ReturnType<typeof createWatch>;

export function createWatch(world: World, { dynamo, invalidations }: WatchTraits) {
  const violations: Violation[] = [];
  const revalidations: AskedRevalidation[] = [];
  const paidFor = new Set<string>();

  function violated(invariant: string, what: string): void {
    world.say(() => `!! ${invariant}: ${what}`);
    violations.push({ invariant, what, atMs: world.now() - BEGINNING_MS });
  }

  /** When the purge of a job had reached every layer; undefined when it has not been carried out. */
  function doneAtMs({ job }: AskedRevalidation): number | undefined {
    const facts = dynamo.item(`job#${job}`, '#');
    const purgedAtMs = Number(facts?.purgedAtMs?.N ?? Number.NaN);
    if (Number.isNaN(purgedAtMs)) return undefined;
    const ids = (facts?.invalidations?.L ?? []).map(({ S }) => S);
    const effective = invalidations.filter(({ id }) => ids.includes(id));
    return Math.max(purgedAtMs, ...effective.map(({ effectiveAtMs }) => effectiveAtMs));
  }

  function checkAskedFor(items: readonly string[]): void {
    for (const item of items) {
      const isAsked = revalidations.some((it) => asksFor(it, item));
      if (!isAsked) violated('I3', `${item} was purged, and nobody asked for it`);
      if (!ITEMS.has(item)) violated('I3', `${item} was purged, and no page has it`);
    }
  }

  /**
   * A revalidation pays for an item once; an item is paid again only for somebody who has not paid for it.
   * An invalidation is paid by those whose purge its reference names; if it names none, by all in the batch at hand.
   */
  function checkPaidOnce({ items, reference, messages }: Paid): void {
    const purgeOf = ({ job }: AskedRevalidation) => dynamo.item(`job#${job}`, '#')?.purge?.S;
    const named = revalidations.filter(
      (it) => hash(JSON.stringify([purgeOf(it), items])) === reference,
    );
    const payers =
      named.length > 0 ? named : revalidations.filter((it) => messages.includes(it.message));
    for (const item of items) {
      const askers = payers.filter((it) => asksFor(it, item));
      if (askers.length > 0 && askers.every(({ message }) => paidFor.has(`${message} ${item}`))) {
        violated('I6', `${item} was paid again for ${askers.map(({ job }) => job).join(', ')}`);
      }
      for (const { message } of askers) paidFor.add(`${message} ${item}`);
    }
  }

  return {
    violations,

    /** A revalidation was acknowledged. */
    asked(revalidation: AskedRevalidation): void {
      revalidations.push(revalidation);
    },

    /** An edge has served it. */
    served(copy: Copy, where: string): void {
      for (const revalidation of revalidations) {
        const stale = staleIn(copy, revalidation);
        if (!stale) continue;
        const doneMs = doneAtMs(revalidation);
        if (doneMs === undefined) continue;
        if (world.now() <= excusedUntilMs(copy, doneMs)) continue;
        const age = `${world.now() - doneMs} ms after its purge`;
        violated('I1', `${where} serves ${copy.key} with ${stale}, ${age} by ${revalidation.job}`);
      }
    },

    /** What the warmer took for fresh has to show the data that its jobs were about. */
    warmed(jobs: readonly string[], copy: Copy | undefined): void {
      for (const revalidation of revalidations) {
        const { job } = revalidation;
        if (!copy || !jobs.includes(job) || !staleIn(copy, revalidation)) continue;
        const versions = JSON.stringify(copy.versions);
        violated('I7', `${job}: ${copy.key} was taken for fresh with ${versions}`);
      }
    },

    /** CloudFront has taken an invalidation that it did not have yet. */
    paid(paid: Paid): void {
      checkAskedFor(paid.items);
      checkPaidOnce(paid);
    },

    /** A layer of CloudFront keeps it. */
    kept({ key, status, ruling, isForbidden }: Copy, layer: string): void {
      if (!isForbidden && !ruling.startsWith('refused')) return;
      violated('I8', `${layer} keeps ${key}, a ${status} that no cache may have (${ruling})`);
    },

    /** The recorder has kept a page while the graph was out of reach all along. */
    keptUnrecorded(key: string): void {
      violated('I5', `${key} was kept with the graph out of reach`);
    },

    /** Everything has come to rest. */
    ended(dead: ReadonlySet<string>): void {
      for (const revalidation of revalidations) {
        if (doneAtMs(revalidation) === undefined && !dead.has(revalidation.message)) {
          violated('I2', `${revalidation.job} was acknowledged, and is neither done nor dead`);
        }
      }
    },
  };
}

/** A tag's own item, a url's path, or the path of a url that depends on a tag. */
function asksFor({ tags, urls }: AskedRevalidation, item: string): boolean {
  if (item.startsWith('#')) return tags.includes(item.slice(1));
  return urls.includes(item) || tags.some((tag) => mayShow(item, tag));
}

const ITEMS: ReadonlySet<string> = new Set([...EDITED.map((tag) => `#${tag}`), ...URLS]);

/** Who waits for a render that was under way gets what it has read; what began after the purge has no excuse. */
function excusedUntilMs({ beganMs, answeredAtMs }: Copy, doneMs: number): number {
  return (beganMs > doneMs ? doneMs : Math.max(doneMs, answeredAtMs)) + BOUND_MS;
}

/** Data that the page shows and the revalidation was about, older than when it was asked: `a=3`. */
function staleIn(copy: Copy, { tags, urls, data }: AskedRevalidation): string | undefined {
  const isUrls = urls.includes(copy.url);
  const stale = Object.entries(copy.versions).find(
    ([tag, version]) => (isUrls || tags.includes(tag)) && version < (data[tag] ?? 0),
  );
  return stale?.join('=');
}
