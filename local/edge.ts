/**
 * The whole system on one machine: CloudFront, the table, the queues, the functions and the API, in one process.
 *
 *     viewer ─► cloudfront ─► origin      POST /revalidate ─► api ─► sqs ─► invalidator ─► cloudfront's control API
 *                   └─ recorder ─► dynamodb                                     └─► sqs ─► warmer ─► cloudfront
 *
 * The functions are the built Lambda bundles, the very ones that are deployed; what stands around them speaks AWS's
 * protocols over HTTP. Everything listens on loopback only and lives in memory.
 * @module
 */
import { REVALIDATION_BYTES_MAX } from '../core/api';
import type { Budget } from '../core/budget';
import {
  BROWSER_CACHE_CONTROL,
  ENV,
  formatRecorderConfig,
  type Purge,
  RECEIVES_MAX,
  type RecorderConfig,
  WARM_BYTES_MAX,
  WORKER_DEFAULTS,
  warmMsMax,
} from '../core/config';
import { reasonOf } from '../core/errors';
import { CONFIG, ELAPSED, NATIVE_TAGS, RULING } from '../core/headers';
import { hasRules, ruleHeaders, TRACKING_PARAMETERS, type ViewerRules } from '../core/viewer-rules';
import { REGION } from './account';
import { type LocalApi, startApi } from './api';
import { builtPath } from './built';
import { type LocalCloudFront, type RequestLine, startCloudFront } from './cloudfront';
import { viewerFunction } from './cloudfront/viewer-function';
import { createTable, type LocalDynamoDb, startDynamoDb } from './dynamodb';
import { mapQueue } from './lambda/event-source';
import { type FunctionOptions, type LocalFunction, loadFunction } from './lambda/host';
import { reachOrigin } from './origin-address';
import { type LocalQueue, type LocalSqs, startSqs } from './sqs';

export interface EdgeOptions {
  /** The server that renders the pages: `http://localhost:8000`. */
  readonly origin: string;
  /** Asked when `origin` fails, as the second of an origin group. @default - none */
  readonly failover?: string;
  /** Where viewers connect; 0 takes any free port. */
  readonly port: number;
  /** The revalidate API and CloudFront's control API; 0 takes any free port. */
  readonly apiPort: number;
  /** @default 1000 ms, as deployed */
  readonly graceMs?: number;
  /** How long a purge waits for more. @default 150 ms; deployed it is 500: here nobody likes to wait */
  readonly gatherMs?: number;
  /** @default native */
  readonly purge?: Purge;
  /** @default - none */
  readonly budget?: Budget;
  /** After it a message that was not acknowledged is handed out again, one that failed no later either. @default 120, the longest function timeout */
  readonly visibilitySeconds?: number;
  /** After it a url that is still stale is reported as such. @default 60000 */
  readonly warmDeadlineMs?: number;
  /** Of one revalidation at most so many urls are warmed, the hottest; 0 warms none. @default 1000 */
  readonly warmUrlsMax?: number;
  /** Warm fetches a second, of all warmers together. @default 20 */
  readonly warmPerSecond?: number;
  /** Warm fetches at once, of one warmer. @default 4 */
  readonly warmConcurrency?: number;
  /** What is made of viewers' requests. @default - tracking parameters are dropped, as deployed */
  readonly viewerRules?: Partial<ViewerRules>;
  /** The table of another edge, and this site's name in it. @default - a table of its own */
  readonly shared?: { readonly dynamoDbEndpoint: string; readonly site: string };
  /** @default - as deployed */
  readonly recorder?: Partial<RecorderConfig>;
  readonly onRequest?: (line: RequestLine) => void;
  /** What the functions print, and what went wrong between the parts. */
  readonly onLog?: (line: string) => void;
}

export interface LocalEdge {
  /** The site: `http://127.0.0.1:4000`. */
  readonly url: string;
  readonly apiUrl: string;
  readonly dynamoDbEndpoint: string;
  readonly sqsEndpoint: string;
  readonly table: string;
  readonly distributionId: string;
  readonly revalidateQueueUrl: string;
  readonly revalidateDeadLetterUrl: string;
  readonly warmDeadLetterUrl: string;
  /** Finishes what is under way and frees every port. */
  close(): Promise<void>;
}

const TABLE = 'isr-local';
const DISTRIBUTION_ID = 'ELOCALISR00001';
/** A response must not wait for a recorder longer than the fence's slack allows for: core/fence.ts. */
const RECORDERS = { concurrency: 100, waitMaxMs: 400 };
/** Deployed, a batch gathers for a second; here a burst still has to come together, and nobody likes to wait. */
const INVALIDATORS = 5;
const REVALIDATIONS = { batchSize: 1_000, batchWindowMs: 100, concurrency: INVALIDATORS };
const GATHER_MS = 150;
const WARMS = { batchSize: 1, batchWindowMs: 0 };
const SECONDS = 1_000;

