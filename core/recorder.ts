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
import { etagUnconfirmed, etagWithTags, isEtagOf } from './etag';
import { isMarkedBefore, isRenderedBefore, parseAged, parseElapsed, renderStart } from './fence';
import { ELAPSED, field, NATIVE_TAGS, RENDERED_AT, RULING } from './headers';
import { heatAfter } from './heat';
import { NATIVE_TAGS_MAX, nativeTags } from './native-tags';
import type { Clock, Look, Mark, RecorderGraph, UrlRecord, UrlWrite } from './ports';
import { TAG_HEADERS, type Tag, tagSetId, tagsOf } from './tags';
import { isPurgeable, type Url } from './urls';
import { variantOf, withVariant } from './variants';

/** Past it a response is too much work for the edge. */
export const TAGS_MAX = 400;
/** Edges outlive what they stand for: clocks differ, bodies stream. */
const EDGE_SLACK_SECONDS = 60;
/** Edges are written for longer than needed, or every miss would have to renew them. */
const EDGE_SPARE_SECONDS_MIN = 300;
/** A url's record remembers so many tag sets; a forgotten one costs writes. */
const MARKS_MAX = 8;
/**
 * An answer stands on epochs that were read so short a time ago. It then has the other half of `grace` (1 s) to get into
 * the cache before a purge that it has not seen can come: A1 in ARCHITECTURE.md.
 */
const EPOCH_AGE_MS_MAX = 500;
/** Epochs live a day: what began long before that may have missed one. */
const RENDER_AGE_MS_MAX = 20 * 3_600_000;

interface FencePorts {
  readonly graph: RecorderGraph;
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

interface Because {
  readonly reason?: string;
  /** Tags for CloudFront, when it is not given all. */
  readonly native?: readonly Tag[];
}

export interface Page extends Rendered {
  readonly url: Url;
  /** How long CloudFront waits for the origin's first byte. */
  readonly originTimeoutMs: number;
}

/** Why a response lives only a moment; or it is clear, and those tags go to CloudFront. */
type Standing = { readonly native: readonly Tag[] } | 'fence' | 'unread' | 'raced';

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
      renderBudgetMs: config.renderBudgetMs ?? page.originTimeoutMs,
      bootMs: ports.bootMs,
      agedMs: parseAged(field(page.response, 'age')),
    }),
  );
  const { tags, refused } = tagsOf(page.response);
  const nativeMax = config.purge === 'paths' ? 0 : NATIVE_TAGS_MAX;
  const shaped = (
    outcome: Ruling['outcome'],
    cacheControl: string,
    { reason, native = tags.slice(0, nativeMax) }: Because = {},
  ): Ruling => ({
    outcome,
    ...(reason === undefined ? {} : { reason }),
    headers: {
      ...STRIPPED,
      ...(outcome === 'refused' ? {} : validators(page, { tags, native })),
      'cache-control': cacheControl,
      expires: '',
      [RENDERED_AT]: String(startMs),
      [NATIVE_TAGS]: outcome === 'refused' ? '' : native.join(','),
      [RULING]: ascii(reason === undefined ? outcome : `${outcome}; reason=${reason}`),
    },
  });

  const verdict = judge(page, config);
  if (verdict.kind === 'refuse') {
    const reason = verdict.detail ? `${verdict.reason}:${verdict.detail}` : verdict.reason;
    return shaped('refused', KEEP_NOTHING, { reason });
  }
  const { lifetime } = verdict;
  const capped = (seconds: number, reason: string) =>
    shaped('capped', formatCap(lifetime, seconds), { reason });

  // what no purge could name must not live long
  if (refused[0]) return capped(config.unrecordedSeconds, `tag-refused:${refused[0].why}`);
  if (tags.length > TAGS_MAX) return capped(config.unrecordedSeconds, `tags:${tags.length}`);
  if (nowMs - startMs > RENDER_AGE_MS_MAX) return capped(config.unrecordedSeconds, 'aged');
  if (!isConfirmation(page, { tags, nativeMax })) return capped(1, 'not-modified');
  const isCoveredByTags = tags.length > 0 && tags.length <= nativeMax;
  if (!isCoveredByTags && !isPurgeable(page.url)) {
    return capped(config.unrecordedSeconds, 'url-unpurgeable');
  }

  const variant = variantOf(page.request, config.keyHeaders);
  const standing = await withDeadline(ports.clock, config.deadlineMs, () =>
    stand({ page, tags, tagSet: tagSetId(tags), nativeMax, variant, lifetime, startMs }, ports),
  );
  if (standing === 'late' || standing === 'unread') {
    return capped(config.unrecordedSeconds, standing);
  }
  if (standing === 'fence' || standing === 'raced') return capped(1, standing);
  if (standing instanceof Error) {
    return capped(config.unrecordedSeconds, `graph:${standing.message}`);
  }
  return shaped('kept', formatLifetime(lifetime), standing);
}

