/**
 * What the jobs function answers.
 *
 *     GET /jobs/{id}                      {"id":…,"state":"fresh",…}
 *     GET /jobs?state=failed&limit=20     {"jobs":[…],"looked":200,"lookedBackToMs":1764037585000,"cursor":"MTc2…"}
 *
 * A list looks at LOOKED_MAX jobs at most, whatever it is asked for: `looked` says at how many, and `cursor` goes on from
 * there. Without a cursor there are no more.
 * @module
 */
import { type CompletionPorts, complete } from './completion';
import { IsrError } from './errors';
import {
  isCompleted,
  isWarmed,
  JOB_STATES,
  type Job,
  type JobFacts,
  type JobState,
  jobOf,
} from './jobs';
import { jobPlace } from './keys';
import { inParallel } from './parallel';
import type { Jobs } from './ports';
import { quote } from './quote';

export interface JobQuery {
  readonly state?: JobState;
  readonly limit: number;
  /** Where an earlier answer ended. */
  readonly before?: string;
}

/** A job in a list: without what only its own page shows. */
export type JobSummary = Omit<
  Job,
  'planned' | 'problems' | 'invalidations' | 'unpurgeable' | 'collateral'
>;

export interface JobPage {
  /** Newest first. */
  readonly jobs: readonly JobSummary[];
  /** How many jobs were looked at for it. */
  readonly looked: number;
  /** When the last of them was requested. */
  readonly lookedBackToMs?: number;
  /** Asks for what comes after; there when there may be more. */
  readonly cursor?: string;
}

export interface JobReaderPorts extends CompletionPorts {
  readonly jobs: Pick<Jobs, 'get' | 'recent' | 'completed'>;
  /** Told why CloudFront could not be asked: the job is answered as it is known. */
  readonly report: (thrown: unknown) => void;
}

export const JOBS_LIMIT = { default: 20, max: 100 } as const;
/** For a list by state, from page to page. */
const LOOKED_MAX = 200;
const PAGE = 50;
/** Jobs that are gone count as none looked at. */
const PAGES_MAX = 8;
/** Questions to CloudFront that one list may cause; the other jobs are shown as they are known. */
const COMPLETED_MAX = 10;

/** @throws IsrError `query-invalid`, naming the parameter, its value and the rule */
export function parseJobQuery(query: Readonly<Record<string, string | undefined>>): JobQuery {
  const { state, limit, cursor } = query;
  if (state !== undefined && !isState(state)) {
    throw invalid('state', state, `it takes one of ${JOB_STATES.join(', ')}`);
  }
  const { max } = JOBS_LIMIT;
  if (limit !== undefined && !(/^[1-9]\d{0,3}$/.test(limit) && Number(limit) <= max)) {
    throw invalid('limit', limit, `it takes a whole number from 1 to ${max}`);
  }
  const before = cursor === undefined ? undefined : placeIn(cursor);
  if (cursor !== undefined && before === undefined) {
    throw invalid('cursor', cursor, 'it takes what an earlier answer gave');
  }
  return {
    limit: limit === undefined ? JOBS_LIMIT.default : Number(limit),
    ...(state === undefined ? {} : { state }),
    ...(before === undefined ? {} : { before }),
  };
}

function isState(text: string): text is JobState {
  return (JOB_STATES as readonly string[]).includes(text);
}

function invalid(field: string, value: string, rule: string): IsrError {
  return new IsrError('query-invalid', `${field} is ${quote(value)}: ${rule}`, field);
}

const cursorAt = (place: string): string => Buffer.from(place).toString('base64url');

/** Undefined when it is none of ours. */
function placeIn(cursor: string): string | undefined {
  const place = Buffer.from(cursor, 'base64url').toString('latin1');
  return /^\d{13}#[\da-f]{16}$/.test(place) && cursorAt(place) === cursor ? place : undefined;
}

/** @throws IsrError `job-unknown`; what `jobs` throws */
export async function readJob(id: string, ports: JobReaderPorts): Promise<Job> {
  const facts = await ports.jobs.get(id);
  if (!facts) throw new IsrError('job-unknown', `no job has the id ${JSON.stringify(id)}`, 'id');
  return jobOf(await completed(facts, ports), ports.clock.now());
}

/** @throws what `jobs` throws */
export async function listJobs(
  { state, limit, before }: JobQuery,
  ports: JobReaderPorts,
): Promise<JobPage> {
  const nowMs = ports.clock.now();
  const found: JobSummary[] = [];
  let looked = 0;
  let asked = 0;
  let last: JobFacts | undefined;
  let from = before;
  for (let pages = 0; pages < PAGES_MAX && looked < LOOKED_MAX; pages += 1) {
    const page = await ports.jobs.recent({
      limit: state === undefined ? limit - found.length : PAGE,
      ...(from === undefined ? {} : { before: from }),
    });
    const pending = page.jobs.filter((job) => isWarmed(job, nowMs) && !isCompleted(job));
    const some = new Set(pending.slice(0, COMPLETED_MAX - asked));
    asked += some.size;
    const jobs = await inParallel(page.jobs, COMPLETED_MAX, async (job) =>
      some.has(job) ? completed(job, ports) : job,
    );
    for (const job of jobs) {
      looked += 1;
      last = job;
      const summary = summaryOf(job, nowMs);
      if (state === undefined || summary.state === state) found.push(summary);
      if (found.length === limit) {
        return pageOf({ jobs: found, looked, last, next: jobPlace(job.id, job.requestedAtMs) });
      }
    }
    from = page.next;
    if (from === undefined) break;
  }
  return pageOf({ jobs: found, looked, last, next: from });
}

function pageOf({
  jobs,
  looked,
  last,
  next,
}: {
  jobs: readonly JobSummary[];
  looked: number;
  last: JobFacts | undefined;
  next: string | undefined;
}): JobPage {
  return {
    jobs,
    looked,
    ...(last ? { lookedBackToMs: last.requestedAtMs } : {}),
    ...(next === undefined ? {} : { cursor: cursorAt(next) }),
  };
}

function summaryOf(facts: JobFacts, nowMs: number): JobSummary {
  const { planned, problems, invalidations, unpurgeable, collateral, ...summary } = jobOf(
    facts,
    nowMs,
  );
  return summary;
}

/** A job that is read is shown, whatever CloudFront says. */
async function completed(facts: JobFacts, ports: JobReaderPorts): Promise<JobFacts> {
  try {
    return await complete(facts, ports);
  } catch (thrown) {
    ports.report(thrown);
    return facts;
  }
}
