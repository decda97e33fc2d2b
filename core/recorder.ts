/**
 * The recorder: rules on every response that is about to be cached.
 *
 *     refused   it must not be cached: it says why, and CloudFront keeps nothing
 *     capped    it may be old, or cannot be purged: it lives a moment
 *     kept      its edges are written, no epoch is newer than its render: it lives as long as its origin said
 *
 * It never throws, and answers within its deadline: with the graph down the site stays up.
 * It remembers nothing between invocations; what it may skip, it reads from the url's record.
 * @module
 */
import {
  formatLifetime,
  judge,
  KEEP_NOTHING,
  type Lifetime,
  type Rendered,
  servedSeconds,
} from './cache-policy';
import type { RecorderConfig } from './config';
import { isMarkedBefore, isRenderedBefore, parseAged, parseElapsed, renderStart } from './fence';
import { hash } from './hash';
import { ELAPSED, field, NATIVE_TAGS, RENDERED_AT, RULING } from './headers';
import { tagSetId } from './keys';
import type { Clock, Graph, Mark, UrlRecord, UrlWrite } from './ports';
import { TAG_HEADERS, type Tag, tagsOf } from './tags';
import { isPurgeable, type Url } from './urls';

/** CloudFront keeps so many tags of an object and drops the rest silently (CFDG, invalidation-by-tags). */
export const NATIVE_TAGS_MAX = 50;
/** Past it a response is too much work for the edge. */
export const TAGS_MAX = 400;
/** Edges outlive what they stand for: clocks differ, bodies stream. */
const EDGE_SLACK_SECONDS = 60;
/** Edges are written for longer than needed, or every miss would have to renew them. */
const EDGE_SPARE_SECONDS_MIN = 300;
/** A url's record remembers so many tag sets, and answers of each; a forgotten one costs writes. */
const MARKS_MAX = 8;
const VALIDATORS_MAX = 8;

interface FencePorts {
  readonly graph: Graph;
  readonly clock: Clock;
}

export interface RecorderPorts extends FencePorts {
  /** How long the container took to start, for its first response; else 0. */
  readonly bootMs: number;
}

