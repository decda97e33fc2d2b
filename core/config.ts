/**
 * What the construct (or `isr dev`) tells the functions: the only thing that lib/, lambda/ and local/ share.
 *
 * The recorder has no environment (Lambda@Edge): its configuration is one origin custom header,
 * `x-isr-config: {"table":"Isr","region":"eu-west-1"}`, at most 1,783 characters (CFDG, cloudfront-limits).
 * The workers read environment variables, one per field.
 * @module
 */
import { type Budget, WHEN_EXCEEDED } from './budget';
import type { Lifetime } from './cache-policy';
import { IsrError } from './errors';
import type { PaceLimits } from './pace';
import { VARIANTS_MAX } from './variants';

/** CFDG, cloudfront-limits: an origin custom header's value. */
export const CONFIG_LENGTH_MAX = 1_783;

export interface RecorderConfig {
  readonly table: string;
  /** Whose keys are meant. @default - the table is this site's own */
  readonly site?: string;
  /** Region of the table. */
  readonly region: string;
  /** DynamoDB's address, when it is not AWS's: `http://127.0.0.1:8000`. */
  readonly endpoint?: string;
  /** After it the page is served unrecorded. */
  readonly deadlineMs: number;
  /** How long a response lives that could not be recorded: it cannot be purged, so it has to expire by itself. */
  readonly unrecordedSeconds: number;
  /**
   * How old a render may be when its origin does not say (`x-isr-elapsed`).
   * @default - the origin's response timeout: CloudFront waits no longer for the first byte
   */
  readonly renderBudgetMs?: number;
  readonly keyHeaders: readonly string[];
  /** @default native */
  readonly purge?: Purge;
  readonly maxTtlSeconds: number;
  readonly defaultSwrSeconds: number;
  /** Of a response that says nothing of how long it is fresh. @default - it is not kept */
  readonly defaults?: Lifetime;
}

export const RECORDER_DEFAULTS = {
  deadlineMs: 1_000,
  unrecordedSeconds: 10,
  keyHeaders: [],
  maxTtlSeconds: 31_536_000,
  defaultSwrSeconds: 2_592_000,
} as const satisfies Partial<RecorderConfig>;

/** @throws IsrError `config-invalid` when it does not fit into the header */
export function formatRecorderConfig(
  config: Partial<RecorderConfig> & { table: string; region: string },
): string {
  const text = JSON.stringify(config);
  if (text.length <= CONFIG_LENGTH_MAX) return text;
  throw new IsrError(
    'config-invalid',
    `the recorder's configuration has ${text.length} characters, an origin custom header at most ${CONFIG_LENGTH_MAX}: name fewer keyHeaders`,
  );
}

/** @throws IsrError `config-invalid` */
export function parseRecorderConfig(text: string | undefined): RecorderConfig {
  try {
    const config = { ...RECORDER_DEFAULTS, ...JSON.parse(text ?? '') };
    if (typeof config.table === 'string' && typeof config.region === 'string') return config;
  } catch {} // said below, with the text
  throw new IsrError(
    'config-invalid',
    `x-isr-config is ${text ?? 'missing'}: it needs at least table and region`,
  );
}

/** A tag of the recorder's function: the ARN of its stack, by which `isr cleanup` knows later whose it was. */
export const STACK_TAG = 'edge-isr:stack';

/** What a site may be called that shares a table: no name is the beginning of another's keys. */
export const SITE_NAME = /^[A-Za-z0-9-]{1,100}$/;

/** How the partition keys of a site begin that shares a table; those of the site whose table it is begin with none. */
export function siteKeys(site: string): string {
  return `site#${site}#`;
}

