/**
 * The revalidate API's client: says that data changed, and follows what becomes of it.
 *
 *     const isr = new IsrClient({ endpoint: 'https://x.execute-api.eu-west-1.amazonaws.com/v1' });
 *     const { job } = await isr.revalidate({ tags: ['post:42'] });
 *     const { state } = await isr.wait(job, { timeoutMs: 30_000 }); // 'fresh'
 *
 * Call `revalidate` after the change is committed: else a page that is rendered in between has the old data, and counts
 * as younger than the change.
 * It is tried again whenever the answer does not say that it arrived, under the same idempotency key: however often it
 * arrives, it is one job, and paid once.
 * @module
 */
import { IDEMPOTENCY_KEY, REVALIDATION_BYTES_MAX } from '../core/api';
import { IsrError } from '../core/errors';
import type { JobPage } from '../core/job-reader';
import { isConflict, isEnded, type Job, type JobPlan, type JobState, workId } from '../core/jobs';
import type { Clock } from '../core/ports';
import { parseKey, parseRevalidation } from '../core/revalidation';
import { readJob, readJobPage, readTaken } from './answers';
import type { Token } from './token';
import { CLOCK, type Fetch, Transport } from './transport';

export { type ErrorCode, IsrError } from '../core/errors';
export type { JobPage, JobSummary } from '../core/job-reader';
export { isEnded, type Job, type JobPlan, type JobState } from '../core/jobs';
export type { Clock } from '../core/ports';
export type { Token } from './token';
export type { Fetch } from './transport';

export interface IsrClientOptions {
  /** The API's address, with its stage if it has one: `http://127.0.0.1:4001`. */
  readonly endpoint: string;
  /** Sends the requests: give one that signs them, for an API behind IAM. @default - the global fetch */
  readonly fetch?: Fetch;
  /**
   * Of an API with `ApiAuth.bearer`: the secret's value, or a function that gets it (asked for every attempt, so that it
   * can follow a rotation). It is sent over https only, or to this machine.
   * @default - none
   */
  readonly token?: Token;
  /** How often a request is sent when it gets no answer, a 429 or a 5xx; pauses grow in between. @default 4 */
  readonly attemptsMax?: number;
  /** How long one attempt may take, ms. @default 5000 */
  readonly attemptTimeoutMs?: number;
  /** @default - the machine's */
  readonly clock?: Clock;
  /** Of pauses, so that many clients do not come back at once: 0 to 1. @default Math.random */
  readonly random?: () => number;
}

/** What has changed; tags, urls or both. */
export interface Work {
  readonly tags?: readonly string[];
  readonly urls?: readonly string[];
  /** Plan it, and do nothing: its job ends `planned`. @default false */
  readonly dryRun?: boolean;
  /** Whether a wildcard may hit urls that nobody asked for. @default false */
  readonly allowCollateral?: boolean;
}

export interface RevalidateOptions {
  /**
   * The id of the job, 16 to 64 of A-Z, a-z, 0-9, `_` and `-`: sent again with the same work it is the same job.
   * @default - a random one
   */
  readonly key?: string;
}

export interface JobsOptions {
  /** Jobs in this state only. @default - all */
  readonly state?: JobState;
  /** 1 to 100. @default 20 */
  readonly limit?: number;
  /** From an earlier page. @default - the newest */
  readonly cursor?: string;
}

export interface WaitOptions {
  /** What it was sent with: when its key stands for other work, `wait` fails. @default - it is not compared */
  readonly work?: Work;
  /** @default 60000 */
  readonly timeoutMs?: number;
  /** Told of the job whenever it has changed. */
  readonly onChange?: (job: Job) => void;
  /** Ends the waiting: `wait` then rejects with its reason. */
  readonly signal?: AbortSignal;
}

const POLL_MS = { first: 100, max: 2_000, growth: 1.5 };

export class IsrClient {
  private readonly transport: Transport;
  private readonly clock: Clock;

  /** @throws IsrError `option-invalid` when the endpoint is no http address, or no https one for a token */
  constructor(options: IsrClientOptions) {
    this.clock = options.clock ?? CLOCK;
    this.transport = new Transport({ ...options, clock: this.clock });
  }