/** @throws IsrError `origin-invalid`, `origin-unreachable`, `port-taken`: one sentence each */
export async function startLocalEdge(options: EdgeOptions): Promise<LocalEdge> {
  await reachOrigin(options.origin);
  const parts = new Parts();
  try {
    const stores = await openStores(options, parts);
    const cloudFront = await openCloudFront(options, stores, parts);
    const api = await openApi(options, { stores, cloudFront }, parts);
    await openWorkers(options, { stores, cloudFront, api }, parts);
    return { ...addressesOf({ stores, cloudFront, api }), close: () => parts.close() };
  } catch (thrown) {
    await parts.close();
    throw thrown;
  }
}

interface Part {
  close(): Promise<void>;
}

/** What has been opened, to be closed in the opposite order. */
class Parts {
  private readonly opened: Part[] = [];

  async open<T extends Part>(part: Promise<T> | T): Promise<T> {
    const it = await part;
    this.opened.push(it);
    return it;
  }

  async close(): Promise<void> {
    for (const part of this.opened.splice(0).reverse()) await part.close();
  }
}

interface Stores {
  readonly dynamoDb: Pick<LocalDynamoDb, 'endpoint'>;
  readonly sqs: LocalSqs;
  readonly revalidateQueue: Required<LocalQueue>;
  readonly warmQueue: Required<LocalQueue>;
}

async function openStores(options: EdgeOptions, parts: Parts): Promise<Stores> {
  const [dynamoDb, sqs] = await Promise.all([openTable(options, parts), parts.open(startSqs())]);
  const queue = async (name: string, maximumMessageSize: number) => {
    const { url, deadLetterUrl = '' } = await sqs.createQueue({
      name,
      visibilitySeconds: options.visibilitySeconds ?? 120,
      maximumMessageSize,
      deadLetter: { name: `${name}-dead-letter`, maxReceives: RECEIVES_MAX },
    });
    return { url, deadLetterUrl };
  };
  const [revalidateQueue, warmQueue] = await Promise.all([
    queue('revalidate', REVALIDATION_BYTES_MAX),
    queue('warm', WARM_BYTES_MAX),
  ]);
  return { dynamoDb, sqs, revalidateQueue, warmQueue };
}

async function openTable({ shared }: EdgeOptions, parts: Parts): Promise<Stores['dynamoDb']> {
  if (shared) return { endpoint: shared.dynamoDbEndpoint };
  const dynamoDb = await parts.open(startDynamoDb());
  await createTable(dynamoDb.endpoint, TABLE);
  return dynamoDb;
}

async function openCloudFront(
  options: EdgeOptions,
  { dynamoDb }: Stores,
  parts: Parts,
): Promise<LocalCloudFront> {
  const recorder = await load(
    'recorder',
    { timeoutMs: 30 * SECONDS, ...RECORDERS },
    options,
    parts,
  );
  const rules = { drop: TRACKING_PARAMETERS, locales: [], devices: [], ...options.viewerRules };
  const keyHeaders = [...(options.recorder?.keyHeaders ?? []), ...ruleHeaders(rules)];
  const config = formatRecorderConfig({
    region: REGION,
    endpoint: dynamoDb.endpoint,
    ...(options.purge === 'paths' ? { purge: options.purge } : {}),
    ...options.recorder,
    keyHeaders,
    table: TABLE,
    ...(options.shared ? { site: options.shared.site } : {}),
  });
  return parts.open(
    startCloudFront({
      origin: options.origin,
      ...(options.failover ? { failover: { origin: options.failover } } : {}),
      port: options.port,
      distributionId: DISTRIBUTION_ID,
      customHeaders: { [CONFIG]: config },
      keyHeaders,
      ...(hasRules(rules) ? { viewerRequest: viewerFunction(rules) } : {}),
      tagHeader: NATIVE_TAGS,
      viewerHeaders: {
        remove: [NATIVE_TAGS, RULING, ELAPSED],
        set: { 'Cache-Control': BROWSER_CACHE_CONTROL },
      },
      originResponse: (event) => recorder.invoke(event),
      ...(options.onRequest ? { onRequest: options.onRequest } : {}),
    }),
  );
}

interface Opened {
  readonly stores: Stores;
  readonly cloudFront: LocalCloudFront;
  readonly api: LocalApi;
}

async function openApi(
  options: EdgeOptions,
  { stores, cloudFront }: Omit<Opened, 'api'>,
  parts: Parts,
): Promise<LocalApi> {
  const { revalidateQueue, warmQueue, sqs } = stores;
  let jobs: LocalFunction | undefined; // it asks CloudFront's control API, which is at the API's port
  const api = await parts.open(
    startApi({
      port: options.apiPort,
      queueUrl: revalidateQueue.url,
      sqsEndpoint: sqs.endpoint,
      jobs: {
        name: 'jobs',
        invoke: async (event) => {
          if (!jobs) throw new Error('isr dev is starting');
          return jobs.invoke(event);
        },
      },
      queues: [revalidateQueue, warmQueue],
      extra: (request, response) => {
        if (!request.url?.startsWith('/2020-05-31/')) return false;
        cloudFront.control(request, response);
        return true;
      },
      onError: (error) => options.onLog?.(`api: ${reasonOf(error)}`),
    }),
  );
  const env = { ...environment(stores, options), ...cloudFrontEnv(api) };
  jobs = await load('jobs', { env, timeoutMs: 10 * SECONDS }, options, parts);
  return api;
}