/** Environment variables of the workers. AWS_ENDPOINT_URL_* (the SDK's own) lead them to other servers. */
export const ENV = {
  table: 'ISR_TABLE',
  site: 'ISR_SITE',
  queueUrl: 'ISR_QUEUE_URL',
  warmQueueUrl: 'ISR_WARM_QUEUE_URL',
  distributionId: 'ISR_DISTRIBUTION_ID',
  edgeUrl: 'ISR_EDGE_URL',
  gatherMs: 'ISR_GATHER_MS',
  graceMs: 'ISR_GRACE_MS',
  purge: 'ISR_PURGE',
  budgetItems: 'ISR_BUDGET_ITEMS',
  budgetWhenExceeded: 'ISR_BUDGET_WHEN_EXCEEDED',
  settleMs: 'ISR_SETTLE_MS',
  edgeIsLocal: 'ISR_EDGE_IS_LOCAL',
  warmUrlsMax: 'ISR_WARM_URLS_MAX',
  warmPerSecond: 'ISR_WARM_PER_SECOND',
  warmConcurrency: 'ISR_WARM_CONCURRENCY',
  warmDeadlineMs: 'ISR_WARM_DEADLINE_MS',
  retrySecondsMax: 'ISR_RETRY_SECONDS_MAX',
  tokenSecretArn: 'ISR_TOKEN_SECRET_ARN',
} as const;

/** How pages are purged: by CloudFront's cache tags where it has them, or by paths alone. */
export const PURGES = ['native', 'paths'] as const;
export type Purge = (typeof PURGES)[number];

export type Environment = Readonly<Record<string, string | undefined>>;

/** Where a worker's keys are. */
export interface TableConfig {
  readonly table: string;
  /** Whose keys are meant. @default - the table is this site's own */
  readonly site?: string;
}

/** Of who works through a queue. */
export interface ConsumerConfig extends TableConfig {
  /** Where its messages come from. */
  readonly queueUrl: string;
  /** What failed comes back after so long at most. @default - as core/retries.ts says */
  readonly retrySecondsMax?: number;
}

export interface InvalidatorConfig extends ConsumerConfig {
  readonly warmQueueUrl: string;
  readonly distributionId: string;
  /** A purge takes more revalidations until none has come for so long. */
  readonly gatherMs: number;
  /** Between epochs and purge: what was recorded before may still be streaming into the cache. */
  readonly graceMs: number;
  /** How long the origin may still read what was there before a change: its replicas lag. */
  readonly settleMs: number;
  readonly purge: Purge;
  readonly budget?: Budget;
  /** Of one revalidation at most so many urls are warmed, the hottest; 0 warms none. */
  readonly warmUrlsMax: number;
  /** As the warmers are told: the parts are cut by it. */
  readonly warmPerSecond: number;
}

export interface WarmerConfig extends ConsumerConfig {
  /** The stack's own site, `https://d111111abcdef8.cloudfront.net`; nothing else is ever fetched. */
  readonly edgeUrl: string;
  /** The edge is `isr dev`, on this machine: loopback is dialled, and nothing else. */
  readonly edgeIsLocal: boolean;
  /** Fetches a second, of all warmers together; the origin's refusals halve it. */
  readonly perSecond: number;
  /** Fetches at once, of one warmer. */
  readonly concurrency: number;
  /** So long after the turns of all its urls a url that is still stale is reported as such. */
  readonly deadlineMs: number;
}

/** Of who reads jobs, and asks CloudFront whether they are completed. */
export interface JobsConfig extends TableConfig {
  readonly distributionId: string;
}

/** Of who checks bearer tokens. */
export interface AuthorizerConfig {
  readonly secretArn: string;
}

/** What the browser is told instead of the edge's own lifetime: it asks each time, and is answered by the cache. */
export const BROWSER_CACHE_CONTROL = 'public, max-age=0, must-revalidate';

/** After each receive that failed, when the next one is (core/retries.ts). */
export const RETRY_SECONDS = [10, 30, 120, 600, 1_800, 2_400, 2_400] as const;

/** Both queues hand a message out so often before it goes to their dead-letter queue. */
export const RECEIVES_MAX = RETRY_SECONDS.length + 1;

