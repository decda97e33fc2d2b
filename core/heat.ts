/**
 * Heat: how often a url is asked for, as far as that can be known without a write on a miss.
 *
 * A hit tells the recorder nothing, and an unchanged miss writes nothing; but the edges of a page that is asked for again
 * and again are renewed again and again, about once in twice its lifetime, and those of a page that one visitor once saw
 * are not. So a record counts its own writes, each for half as much after a day: one number that rides on a write that
 * is made anyway. Of two urls with the same lifetime the hotter one is asked for more; of a page that lives for weeks it
 * tells little. Two recorders at once may count one write: it is an estimate.
 * @module
 */
import { chunks } from './chunks';
import { inParallel } from './parallel';
import type { Records, UrlRecord } from './ports';
import type { Url } from './urls';

const HALF_LIFE_MS = 86_400_000;
/** So many urls of one revalidation are compared: 10,000 strong reads, about a tenth of a cent. */
const COMPARED_MAX = 10_000;
const BATCH_URLS = 100;
const BATCHES_AT_ONCE = 10;

type Warmth = Pick<UrlRecord, 'heat' | 'recordedAtMs'>;

/** How hot a url is at a moment: 0 when nothing was recorded. */
export function heatAt(record: Warmth | undefined, nowMs: number): number {
  if (!record) return 0;
  return record.heat * 2 ** (-Math.max(0, nowMs - record.recordedAtMs) / HALF_LIFE_MS);
}

/** What a record says that is written now. */
export function heatAfter(record: Warmth | undefined, nowMs: number): number {
  return Math.round(heatAt(record, nowMs) * 1_000 + 1_000) / 1_000;
}

/** How many urls have to be known for `urlsMax` of them to be warmed: all that can be compared. */
export function candidatesMax(urlsMax: number): number {
  return urlsMax === 0 ? 0 : Math.max(urlsMax, COMPARED_MAX);
}

/**
 * The hottest of these urls, hottest first. Nothing is read when there is no choice to make; then, and where they are
 * equally hot, they are in their own order, so that a message told twice makes the same parts.
 */
export async function hottest(
  urls: readonly Url[],
  urlsMax: number,
  { records, nowMs }: { readonly records: Records; readonly nowMs: number },
): Promise<readonly Url[]> {
  if (urls.length <= urlsMax) return [...urls].sort();
  const compared = urls.slice(0, candidatesMax(urlsMax));
  const heats = new Map<Url, number>();
  await inParallel(chunks(compared, BATCH_URLS), BATCHES_AT_ONCE, async (batch) => {
    const found = await records.of(batch);
    for (const url of batch) heats.set(url, heatAt(found.get(url), nowMs));
  });
  const heatOf = (url: Url) => heats.get(url) ?? 0;
  return [...compared]
    .sort()
    .sort((a, b) => heatOf(b) - heatOf(a))
    .slice(0, urlsMax);
}
