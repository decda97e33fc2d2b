/**
 * The revalidate API's client: says that data changed, and follows what becomes of it.
 *
 *     const isr = new IsrClient({ endpoint: 'https://x.execute-api.eu-west-1.amazonaws.com/v1' });
 *     const { job } = await isr.revalidate({ tags: ['post:42'] });
 *     const { state } = await isr.wait(job, { timeoutMs: 30_000 }); // 'fresh'
 *
 * Call `revalidate` after the change is committed: else a page that is rendered in between has the old data, and counts
 * as younger than the change.
 * Sending one twice does no harm (epochs only grow; at worst a purge is paid twice), so it is tried again
 * whenever the answer does not say that it arrived.
 * @module
 */
import { REVALIDATION_BYTES_MAX } from '../core/api';
import { IsrError } from '../core/errors';
import { isEnded, type Job } from '../core/jobs';
import type { Clock } from '../core/ports';
import { parseRevalidation } from '../core/revalidation';
import { readJob, readTaken } from './answers';
import { CLOCK, type Fetch, Transport } from './transport';

export { type ErrorCode, IsrError } from '../core/errors';
export { isEnded, type Job, type JobState } from '../core/jobs';
export type { Clock } from '../core/ports';
export type { Fetch } from './transport';

export interface IsrClientOptions {
  /** The API's address, with its stage if it has one: `http://127.0.0.1:4001`. */
  readonly endpoint: string;
  /** Sends the requests: give one that signs them, for an API behind IAM. @default - the global fetch */
  readonly fetch?: Fetch;
  /** How often a request is sent when it gets no answer, a 429 or a 5xx; pauses grow in between. @default 4 */
  readonly attemptsMax?: number;
  /** How long one attempt may take, ms. @default 5000 */
  readonly attemptTimeoutMs?: number;
  /** @default - the machine's */
  readonly clock?: Clock;
  /** Of pauses, so that many clients do not come back at once: 0 to 1. @default Math.random */
  readonly random?: () => number;
}

export interface WaitOptions {
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

  /** @throws IsrError `option-invalid` when the endpoint is no http address */
  constructor(options: IsrClientOptions) {
    this.clock = options.clock ?? CLOCK;
    this.transport = new Transport({ ...options, clock: this.clock });
  }

  /**
   * Revalidates everything that depends on these tags, and these urls. When it resolves, the change is in the queue.
   *
   * @throws IsrError `body-invalid`, `body-too-large`, `tag-invalid`, `url-invalid`: nothing is revalidated
   * @throws IsrError `endpoint-unreachable` after the last attempt: it may have arrived or not, send it again later
   */
  async revalidate(work: {
    readonly tags?: readonly string[];
    readonly urls?: readonly string[];
  }): Promise<{ job: string }> {
    const { tags, urls } = parseRevalidation(work);
    const body = JSON.stringify({
      ...(tags.length === 0 ? {} : { tags }),
      ...(urls.length === 0 ? {} : { urls }),
    });
    const bytes = new TextEncoder().encode(body).length;
    if (bytes > REVALIDATION_BYTES_MAX) {
      throw new IsrError(
        'body-too-large',
        `the revalidation has ${bytes} bytes, at most ${REVALIDATION_BYTES_MAX}: send it in parts`,
        'body',
      );
    }
    return { job: readTaken(await this.transport.send('/revalidate', { method: 'POST', body })) };
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
   * @throws IsrError `job-unknown` when no worker has taken it within `timeoutMs`
   */
  async wait(id: string, options: WaitOptions = {}): Promise<Job> {
    const { timeoutMs = 60_000, onChange, signal } = options;
    const startMs = this.clock.now();
    let seen: string | undefined;
    for (let pauseMs = POLL_MS.first; ; pauseMs = Math.min(pauseMs * POLL_MS.growth, POLL_MS.max)) {
      signal?.throwIfAborted();
      const leftMs = () => startMs + timeoutMs - this.clock.now();
      const isUnknownFine = () => seen === undefined && leftMs() > 0; // a worker has not taken it from the queue yet
      const job = await this.jobUnlessUnknown(id, { signal, isUnknownFine });
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