/** Of the functions that purge, and of those that ask how a purge stands. */
function cloudFrontEnv(api: LocalApi): Record<string, string> {
  return { AWS_ENDPOINT_URL_CLOUDFRONT: api.url, [ENV.distributionId]: DISTRIBUTION_ID };
}

async function openWorkers(
  options: EdgeOptions,
  { stores, cloudFront, api }: Opened,
  parts: Parts,
): Promise<void> {
  const { revalidateQueue, warmQueue } = stores;
  const invalidatorEnv = {
    ...environment(stores, options),
    ...cloudFrontEnv(api),
    [ENV.queueUrl]: revalidateQueue.url,
    [ENV.warmQueueUrl]: warmQueue.url,
    [ENV.gatherMs]: String(options.gatherMs ?? GATHER_MS),
    ...(options.purge ? { [ENV.purge]: options.purge } : {}),
    ...(options.budget
      ? {
          [ENV.budgetItems]: String(options.budget.items),
          [ENV.budgetWhenExceeded]: options.budget.whenExceeded,
        }
      : {}),
    [ENV.graceMs]: String(options.graceMs ?? WORKER_DEFAULTS.graceMs),
    [ENV.warmUrlsMax]: String(options.warmUrlsMax ?? WORKER_DEFAULTS.warmUrlsMax),
    [ENV.warmPerSecond]: String(options.warmPerSecond ?? WORKER_DEFAULTS.warmPerSecond),
  };
  const warmerEnv = {
    ...environment(stores, options),
    ...cloudFrontEnv(api),
    [ENV.queueUrl]: warmQueue.url,
    [ENV.edgeUrl]: cloudFront.url,
    [ENV.edgeIsLocal]: 'true',
    [ENV.warmPerSecond]: String(options.warmPerSecond ?? WORKER_DEFAULTS.warmPerSecond),
    [ENV.warmConcurrency]: String(options.warmConcurrency ?? WORKER_DEFAULTS.warmConcurrency),
    [ENV.warmDeadlineMs]: String(options.warmDeadlineMs ?? WORKER_DEFAULTS.warmDeadlineMs),
  };
  const [invalidator, warmer] = await Promise.all([
    load(
      'invalidator',
      { env: invalidatorEnv, timeoutMs: 300 * SECONDS, concurrency: INVALIDATORS },
      options,
      parts,
    ),
    load(
      'warmer',
      { env: warmerEnv, timeoutMs: warmMsMax(options.warmPerSecond) + 60 * SECONDS },
      options,
      parts,
    ),
  ]);
  const mapping = {
    sqsEndpoint: stores.sqs.endpoint,
    onError: (error: unknown) => options.onLog?.(`queue: ${reasonOf(error)}`),
  };
  await parts.open(
    mapQueue({ ...mapping, ...REVALIDATIONS, queueUrl: revalidateQueue.url, fn: invalidator }),
  );
  await parts.open(mapQueue({ ...mapping, ...WARMS, queueUrl: warmQueue.url, fn: warmer }));
}

/** AWS_ENDPOINT_URL_* are the SDK's own variables. */
function environment(
  { dynamoDb, sqs }: Stores,
  { shared, visibilitySeconds }: EdgeOptions,
): Record<string, string> {
  return {
    AWS_ENDPOINT_URL_DYNAMODB: dynamoDb.endpoint,
    AWS_ENDPOINT_URL_SQS: sqs.endpoint,
    [ENV.table]: TABLE,
    ...(shared ? { [ENV.site]: shared.site } : {}),
    ...(visibilitySeconds ? { [ENV.retrySecondsMax]: String(visibilitySeconds) } : {}),
  };
}

function load(
  name: string,
  more: Pick<FunctionOptions, 'timeoutMs' | 'env' | 'concurrency' | 'waitMaxMs'>,
  { onLog }: EdgeOptions,
  parts: Parts,
): Promise<LocalFunction> {
  const logged = onLog ? { onLog } : {};
  return parts.open(
    loadFunction({ name, bundle: builtPath(`lambda/${name}`, '/index.js'), ...more, ...logged }),
  );
}

function addressesOf({ stores, cloudFront, api }: Opened): Omit<LocalEdge, 'close'> {
  return {
    url: cloudFront.url,
    apiUrl: api.url,
    dynamoDbEndpoint: stores.dynamoDb.endpoint,
    sqsEndpoint: stores.sqs.endpoint,
    table: TABLE,
    distributionId: DISTRIBUTION_ID,
    revalidateQueueUrl: stores.revalidateQueue.url,
    revalidateDeadLetterUrl: stores.revalidateQueue.deadLetterUrl,
    warmDeadLetterUrl: stores.warmQueue.deadLetterUrl,
  };
}
