/**
 * What is watched for in a simulated history:
 *
 *     I1  no layer of CloudFront could serve, for longer than a capped lifetime, a page rendered before the last
 *         revalidation that was carried out of one of its tags or of its url; and no edge location does
 *     I2  an acknowledged revalidation is carried out and its job ends, or a message of it is in a dead-letter queue
 *     I3  nothing is purged that was not asked for, and nothing that no page has
 *     I4  what was cached when a purge read its edges, and depends on what was asked for, is covered by one of its items
 *     I5  with the graph out of reach every request is answered in time, and nothing is kept longer than the cap
 *     I6  the same work is not paid twice
 *     I7  a job that is fresh does not lie: the edge it warmed has a page rendered after the epoch
 *     I8  what must not be cached is in no cache, nor is what the recorder has refused
 *
 * What is promised in figures is compared with the figures that were promised, not with constants of the product.
 * @module
 */
import { hash } from '../../core/hash';
import { workId } from '../../core/jobs';
import type { Tag } from '../../core/tags';
import type { Url } from '../../core/urls';
import { type Copy, covers, type Invalidation, lifetimeIn } from './cloudfront';
import type { SimulatedDynamo } from './dynamo';
import type { Item } from './expressions';
import { createHeld } from './held';
import { ALL_EDITED, ALL_URLS, type Data, mayShow } from './origin';
import type { Recorded } from './recorders';
import type { Violation } from './simulation';
import { BEGINNING_MS, type World } from './world';

/** README: "what could not be recorded then lives ten seconds". */
const CAP_MS = 10_000;
/** What a capped page may take to reach a viewer. */
const ARRIVAL_MS = 3_000;
/** A recorder answers within its deadline. */
const ANSWER_MS_MAX = 1_000;
/** A6: how far two clocks may be apart. */
const CLOCKS_MS = 500;

export interface AskedRevalidation {
  readonly job: string;
  /** One for each time that it was sent. */
  readonly messages: readonly string[];
  readonly tags: readonly string[];
  readonly urls: readonly string[];
  /** The data as it was when it was asked for. */
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
  /** There is a budget. */
  readonly mayRefuse: boolean;
}

/** What is in the dead-letter queues, by the ids of messages. */
export interface Dead {
  readonly revalidations: ReadonlyMap<string, string>;
  readonly warms: ReadonlyMap<string, string>;
}

export type Watch = ReturnType<typeof createWatch>;

