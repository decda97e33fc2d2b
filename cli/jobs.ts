/** `isr jobs ID`: one revalidation, from request to fresh. */
import { Command } from 'commander';
import { IsrClient } from '../client';
import type { Job } from '../core/jobs';
import { fetchFor } from './fetch';
import { ENDPOINT_HELP, EXIT, endpointOf, type Io, type Run } from './io';

const EXAMPLES = `
Examples:
  $ isr jobs c6af9ac6-7b61-11e6-9a41-93e8deadbeef
  $ isr jobs c6af9ac6-7b61-11e6-9a41-93e8deadbeef --json`;

interface JobsOptions {
  readonly endpoint?: string;
  readonly json?: boolean;
}

export function jobsCommand(io: Io, run: Run): Command {
  return new Command('jobs')
    .description('show a job: what it purged and warmed, and when its pages became fresh')
    .argument('<id>', 'the id that isr revalidate printed')
    .option('-e, --endpoint <url>', ENDPOINT_HELP)
    .option('--json', 'print it as JSON')
    .addHelpText('after', EXAMPLES)
    .action((id: string, options: JobsOptions) =>
      run(options.json, async () => {
        const endpoint = endpointOf(options.endpoint, io.env);
        const job = await new IsrClient({ endpoint, fetch: fetchFor(endpoint) }).job(id);
        printJob(job, options.json ?? false, io);
        return EXIT.done;
      }),
    );
}

export function printJob(job: Job, isJson: boolean, { out }: Pick<Io, 'out'>): void {
  if (isJson) {
    out(JSON.stringify(job));
    return;
  }
  out(`${job.state}  job ${job.id}`);
  for (const [name, atMs] of timeline(job)) {
    out(`  ${`+${atMs - job.requestedAtMs} ms`.padStart(10)}  ${name}`);
  }
  out(
    `  asked for: tags ${job.tags}, urls ${job.urls}; purge items: ${job.items ?? 0}; needed none: ${job.skipped ?? 0}`,
  );
  if (job.covered === 0) out('  nothing that is cached depends on it');
  if (job.warmUrls) {
    out(
      `  warmed ${job.warmed} of ${job.warmUrls} urls, ${job.stale} still stale, ${job.failed} failed`,
    );
  }
  for (const problem of job.problems) out(`  ! ${problem}`);
  const unnamed = job.stale + job.failed - job.problems.length;
  if (unnamed > 0) out(`  ! and ${unnamed} more`);
  if (job.error) out(`  ! ${job.error}`);
}

/** What has happened, in the order in which it did. */
function timeline(job: Job): [name: string, atMs: number][] {
  const steps: [string, number | undefined][] = [
    ['queued', job.requestedAtMs],
    ['purging', job.purgingAtMs],
    ['purged', job.purgedAtMs],
    ['warming', job.warmingAtMs],
    ['fresh', job.freshAtMs],
    ['failed', job.failedAtMs],
  ];
  return steps
    .flatMap(([name, atMs]): [string, number][] => (atMs === undefined ? [] : [[name, atMs]]))
    .sort(([, a], [, b]) => a - b);
}