/** For what could not even be read: nothing is known about it, so nothing of it is kept. */
export function refuseUnruled(): Ruling {
  const reason = 'recorder-failed';
  const own = { [NATIVE_TAGS]: '', [RENDERED_AT]: '', [RULING]: `refused; reason=${reason}` };
  const headers = { ...STRIPPED, ...own, 'cache-control': KEEP_NOTHING };
  return { outcome: 'refused', reason, headers };
}

interface Recording {
  readonly page: Page;
  readonly tags: readonly Tag[];
  readonly tagSet: string;
  readonly nativeMax: number;
  readonly variant: string | undefined;
  readonly lifetime: Lifetime;
  readonly startMs: number;
}

/** What was read, and when the reading began. */
interface EpochRead {
  readonly epochMs: number | undefined | 'raced';
  readonly startMs: number;
}

/** The fence: edges first, epochs second. An unchanged page finds both in one read. */
async function stand(recording: Recording, ports: FencePorts): Promise<Standing> {
  const { page, tags, startMs } = recording;
  const readStartMs = ports.clock.now();
  const look = await ports.graph.look(page.url, tags);

  const neededSeconds =
    Math.ceil(readStartMs / 1_000) + servedSeconds(recording.lifetime) + EDGE_SLACK_SECONDS;
  const mark = look.record?.marks[recording.tagSet];
  const isMarked = isMarkedBefore(mark, readStartMs, neededSeconds) && isSent(mark, recording);
  const native = (isMarked && mark?.native) || nativeTags(tags, look.tags, recording.nativeMax);
  if (isMarked) await noteVariant({ recording, look, mark, neededSeconds }, ports);
  const read = isMarked
    ? { epochMs: look.epochMs, startMs: readStartMs }
    : await recordThenReadEpochs({ recording, look, native, neededSeconds }, ports);

  const isOld = ports.clock.now() - read.startMs > EPOCH_AGE_MS_MAX;
  const { epochMs: newestMs } = isOld ? await readEpochsAgain(recording, ports) : read;
  if (newestMs === 'raced') return 'raced';
  if (newestMs === undefined) return 'unread';
  return isRenderedBefore(newestMs, startMs) ? 'fence' : { native };
}

/** Do the edges say what CloudFront knows? Since the mark was made, the site may have changed to purges by paths. */
function isSent(mark: Mark | undefined, { tags, nativeMax }: Recording): boolean {
  return (mark?.native ?? tags).length <= nativeMax;
}

interface Writing {
  readonly recording: Recording;
  readonly look: Look;
  readonly native: readonly Tag[];
  readonly neededSeconds: number;
}

async function recordThenReadEpochs(
  { recording, look, native, neededSeconds }: Writing,
  { graph, clock }: FencePorts,
): Promise<EpochRead> {
  const { page, tags, lifetime } = recording;

  // 1 write edges
  const untilSeconds = neededSeconds + Math.max(servedSeconds(lifetime), EDGE_SPARE_SECONDS_MIN);
  const isNative = new Set(native);
  const edges = tags.map((tag) => {
    return { tag, shards: look.tags.get(tag)?.shards ?? 1, byPath: !isNative.has(tag) };
  });
  await graph.putEdges(page.url, edges, untilSeconds);

  // 2 read epochs: the tags' and, as of the write that makes the url itself findable, the url's
  const startMs = clock.now();
  const isPartly = native.length < tags.length;
  const mark: Mark = { untilSeconds, atMs: startMs, ...(isPartly ? { native } : {}) };
  const [tagsEpochMs, urlEpochMs] = await Promise.all([
    graph.epochOf(tags),
    graph.putUrl(page.url, nextRecord(recording, look.record, { mark, neededSeconds })),
  ]);
  if (urlEpochMs === undefined) return { epochMs: 'raced', startMs };
  const epochMs = tagsEpochMs === undefined ? undefined : Math.max(tagsEpochMs, urlEpochMs);
  return { epochMs, startMs };
}