/** How long one run of a worker takes at most: Lambda ends it then. */
export const WORKER_SECONDS_MAX = { invalidator: 300, warmer: 900 } as const;

/** What no worker has taken to its end for so long is in neither queue any more. */
export const QUEUE_DAYS = 4;

/**
 * The warm queue's MaximumMessageSize. A url has up to 8,192 bytes, and JSON doubles `"` and `\`; a job's id has up to 64:
 * 25 × 16,384 + 500 × 67 and some are within it.
 */
export const WARM_BYTES_MAX = 524_288;

export const WORKER_DEFAULTS = {
  gatherMs: 500,
  graceMs: 1_000,
  settleMs: 0,
  warmUrlsMax: 1_000,
  warmPerSecond: 20,
  warmConcurrency: 4,
  warmDeadlineMs: 60_000,
} as const;

/** Lambda runs so many of them at once, and they share one pace. */
export const WARMERS_MAX = 5;
/** What one run of the warmer takes; with the jobs of a part it fits into a message (`WARM_BYTES_MAX`). */
const PART_URLS_MAX = 25;
/** So long a warmer may wait for the turns of a part's urls: a function lives 15 minutes (Lambda, gettingstarted-limits). */
const TURNS_MS_MAX = 600_000;

/** Until the last of so many has had its turn, when all warmers are at work. */
function turnsMs(targets: number, perSecond: number): number {
  return Math.ceil((targets * WARMERS_MAX * 1_000) / perSecond);
}

/** How many urls a part has: as many as can all be asked for by one warmer, in every variant. */
export function warmUrlsOfPart(perSecond: number): number {
  const urls = Math.floor(TURNS_MS_MAX / turnsMs(VARIANTS_MAX, perSecond));
  return Math.max(1, Math.min(PART_URLS_MAX, urls));
}

/** When a warm of so many targets ends at the latest: all have been asked for, and the last one had time to become fresh. */
export function warmDeadlineMs(
  targets: number,
  { deadlineMs, perSecond }: Pick<WarmerConfig, 'deadlineMs' | 'perSecond'>,
): number {
  return deadlineMs + turnsMs(targets, perSecond);
}

/** The longest that a part may take. */
export function warmMsMax(perSecond: number = WORKER_DEFAULTS.warmPerSecond): number {
  const targets = warmUrlsOfPart(perSecond) * VARIANTS_MAX;
  return warmDeadlineMs(targets, { deadlineMs: WORKER_DEFAULTS.warmDeadlineMs, perSecond });
}

/** What can be asked of a warm, by the construct's `warm` and by `isr dev --warm-…`. */
export const WARM_LIMITS = {
  /** So many urls of one revalidation can be compared by their heat (core/heat.ts). */
  maxUrls: { min: 0, max: 10_000 },
  perSecond: { min: 1, max: 1_000 },
  concurrency: { min: 1, max: 50 },
} as const;

/** @throws IsrError `config-invalid`, naming the variable */
export function invalidatorConfig(env: Environment): InvalidatorConfig {
  return {
    ...consumerIn(env),
    warmQueueUrl: required(env, ENV.warmQueueUrl),
    distributionId: required(env, ENV.distributionId),
    gatherMs: whole(env, ENV.gatherMs, WORKER_DEFAULTS.gatherMs),
    graceMs: whole(env, ENV.graceMs, WORKER_DEFAULTS.graceMs),
    settleMs: whole(env, ENV.settleMs, WORKER_DEFAULTS.settleMs),
    purge: oneOf(env, ENV.purge, PURGES),
    ...budgetIn(env),
    warmUrlsMax: whole(env, ENV.warmUrlsMax, WORKER_DEFAULTS.warmUrlsMax),
    warmPerSecond: positive(env, ENV.warmPerSecond, WORKER_DEFAULTS.warmPerSecond),
  };
}