export function createWatch(world: World, { dynamo, invalidations, mayRefuse }: WatchTraits) {
  const violations: Violation[] = [];
  const revalidations: AskedRevalidation[] = [];
  const paidFor = new Set<string>();
  const waiting = new Set<string>();
  const held = createHeld(world);

  function violated(invariant: string, what: string): void {
    world.say(() => `!! ${invariant}: ${what}`);
    violations.push({ invariant, what, atMs: world.now() - BEGINNING_MS });
  }

  const factsOf = ({ job }: AskedRevalidation) => dynamo.item(`job#${job}`, '#') ?? {};

  /** Its job stands for other work, which came first. */
  function isConflict(revalidation: AskedRevalidation): boolean {
    const work = factsOf(revalidation).work?.S;
    return work !== undefined && work !== workOf(revalidation);
  }

  /** Those that were made for a job. */
  function invalidationsOf(facts: Item): readonly Invalidation[] {
    const ids = (facts.invalidations?.L ?? []).map(({ S }) => S);
    return invalidations.filter(({ id }) => ids.includes(id));
  }

  /** When the purge of a job had reached every layer; undefined when it has not been carried out. */
  function doneAtMs(revalidation: AskedRevalidation): number | undefined {
    if (isConflict(revalidation)) return undefined;
    const facts = factsOf(revalidation);
    const purgedAtMs = numberIn(facts, 'purgedAtMs');
    if (purgedAtMs === undefined) return undefined;
    const effective = invalidationsOf(facts).map(({ effectiveAtMs }) => effectiveAtMs);
    return Math.max(purgedAtMs, ...effective);
  }

  /** Those that an invalidation is made for: whose purge its reference names; if it names none, all in the batch at hand. */
  function payersOf({ items, reference, messages }: Paid): AskedRevalidation[] {
    const open = revalidations.filter((it) => !isConflict(it));
    const named = open.filter(
      (it) => hash(JSON.stringify([factsOf(it).purge?.S, items])) === reference,
    );
    if (named.length > 0) return named;
    return open.filter((it) => it.messages.some((message) => messages.includes(message)));
  }

  function checkAskedFor(items: readonly string[], payers: readonly AskedRevalidation[]): void {
    for (const item of items) {
      if (item.endsWith('*')) checkWildcard(item, payers);
      const isAsked = payers.some((it) => asksFor(it, item));
      if (!isAsked) violated('I3', `${item} was purged, and nobody asked for it`);
      if (!isItem(item)) violated('I3', `${item} was purged, and no page has it`);
    }
  }

  /** It may hit what was recorded after its plan was made, and what nobody knows of; nothing else that was not asked for. */
  function checkWildcard(item: string, payers: readonly AskedRevalidation[]): void {
    const purge = payers.map((it) => factsOf(it).purge?.S).find(Boolean);
    const epochMs = numberIn(dynamo.item(`purge#${purge}`, '#') ?? {}, 'epoch') ?? world.now();
    for (const { copy, untilMs } of held.all()) {
      const isHit = untilMs > world.now() && covers(item, copy);
      const isKnown = copy.ruling.startsWith('kept') && copy.answeredAtMs < epochMs - CLOCKS_MS;
      if (!isHit || !isKnown || payers.some((it) => asksFor(it, copy.url))) continue;
      violated('I3', `${item} hits ${copy.key}, which nobody asked for`);
    }
  }

  /** A revalidation pays for an item once; an item is paid again only for somebody who has not paid for it. */
  function checkPaidOnce(items: readonly string[], payers: readonly AskedRevalidation[]): void {
    for (const item of items) {
      const askers = payers.filter((it) => asksFor(it, item));
      if (askers.length > 0 && askers.every(({ job }) => paidFor.has(`${job} ${item}`))) {
        violated('I6', `${item} was paid again for ${askers.map(({ job }) => job).join(', ')}`);
      }
      for (const { job } of askers) paidFor.add(`${job} ${item}`);
    }
  }

  function checkEnded(revalidation: AskedRevalidation, dead: Dead): void {
    const { job, messages } = revalidation;
    const isDeadWarm = () =>
      [...dead.warms.values()].some((it) => JSON.parse(it).jobs.includes(job));
    if (messages.some((message) => dead.revalidations.has(message))) return;
    const facts = factsOf(revalidation);
    if (isConflict(revalidation)) {
      if (facts.conflictWork?.S === workOf(revalidation)) return;
      violated('I2', `${job} stands for other work, and says nothing of this`);
    } else if (facts.refused) {
      if (!mayRefuse) violated('I2', `${job} was refused, and there is no budget`);
    } else if (numberIn(facts, 'purgedAtMs') === undefined) {
      violated('I2', `${job} was acknowledged, and is neither done nor dead`);
    } else if (!isWarmed(facts) && !isDeadWarm()) {
      violated('I2', `${job} was purged, and will never end`);
    }
  }

  /** Every copy that could be served after a purge had reached every layer. */
  function checkOutlived(revalidation: AskedRevalidation): void {
    const doneMs = doneAtMs(revalidation);
    if (doneMs === undefined) return;
    for (const { copy, layer, untilMs } of held.all()) {
      if (untilMs <= excusedUntilMs(copy, doneMs)) continue;
      const stale = staleIn(copy, revalidation);
      if (!stale) continue;
      const long = `${untilMs - doneMs} ms after its purge`;
      const { job } = revalidation;
      violated('I1', `${layer} may serve ${copy.key} with ${stale} until ${long} by ${job}`);
    }
  }

  /** What was recorded before the epoch, and could still be served when the job was told of its items. */
  function checkCovered(revalidation: AskedRevalidation): void {
    if (isConflict(revalidation)) return;
    const facts = factsOf(revalidation);
    const epochMs = numberIn(facts, 'epochMs');
    const purgedAtMs = numberIn(facts, 'purgedAtMs');
    if (epochMs === undefined || purgedAtMs === undefined) return;
    const items = invalidationsOf(facts).flatMap((it) => it.items);
    for (const { copy, layer, untilMs } of held.all()) {
      const wasThere = copy.answeredAtMs <= epochMs - CLOCKS_MS && untilMs > purgedAtMs + CLOCKS_MS;
      if (!wasThere || !copy.ruling.startsWith('kept') || !isAbout(revalidation, copy)) continue;
      if (items.some((item) => covers(item, copy))) continue;
      const { job } = revalidation;
      violated('I4', `${job} has no item for ${copy.key}, which ${layer} has kept before`);
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
        if (world.now() <= excusedUntilMs(copy, doneMs) + ARRIVAL_MS) continue;
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
      const payers = payersOf(paid);
      checkAskedFor(paid.items, payers);
      checkPaidOnce(paid.items, payers);
    },

    /** A layer of CloudFront keeps it. */
    kept(copy: Copy, layer: string): void {
      held.kept(copy, layer);
      const { key, status, ruling, isForbidden } = copy;
      if (!isForbidden && !ruling.startsWith('refused')) return;
      violated('I8', `${layer} keeps ${key}, a ${status} that no cache may have (${ruling})`);
    },

    /** A layer has it no longer. */
    purged: held.purged,

    /** A viewer has asked. @returns to be called when there is an answer, were it that the origin is down */
    viewed(what: string): () => void {
      waiting.add(what);
      return () => waiting.delete(what);
    },

    /** Something else than the origin has failed a request. */
    failed(key: string, thrown: unknown): void {
      violated('I5', `${key} was not answered: ${thrown}`);
    },

    /** The recorder has ruled. */
    ruled(key: string, { headers, isBlind, tookMs }: Recorded): void {
      if (tookMs > ANSWER_MS_MAX) violated('I5', `${key} was answered after ${tookMs} ms`);
      const { fresh, stale, error } = lifetimeIn(headers);
      const livesMs = fresh === 0 ? 0 : (fresh + Math.max(stale, error)) * 1_000;
      if (!isBlind || livesMs <= CAP_MS) return;
      violated('I5', `${key} was kept for ${livesMs} ms with the graph out of reach`);
    },

    /** Everything has come to rest: what was before is forgotten. @returns how many were refused */
    ended(dead: Dead): number {
      for (const what of waiting) violated('I5', `${what} was never answered`);
      for (const revalidation of revalidations) {
        checkEnded(revalidation, dead);
        checkOutlived(revalidation);
        checkCovered(revalidation);
      }
      const refused = revalidations.filter((it) => factsOf(it).refused);
      revalidations.splice(0);
      held.forget();
      return refused.length;
    },
  };
}

