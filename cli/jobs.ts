/** `isr jobs`: the newest jobs; one of them, from request to fresh; what lies in the dead-letter queues. */
import { Command, InvalidArgumentError } from 'commander';
import type { JobPage, JobSummary } from '../core/job-reader';
import { JOB_STATES, type Job, type JobState } from '../core/jobs';
import { clientFor, TOKEN } from './client';
import { listDeadLetters } from './dead-letter-list';
import { DEAD_LETTER_QUEUE, type QueueOptions } from './dead-letters';
import { ENDPOINT_HELP, EXIT, type Io, type Run } from './io';
import { printPlan } from './print-plan';

const EXAMPLES = `
Examples:
  $ isr jobs
  $ isr jobs --state failed --limit 50
  $ isr jobs c6af9ac6-7b61-11e6-9a41-93e8deadbeef
  $ isr jobs c6af9ac6-7b61-11e6-9a41-93e8deadbeef --json
  $ isr jobs --dlq

A list knows the jobs that a worker has begun; what waits in the queue is not in it yet.`;

interface JobsOptions extends QueueOptions {
  readonly state?: JobState;
  readonly limit?: number;
  readonly cursor?: string;
  readonly dlq?: boolean;
  readonly endpoint?: string;
  readonly token?: string;
  readonly json?: boolean;
}

export function jobsCommand(io: Io, run: Run): Command {
  return new Command('jobs')
    .description('list jobs, or show one: what it purged and warmed, and when it became fresh')
    .argument('[id]', 'the id that isr revalidate printed')
    .option('-s, --state <state>', `list those that are ${JOB_STATES.join(', ')}`, parseState)
    .option('-l, --limit <number>', 'list so many, 1 to 100 (default: 20)', parseLimit)
    .option('-c, --cursor <cursor>', 'list those after an earlier page')
    .option('--dlq', 'list what lies in the dead-letter queues instead')
    .option(DEAD_LETTER_QUEUE.flags, DEAD_LETTER_QUEUE.help, DEAD_LETTER_QUEUE.collect, [])
    .option('-e, --endpoint <url>', ENDPOINT_HELP)
    .option(TOKEN.flags, TOKEN.help)
    .option('--json', 'print it as JSON')
    .addHelpText('after', EXAMPLES)
    .action((id: string | undefined, options: JobsOptions) =>
      run(options.json, () => jobs(id, options, io)),
    );
}

function parseState(value: string): JobState {
  const state = JOB_STATES.find((it) => it === value);
  if (state) return state;
  throw new InvalidArgumentError(`It takes one of ${JOB_STATES.join(', ')}.`);
}

function parseLimit(value: string): number {
  const limit = Number(value);
  if (/^\d+$/.test(value) && limit >= 1 && limit <= 100) return limit;
  throw new InvalidArgumentError('It takes a whole number from 1 to 100.');
}

async function jobs(id: string | undefined, options: JobsOptions, io: Io): Promise<number> {
  const { state, limit, cursor, json = false } = options;
  const { client, endpoint } = clientFor(options, io);
  if (options.dlq) await listDeadLetters(options, { client, endpoint, io });
  else if (id !== undefined) printJob(await client.job(id), json, io);
  else {
    const page = await client.jobs({
      ...(state === undefined ? {} : { state }),
      ...(limit === undefined ? {} : { limit }),
      ...(cursor === undefined ? {} : { cursor }),
    });
    printPage(page, json, io);
  }
  return EXIT.done;
}

function printPage(page: JobPage, isJson: boolean, { out }: Pick<Io, 'out'>): void {
  if (isJson) {
    out(JSON.stringify(page));
    return;
  }
  const rows = page.jobs.map(rowOf);
  for (const line of page.jobs.length > 0 ? table([HEAD, ...rows]) : ['no such job']) out(line);
  if (page.cursor === undefined) return;
  const back = new Date(page.lookedBackToMs ?? 0).toISOString();
  out(`looked at ${page.looked} jobs, back to ${back}; the next page: --cursor ${page.cursor}`);
}