export interface Ruling {
  readonly outcome: 'kept' | 'capped' | 'refused';
  readonly reason?: string;
  /** Set on the response; an empty value means: remove. Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface Page extends Rendered {
  readonly url: Url;
}

/** Why a response lives only a moment. */
type Standing = 'clear' | 'fence' | 'unread' | 'raced' | 'not-modified';

export async function record(
  page: Page,
  config: RecorderConfig,
  ports: RecorderPorts,
): Promise<Ruling> {
  const nowMs = ports.clock.now();
  const startMs = Math.floor(
    renderStart({
      nowMs,
      elapsedMs: parseElapsed(field(page.response, ELAPSED)),
      renderBudgetMs: config.renderBudgetMs,
      bootMs: ports.bootMs,
      agedMs: parseAged(field(page.response, 'age')),
    }),
  );
  const { tags, refused } = tagsOf(page.response);
  const shaped = (outcome: Ruling['outcome'], cacheControl: string, reason?: string): Ruling => ({
    outcome,
    ...(reason === undefined ? {} : { reason }),
    headers: {
      ...STRIPPED,
      'cache-control': cacheControl,
      expires: '',
      [RENDERED_AT]: String(startMs),
      [NATIVE_TAGS]: outcome === 'refused' ? '' : nativeTags(tags).join(','),
      [RULING]: ascii(reason === undefined ? outcome : `${outcome}; reason=${reason}`),
    },
  });

  const verdict = judge(page, config);
  if (verdict.kind === 'refuse') {
    return shaped(
      'refused',
      KEEP_NOTHING,
      verdict.detail ? `${verdict.reason}:${verdict.detail}` : verdict.reason,
    );
  }
  const { lifetime } = verdict;
  const capped = (seconds: number, reason: string) =>
    shaped('capped', formatCap(lifetime, seconds), reason);

  // what no purge could name must not live long
  if (refused[0]) return capped(config.unrecordedSeconds, `tag-refused:${refused[0].why}`);
  if (tags.length > TAGS_MAX) return capped(config.unrecordedSeconds, `tags:${tags.length}`);
  const isCoveredByTags = tags.length > 0 && tags.length <= NATIVE_TAGS_MAX;
  if (!isCoveredByTags && !isPurgeable(page.url)) {
    return capped(config.unrecordedSeconds, 'url-unpurgeable');
  }

  const standing = await withDeadline(ports.clock, config.deadlineMs, () =>
    stand(
      { page, tags, tagSet: tagSetId(tags), validator: validatorOf(page), lifetime, startMs },
      ports,
    ),
  );
  if (standing === 'clear') return shaped('kept', formatLifetime(lifetime));
  if (standing === 'late' || standing === 'unread' || standing instanceof Error) {
    const reason = standing instanceof Error ? `graph:${standing.message}` : standing;
    return capped(config.unrecordedSeconds, reason);
  }
  return capped(1, standing);
}

/** For what could not even be read: nothing is known about it, so nothing of it is kept. */
export function refuseUnruled(): Ruling {
  const reason = 'recorder-failed';
  const headers = {
    ...STRIPPED,
    'cache-control': KEEP_NOTHING,
    [RULING]: `refused; reason=${reason}`,
  };
  return { outcome: 'refused', reason, headers };
}

interface Recording {
  readonly page: Page;
  readonly tags: readonly Tag[];
  readonly tagSet: string;
  /** Names this very answer among those with the same tags; undefined when the origin sends no validator. */
  readonly validator: string | undefined;
  readonly lifetime: Lifetime;
  readonly startMs: number;
}

/** The fence: edges first, epochs second. An unchanged page finds both in one read. */
async function stand(recording: Recording, { graph, clock }: FencePorts): Promise<Standing> {
  const { page, tags, startMs } = recording;
  const readStartMs = clock.now();
  const look = await graph.look(page.url, tags);
  if (page.status === 304 && !isSameAnswer(recording, look.record)) return 'not-modified';

  const neededSeconds =
    Math.ceil(readStartMs / 1_000) + servedSeconds(recording.lifetime) + EDGE_SLACK_SECONDS;
  const found = look.record?.marks[recording.tagSet];
  const mark = isMarkedBefore(found, readStartMs, neededSeconds) ? found : undefined;
  const isUnchanged = mark !== undefined && knows(mark, recording.validator);
  const epochMs = isUnchanged
    ? look.epochMs
    : await recordThenReadEpochs(
        { recording, record: look.record, mark, neededSeconds },
        { graph, clock },
      );

  if (epochMs === 'raced') return 'raced';
  if (epochMs === undefined) return 'unread';
  return isRenderedBefore(epochMs, startMs) ? 'fence' : 'clear';
}

interface Writing {
  readonly recording: Recording;
  readonly record: UrlRecord | undefined;
  /** Says that the edges are there: only the url's record has changed. */
  readonly mark: Mark | undefined;
  readonly neededSeconds: number;
}

async function recordThenReadEpochs(
  { recording, record, mark, neededSeconds }: Writing,
  { graph, clock }: FencePorts,
): Promise<number | undefined | 'raced'> {
  const { page, tags } = recording;

  // 1 write edges
  const marked = mark ?? (await putEdges(recording, neededSeconds, { graph, clock }));

  // 2 read epochs: the tags' and, as of the write that makes the url itself findable, the url's
  const [tagsEpochMs, urlEpochMs] = await Promise.all([
    graph.epochOf(tags),
    graph.putUrl(page.url, nextRecord(recording, { record, mark: marked, nowMs: clock.now() })),
  ]);
  if (urlEpochMs === undefined) return 'raced';
  return tagsEpochMs === undefined ? undefined : Math.max(tagsEpochMs, urlEpochMs);
}

async function putEdges(
  { page, tags, lifetime }: Recording,
  neededSeconds: number,
  ports: FencePorts,
): Promise<Mark> {
  const untilSeconds = neededSeconds + Math.max(servedSeconds(lifetime), EDGE_SPARE_SECONDS_MIN);
  const edges = tags.map((tag, position) => ({ tag, byPath: position >= NATIVE_TAGS_MAX }));
  await ports.graph.putEdges(page.url, edges, untilSeconds);
  return { untilSeconds, atMs: ports.clock.now(), validators: [] };
}

/** The tags are sorted, so the same set always sends the same ones. */
function nativeTags(tags: readonly Tag[]): readonly Tag[] {
  return tags.slice(0, NATIVE_TAGS_MAX);
}

function nextRecord(
  { page, tags, tagSet, validator }: Recording,
  { record, mark, nowMs }: { record: UrlRecord | undefined; mark: Mark; nowMs: number },
): UrlWrite {
  const others = Object.entries(record?.marks ?? {})
    .filter(([id, { untilSeconds }]) => id !== tagSet && untilSeconds * 1_000 > nowMs)
    .sort(([, a], [, b]) => b.untilSeconds - a.untilSeconds)
    .slice(0, MARKS_MAX - 1);
  const known = record?.marks[tagSet]?.validators ?? [];
  const validators = [...new Set(validator === undefined ? known : [validator, ...known])].slice(
    0,
    VALIDATORS_MAX,
  );
  const etag = field(page.response, 'etag');
  return {
    marks: { ...Object.fromEntries(others), [tagSet]: { ...mark, validators } },
    untilSeconds: Math.max(record?.untilSeconds ?? 0, mark.untilSeconds),
    tags,
    status: page.status === 304 ? 200 : page.status,
    ...(etag === undefined ? {} : { etag }),
    recordedAtMs: nowMs,
  };
}

function knows(mark: Mark, validator: string | undefined): boolean {
  return validator === undefined || mark.validators.includes(validator);
}

/**
 * A 304 may leave the stored tags as they were (AWS does not say), so it counts as a render only when every full
 * answer under this validator came with these very tags.
 */
function isSameAnswer({ validator, tagSet }: Recording, record: UrlRecord | undefined): boolean {
  if (validator === undefined || record === undefined) return false;
  const sets = Object.entries(record.marks).filter(([, mark]) =>
    mark.validators.includes(validator),
  );
  return sets.length === 1 && sets[0]?.[0] === tagSet;
}

function validatorOf({ response }: Page): string | undefined {
  const validator =
    field(response, 'etag')?.replace(/^W\//, '') ?? field(response, 'last-modified');
  return validator === undefined ? undefined : hash(validator).slice(0, 16);
}

/** What only we and the origin talk about; never kept on the response. */
const STRIPPED: Readonly<Record<string, string>> = Object.fromEntries(
  [...Object.keys(TAG_HEADERS), ELAPSED].map((name) => [name, '']),
);

function formatCap({ freshSeconds }: Lifetime, seconds: number): string {
  return formatLifetime({
    freshSeconds: Math.min(freshSeconds, seconds),
    staleSeconds: 0,
    errorSeconds: 0,
  });
}

/** A header value holds no line break and no other alphabet. */
function ascii(text: string): string {
  return text.replace(/[^ -~]+/g, '?').slice(0, 200);
}

async function withDeadline<T>(
  clock: Clock,
  ms: number,
  work: () => Promise<T>,
): Promise<T | 'late' | Error> {
  const done = new AbortController();
  const working = work().catch((thrown: unknown) =>
    thrown instanceof Error ? thrown : new Error(String(thrown)),
  );
  const outcome = await Promise.race([
    working,
    clock.sleep(ms, done.signal).then(() => 'late' as const),
  ]);
  done.abort();
  return outcome;
}