  /**
   * Revalidates everything that depends on these tags, and these urls. When it resolves, the change is in the queue.
   *
   * @throws IsrError `body-invalid`, `body-too-large`, `tag-invalid`, `url-invalid`, `key-invalid`: nothing is revalidated
   * @throws IsrError `endpoint-unreachable` after the last attempt: it may have arrived or not, send it again later, under
   *   the same key
   */
  async revalidate(work: Work, { key }: RevalidateOptions = {}): Promise<{ job: string }> {
    const { tags, urls, ...flags } = parseRevalidation(work);
    const body = JSON.stringify({
      ...(tags.length === 0 ? {} : { tags }),
      ...(urls.length === 0 ? {} : { urls }),
      ...flags,
    });
    const headers = { [IDEMPOTENCY_KEY]: parseKey(key ?? globalThis.crypto.randomUUID()) };
    const bytes = new TextEncoder().encode(body).length;
    if (bytes > REVALIDATION_BYTES_MAX) {
      throw new IsrError(
        'body-too-large',
        `the revalidation has ${bytes} bytes, at most ${REVALIDATION_BYTES_MAX}: send it in parts`,
        'body',
      );
    }
    const init = { method: 'POST', headers, body };
    return { job: readTaken(await this.transport.send('/revalidate', init)) };
  }

  /**
   * What a revalidation would purge, what that would cost and what the budget says. Nothing is done.
   *
   * @throws IsrError as `revalidate` and `wait`; `plan-unavailable` when there is no plan in time
   */
  async plan(work: Work, options: Omit<WaitOptions, 'work'> = {}): Promise<JobPlan> {
    const dry = { ...work, dryRun: true };
    const { job } = await this.revalidate(dry);
    const { state, planned, error } = await this.wait(job, { ...options, work: dry });
    if (planned) return planned;
    const why = error === undefined ? '' : `: ${error}`;
    throw new IsrError('plan-unavailable', `the dry run ${job} is ${state}, without a plan${why}`);
  }

  /**
   * Jobs that a worker has begun, newest first. One page; its `cursor` asks for the next, also when `jobs` is empty.
   * @throws IsrError `query-invalid`, naming the option
   */
  async jobs({ state, limit, cursor }: JobsOptions = {}): Promise<JobPage> {
    const query = new URLSearchParams({
      ...(state === undefined ? {} : { state }),
      ...(limit === undefined ? {} : { limit: String(limit) }),
      ...(cursor === undefined ? {} : { cursor }),
    });
    const path = query.size === 0 ? '/jobs' : `/jobs?${query}`;
    return readJobPage(await this.transport.send(path, { method: 'GET' }));
  }

  /**
   * What became of a revalidation so far.
   * @throws IsrError `job-unknown`, also while the job is still in the queue
   */
  async job(id: string, { signal }: { readonly signal?: AbortSignal } = {}): Promise<Job> {
    const path = `/jobs/${encodeURIComponent(id)}`;
    return readJob(await this.transport.send(path, { method: 'GET' }, signal));
  }

  /**
   * Follows a job to its end.
   *
   * @returns the ended job; or, when time is up, the job as it was then: look at its `state`
   * @throws IsrError `job-unknown` when no worker has taken it within `timeoutMs`; `key-conflict` when it is another
   *   revalidation than `work`
   */
  async wait(id: string, options: WaitOptions = {}): Promise<Job> {
    const { timeoutMs = 60_000, onChange, signal } = options;
    const work = options.work && workId(parseRevalidation(options.work));
    const startMs = this.clock.now();
    let seen: string | undefined;
    for (let pauseMs = POLL_MS.first; ; pauseMs = Math.min(pauseMs * POLL_MS.growth, POLL_MS.max)) {
      signal?.throwIfAborted();
      const leftMs = () => startMs + timeoutMs - this.clock.now();
      const isUnknownFine = () => seen === undefined && leftMs() > 0; // a worker has not taken it from the queue yet
      const job = await this.jobUnlessUnknown(id, { signal, isUnknownFine });
      if (work !== undefined && isConflict(job, work)) {
        const said = `the key ${id} stands for another revalidation, of ${job?.tags} tags and ${job?.urls} urls`;
        throw new IsrError('key-conflict', said, IDEMPOTENCY_KEY);
      }
      const text = JSON.stringify(job);
      if (job && text !== seen) onChange?.(job);
      seen = text ?? seen;
      if (job && (isEnded(job.state) || leftMs() <= 0)) return job;
      await this.clock.sleep(Math.min(this.transport.jitter(pauseMs), leftMs()), signal);
    }
  }

  private async jobUnlessUnknown(
    id: string,
    { signal, isUnknownFine }: { signal: AbortSignal | undefined; isUnknownFine: () => boolean },
  ): Promise<Job | undefined> {
    try {
      return await this.job(id, signal ? { signal } : {});
    } catch (thrown) {
      if (thrown instanceof IsrError && thrown.code === 'job-unknown' && isUnknownFine()) return;
      throw thrown;
    }
  }
}