/**
 * Of an unchanged page a variant may be new, or its note about to end: one write, at most once in a mark's life. It is for
 * the warmer's sake alone, so its failure is nobody's.
 */
async function noteVariant(
  { recording, look, mark, neededSeconds }: Omit<Writing, 'native'> & { mark: Mark | undefined },
  { graph, clock }: FencePorts,
): Promise<void> {
  const { record } = look;
  if (!record || !mark) return;
  const nowSeconds = Math.floor(clock.now() / 1_000);
  const { untilSeconds } = mark;
  const { variant, page } = recording;
  const seen = { variant, nowSeconds, neededSeconds, untilSeconds };
  const variants = withVariant(record.variants, seen);
  if (variants !== record.variants) await graph.putVariants(page.url, variants).catch(() => {});
}

/** A slow read says nothing about now; the edges are there, so a read is enough. */
async function readEpochsAgain(
  { page, tags }: Recording,
  { graph, clock }: FencePorts,
): Promise<EpochRead> {
  const startMs = clock.now();
  const { epochMs } = await graph.look(page.url, tags);
  const isOld = clock.now() - startMs > EPOCH_AGE_MS_MAX;
  return { epochMs: isOld ? undefined : epochMs, startMs };
}

function nextRecord(
  { page, tags, tagSet, variant }: Recording,
  record: UrlRecord | undefined,
  { mark, neededSeconds }: { mark: Mark; neededSeconds: number },
): UrlWrite {
  const { atMs, untilSeconds } = mark;
  const nowSeconds = Math.floor(atMs / 1_000);
  const seen = { variant, nowSeconds, neededSeconds, untilSeconds };
  const others = Object.entries(record?.marks ?? {})
    .filter(([id, { untilSeconds }]) => id !== tagSet && untilSeconds * 1_000 > atMs)
    .sort(([, a], [, b]) => b.untilSeconds - a.untilSeconds)
    .slice(0, MARKS_MAX - 1);
  const etag = field(page.response, 'etag');
  return {
    marks: { ...Object.fromEntries(others), [tagSet]: mark },
    untilSeconds: Math.max(record?.untilSeconds ?? 0, untilSeconds),
    variants: withVariant(record?.variants ?? {}, seen),
    heat: heatAfter(record, atMs),
    tags,
    status: page.status === 304 ? 200 : page.status,
    ...(etag === undefined ? {} : { etag }),
    recordedAtMs: atMs,
  };
}

/**
 * What the cache may ask the origin about: an ETag that names these tags, and nothing else. Last-Modified counts whole
 * seconds and knows no tags: a 304 for it might renew a page that a purge was meant to end.
 */
function validators(
  { status, response }: Page,
  { tags, native }: { readonly tags: readonly Tag[]; readonly native: readonly Tag[] },
): Record<string, string> {
  const etag = field(response, 'etag');
  const isPartly = native.length > 0 && native.length < tags.length;
  if (etag === undefined || (isEtagOf(etag, tags) && !isPartly)) return { 'last-modified': '' };
  // a 304's copy may carry other tags than these: an ETag that named them would be confirmed by the next 304
  let renamed = status === 304 ? etagUnconfirmed(etag) : etagWithTags(etag, tags);
  // which of them CloudFront has may be chosen anew: a copy that has others must not pass for this one
  if (renamed && isPartly && status !== 304) renamed = etagWithTags(renamed, native);
  return { etag: renamed ?? '', 'last-modified': '' };
}

/** Does this 304 confirm a copy with these very tags, all of them CloudFront's? Else its copy lives a second, and is then fetched in full. */
function isConfirmation(
  { status, response }: Page,
  { tags, nativeMax }: { readonly tags: readonly Tag[]; readonly nativeMax: number },
): boolean {
  if (status !== 304) return true;
  const isPartly = nativeMax > 0 && tags.length > nativeMax; // it does not say which of them the copy has
  return !isPartly && isEtagOf(field(response, 'etag') ?? '', tags);
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
  done.abort(null); // a reason of its own would be an error with a stack, for every miss
  return outcome;
}
