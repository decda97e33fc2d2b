/**
 * What a purge has warmed: urls in parts of one warmer's run.
 *
 * A url that several jobs have changed is fetched once for all of them. A part's urls are all of the same jobs, so that no
 * job is told of another's pages.
 * @module
 */
import { chunks } from './chunks';
import { hash } from './hash';
import type { WarmMessage } from './ports';
import type { Url } from './urls';

/** More jobs have parts of their own, which find fresh pages. */
const PART_JOBS = 500;

/**
 * @param urlsOf the urls that each job waits for
 * @param partUrls how many one run of the warmer takes (`warmUrlsOfPart`)
 */
export function warmParts(
  urlsOf: ReadonlyMap<string, readonly Url[]>,
  { epochMs, partUrls }: { readonly epochMs: number; readonly partUrls: number },
): readonly WarmMessage[] {
  return groupsOf(urlsOf).flatMap((group) =>
    chunks(group.jobs, PART_JOBS).flatMap((jobs) =>
      chunks(group.urls, partUrls).map((urls) => {
        const part = hash(JSON.stringify([jobs, epochMs, urls])).slice(0, 16);
        return { part, jobs, epochMs, urls };
      }),
    ),
  );
}

interface Group {
  readonly jobs: readonly string[];
  readonly urls: Url[];
}

/** Urls by the jobs that they belong to, in their order. */
function groupsOf(urlsOf: ReadonlyMap<string, readonly Url[]>): Group[] {
  const jobsOf = new Map<Url, string[]>();
  for (const [job, urls] of urlsOf) {
    for (const url of urls) {
      const jobs = jobsOf.get(url);
      if (jobs) jobs.push(job);
      else jobsOf.set(url, [job]);
    }
  }
  const groups = new Map<string, Group>();
  for (const [url, jobs] of jobsOf) {
    const name = JSON.stringify(jobs);
    const group = groups.get(name) ?? { jobs, urls: [] };
    group.urls.push(url);
    groups.set(name, group);
  }
  return [...groups.values()];
}
