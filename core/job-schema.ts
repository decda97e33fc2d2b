/**
 * What `GET /jobs/{id}` and `GET /jobs` answer, as JSON Schema 2020-12.
 *
 * The compiler holds the names, and which of them are always there, to the types that are answered; the rest is held by
 * test/end-to-end/openapi.test.ts, which reads real answers by it.
 * @module
 */
import type { JobPage, JobSummary } from './job-reader';
import { JOB_STATES, type Job, type JobPlan } from './jobs';

export interface Schema {
  readonly [keyword: string]: unknown;
}

type RequiredKeys<T> = { [K in keyof T]-?: undefined extends T[K] ? never : K }[keyof T];
type Properties<T> = { readonly [K in keyof Required<T>]: Schema };

function objectOf<T>(
  properties: Properties<T>,
  required: Readonly<Record<RequiredKeys<T>, true>>,
): Schema {
  return { type: 'object', properties, required: Object.keys(required) };
}

const text = (description: string): Schema => ({ type: 'string', description });
const count = (description: string): Schema => ({ type: 'integer', minimum: 0, description });
const time = (description: string): Schema => ({
  type: 'integer',
  description: `${description}; milliseconds since 1970`,
});
const usd = (description: string): Schema => ({ type: 'number', minimum: 0, description });
const list = (of: Schema, description: string): Schema => ({
  type: 'array',
  items: of,
  description,
});

/** How many, and some of them. */
const sampled = (description: string): Schema => ({
  ...objectOf<{ count: number; sample: readonly string[] }>(
    { count: count('How many.'), sample: list({ type: 'string' }, 'Some of them.') },
    { count: true, sample: true },
  ),
  description,
});

export const JOB_PLAN_SCHEMA: Schema = objectOf<JobPlan>(
  {
    atMs: time('When it was planned'),
    items: list(
      objectOf<JobPlan['items'][number]>(
        {
          item: text('A tag as #post:42, a path, or a wildcard.'),
          why: text('Why it is there.'),
          covers: count('How many of the urls that depend on what was asked for it covers.'),
          sample: list({ type: 'string' }, 'Some of these urls.'),
        },
        { item: true, why: true, covers: true, sample: true },
      ),
      'The first of them.',
    ),
    itemsCount: count('How many there are.'),
    skipped: list(
      objectOf<JobPlan['skipped'][number]>(
        { asked: text('A tag or a url.'), why: text('Why it needs no item of its own.') },
        { asked: true, why: true },
      ),
      'The first of what was asked for and needs no item.',
    ),
    skippedCount: count('How many need none.'),
    priceUsd: usd('What they would cost, at the month’s count.'),
    covered: count('Urls that depend on what was asked for.'),
    sample: list({ type: 'string' }, 'Some of these urls.'),
    collateral: sampled('Urls that nobody asked for and that the items would hit.'),
    unpurgeable: sampled('Urls that should be purged and that no item reaches.'),
    isAllowed: { type: 'boolean', description: 'Whether the budget would let it be purged.' },
    budget: text('What the budget says, in words.'),
  },
  {
    atMs: true,
    items: true,
    itemsCount: true,
    skipped: true,
    skippedCount: true,
    priceUsd: true,
    covered: true,
    sample: true,
    collateral: true,
    unpurgeable: true,
    isAllowed: true,
    budget: true,
  },
);

const SUMMARY: Properties<JobSummary> = {
  id: text('The request’s Idempotency-Key, or else its own id.'),
  state: { type: 'string', enum: JOB_STATES, description: 'The last six end it.' },
  requestedAtMs: time('When the API took it'),
  purgingAtMs: time('When a worker began'),
  purgedAtMs: time('When CloudFront had taken its invalidations'),
  warmingAtMs: time('When its warms were queued'),
  completedAtMs: time('When CloudFront was found to have completed its invalidations'),
  freshAtMs: time('When its last page was verified to be rendered after the change'),
  doubtedAtMs: time('When the last try of its revalidation began'),
  failedAtMs: time('When its revalidation was given up; a redrive may have brought it back'),
  error: text('Why nobody is at work on it any more.'),
  refused: objectOf<NonNullable<Job['refused']>>(
    {
      atMs: time('When the budget refused it'),
      reason: text('What the budget said.'),
      oldUntilMs: time(
        'Of an expiring one, when the last old copy of its pages is gone at the latest',
      ),
    },
    { atMs: true, reason: true },
  ),
  epochMs: time('What is rendered before it counts as old'),
  work: text('A hash of what it was asked for.'),
  conflictAtMs: time('When other work came under its key: nothing was purged for that'),
  conflictWork: text('A hash of that work.'),
  purge: text('The purge that it shares with other jobs of its moment.'),
  tags: count('Tags that were asked for.'),
  urls: count('Urls that were asked for.'),
  items: count('Purge items that it needed.'),
  priceUsd: usd('What they cost.'),
  skipped: count('Tags and urls that needed no item of their own.'),
  covered: count('Urls that depended on them.'),
  warmUrls: count('Urls to be warmed.'),
  warmed: count('Urls verified to be fresh.'),
  stale: count('Urls that were still old when the time was up.'),
  failed: count('Urls that could not be fetched.'),
};

const ALWAYS: Readonly<Record<RequiredKeys<JobSummary>, true>> = {
  id: true,
  state: true,
  requestedAtMs: true,
  tags: true,
  urls: true,
  warmed: true,
  stale: true,
  failed: true,
};

/** @param ref  the reference to a schema by its name */
export function jobSchema(ref: (name: string) => Schema): Schema {
  return objectOf<Job>(
    {
      ...SUMMARY,
      planned: ref('JobPlan'),
      invalidations: list({ type: 'string' }, 'CloudFront’s ids.'),
      collateral: sampled('Urls that nobody asked for and that its items hit.'),
      unpurgeable: sampled('Urls that no item reaches: `/url: reason` of some.'),
      problems: list({ type: 'string' }, 'What is not fresh, and why; at most 5 of each kind.'),
    },
    { ...ALWAYS, problems: true },
  );
}

export const JOB_SUMMARY_SCHEMA: Schema = objectOf<JobSummary>(SUMMARY, ALWAYS);

/** @param ref  the reference to a schema by its name */
export function jobPageSchema(ref: (name: string) => Schema): Schema {
  return objectOf<JobPage>(
    {
      jobs: list(ref('JobSummary'), 'Newest first; may be empty where a cursor goes on.'),
      looked: count('How many jobs were looked at for it.'),
      lookedBackToMs: time('When the last of these was requested'),
      cursor: text('Asks for what comes after; there when there may be more.'),
    },
    { jobs: true, looked: true },
  );
}