/** @throws IsrError `config-invalid`, naming the variable */
export function warmerConfig(env: Environment): WarmerConfig {
  const edgeUrl = required(env, ENV.edgeUrl);
  return {
    ...consumerIn(env),
    edgeUrl,
    edgeIsLocal: isLocal(env, edgeUrl),
    perSecond: positive(env, ENV.warmPerSecond, WORKER_DEFAULTS.warmPerSecond),
    concurrency: positive(env, ENV.warmConcurrency, WORKER_DEFAULTS.warmConcurrency),
    deadlineMs: whole(env, ENV.warmDeadlineMs, WORKER_DEFAULTS.warmDeadlineMs),
  };
}

/** `isr dev` alone says so, and only of an edge that is plainly on this machine: nothing that is deployed can. */
function isLocal(env: Environment, edgeUrl: string): boolean {
  const name = ENV.edgeIsLocal;
  if (!env[name]) return false;
  if (/^http:\/\/(127\.0\.0\.1|\[::1\]|localhost)(:\d+)?\/?$/.test(edgeUrl)) return true;
  throw new IsrError('config-invalid', `${name} is set, but the edge is at ${edgeUrl}`, name);
}

/** Of all warmers of a site. However slow the origin, one fetch a second (or what was asked for, if that is less). */
export function warmPaceOf({ perSecond, concurrency }: WarmerConfig): PaceLimits {
  return { perSecond, burst: concurrency, perSecondMin: Math.min(1, perSecond) };
}

/** @throws IsrError `config-invalid`, naming the variable */
export function jobsConfig(env: Environment): JobsConfig {
  return { ...tableIn(env), distributionId: required(env, ENV.distributionId) };
}

/** @throws IsrError `config-invalid`, naming the variable */
export function authorizerConfig(env: Environment): AuthorizerConfig {
  return { secretArn: required(env, ENV.tokenSecretArn) };
}

function consumerIn(env: Environment): ConsumerConfig {
  return {
    ...tableIn(env),
    queueUrl: required(env, ENV.queueUrl),
    ...(env[ENV.retrySecondsMax] && { retrySecondsMax: positive(env, ENV.retrySecondsMax, 1) }),
  };
}

function tableIn(env: Environment): TableConfig {
  const table = required(env, ENV.table);
  const site = env[ENV.site];
  if (!site) return { table };
  if (SITE_NAME.test(site)) return { table, site };
  const rule = 'it takes 1 to 100 letters, digits and hyphens';
  throw new IsrError('config-invalid', `${ENV.site} is "${site}": ${rule}`, ENV.site);
}

function required(env: Environment, name: string): string {
  const value = env[name];
  if (value) return value;
  throw new IsrError('config-invalid', `${name} is not set`, name);
}

function budgetIn(env: Environment): { readonly budget?: Budget } {
  if (!env[ENV.budgetItems]) return {};
  const items = whole(env, ENV.budgetItems, 0);
  return { budget: { items, whenExceeded: oneOf(env, ENV.budgetWhenExceeded, WHEN_EXCEEDED) } };
}

/** The first of them when nothing is set. */
function oneOf<T extends string>(env: Environment, name: string, words: readonly [T, ...T[]]): T {
  const value = env[name] || words[0];
  const known = words.find((word) => word === value);
  if (known) return known;
  throw new IsrError('config-invalid', `${name} is "${value}": it takes ${words.join(', ')}`, name);
}

function positive(env: Environment, name: string, otherwise: number): number {
  const value = whole(env, name, otherwise);
  if (value > 0) return value;
  throw new IsrError('config-invalid', `${name} is "${env[name]}": it is at least 1`, name);
}

function whole(env: Environment, name: string, otherwise: number): number {
  const value = env[name];
  if (value === undefined || value === '') return otherwise;
  if (/^\d+$/.test(value)) return Number(value);
  throw new IsrError('config-invalid', `${name} is "${value}": it takes a whole number`, name);
}