function numberIn(item: Item, name: string): number | undefined {
  const value = item[name]?.N;
  return value === undefined ? undefined : Number(value);
}

/** Every part of its warms was told. */
function isWarmed({ warmParts, parts }: Item): boolean {
  return warmParts?.L?.every(({ S }) => parts?.M?.[S ?? ''] !== undefined) ?? false;
}

const workOf = ({ tags, urls }: AskedRevalidation) =>
  workId({ tags: tags as readonly Tag[], urls: urls as readonly Url[] });

/** A tag's own item, a url's path, the path of a url that depends on a tag, or a wildcard that has one of these. */
function asksFor(asked: AskedRevalidation, item: string): boolean {
  const { tags, urls } = asked;
  if (item.startsWith('#')) return tags.includes(item.slice(1));
  if (item.endsWith('*')) return hitsOf(item).some((url) => asksFor(asked, url));
  return urls.includes(item) || tags.some((tag) => mayShow(item, tag));
}

const hitsOf = (wildcard: string) =>
  ALL_URLS.filter((url) => url.startsWith(wildcard.slice(0, -1)));

function isItem(item: string): boolean {
  if (item.startsWith('#')) return ALL_EDITED.has(item.slice(1));
  return item.endsWith('*') ? hitsOf(item).length > 0 : ALL_URLS.includes(item);
}

/** Who waits for a render that was under way gets what it has read; what began after the purge has no excuse. */
function excusedUntilMs({ beganMs, answeredAtMs }: Copy, doneMs: number): number {
  return (beganMs > doneMs ? doneMs : Math.max(doneMs, answeredAtMs)) + CAP_MS;
}

function isAbout({ tags, urls }: AskedRevalidation, { url, versions }: Copy): boolean {
  return urls.includes(url) || tags.some((tag) => versions[tag] !== undefined);
}

/** Data that the page shows and the revalidation was about, older than when it was asked: `a=3`. */
function staleIn(copy: Copy, { tags, urls, data }: AskedRevalidation): string | undefined {
  const isUrls = urls.includes(copy.url);
  const stale = Object.entries(copy.versions).find(
    ([tag, version]) => (isUrls || tags.includes(tag)) && version < (data[tag] ?? 0),
  );
  return stale?.join('=');
}