const HEAD = ['STATE', 'REQUESTED', 'JOB', 'TAGS', 'URLS', 'ITEMS', 'USD', 'WARMED', 'NOTE'];

function rowOf(job: JobSummary): string[] {
  return [
    job.state,
    new Date(job.requestedAtMs).toISOString(),
    job.id,
    String(job.tags),
    String(job.urls),
    String(job.items ?? ''),
    job.priceUsd === undefined ? '' : job.priceUsd.toFixed(3),
    job.warmUrls ? `${job.warmed}/${job.warmUrls}` : '',
    job.error ?? job.refused?.reason ?? (job.conflictAtMs === undefined ? '' : 'conflict'),
  ];
}

/** Columns as wide as what is in them. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = HEAD.map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

/** `+12 ms  purged`: what has happened to a job, and what came of it. */
export function printJob(job: Job, isJson: boolean, { out }: Pick<Io, 'out'>): void {
  if (isJson) {
    out(JSON.stringify(job));
    return;
  }
  out(`${job.state}  job ${job.id}`);
  for (const [name, atMs] of timeline(job)) {
    out(`  ${`+${atMs - job.requestedAtMs} ms`.padStart(10)}  ${name}`);
  }
  if (job.planned) {
    out(`  asked for: tags ${job.tags}, urls ${job.urls}; nothing was done`);
    printPlan(job.planned, { out });
  } else printOutcome(job, { out });
  if (job.conflictAtMs !== undefined)
    out('  ! another revalidation came under its key: nothing was purged for that one');
  if (job.error) out(`  ! ${job.error}`);
}

function printOutcome(job: Job, { out }: Pick<Io, 'out'>): void {
  out(
    `  asked for: tags ${job.tags}, urls ${job.urls}; purge items: ${job.items ?? 0}; needed none: ${job.skipped ?? 0}`,
  );
  if (job.priceUsd !== undefined) out(`  paid: $${job.priceUsd.toFixed(3)}`);
  if (job.invalidations?.length) out(`  invalidations: ${job.invalidations.join(' ')}`);
  const { count = 0, sample = [] } = job.collateral ?? {};
  if (count > 0) out(`  also hit ${count} urls nobody asked for: ${sample.join(' ')}`);
  if (job.covered === 0) out('  nothing that is cached depends on it');
  if (job.warmUrls) {
    out(
      `  warmed ${job.warmed} of ${job.warmUrls} urls, ${job.stale} still stale, ${job.failed} failed`,
    );
  }
  for (const problem of job.problems) out(`  ! ${problem}`);
  const unreached = job.unpurgeable?.count ?? 0;
  const unnamed = job.stale + job.failed + unreached - job.problems.length;
  if (unnamed > 0) out(`  ! and ${unnamed} more`);
  if (job.refused) out(`  ! ${job.refused.reason}`);
  const { oldUntilMs } = job.refused ?? {};
  if (oldUntilMs !== undefined) out(`  ! old until ${new Date(oldUntilMs).toISOString()} at most`);
}

/** What has happened, in the order in which it did. */
function timeline(job: Job): [name: string, atMs: number][] {
  const steps: [string, number | undefined][] = [
    ['queued', job.requestedAtMs],
    ['purging', job.purgingAtMs],
    ['purged', job.purgedAtMs],
    ['warming', job.warmingAtMs],
    ['fresh', job.freshAtMs],
    ['completed everywhere, CloudFront says', job.completedAtMs],
    [job.refused?.oldUntilMs === undefined ? 'refused' : 'left to expire', job.refused?.atMs],
    ['planned', job.planned?.atMs],
    ['conflict', job.conflictAtMs],
    ['last try', job.doubtedAtMs],
    ['given up', job.failedAtMs],
  ];
  return steps
    .flatMap(([name, atMs]): [string, number][] => (atMs === undefined ? [] : [[name, atMs]]))
    .sort(([, a], [, b]) => a - b);
}
