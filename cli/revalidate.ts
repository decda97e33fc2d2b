/** `isr revalidate`: says what has changed, and can wait until it is fresh. */
import { Command } from 'commander';
import { isEnded, type Job } from '../core/jobs';
import { clientFor, TOKEN } from './client';
import { collect, ENDPOINT_HELP, EXIT, type Io, parseSeconds, type Run } from './io';
import { printJob } from './jobs';
import { ALLOW_COLLATERAL, parseWork, type WorkOptions } from './work';

const EXAMPLES = `
Examples:
  $ isr revalidate post:42
  $ isr revalidate post:42 category:7 --wait
  $ isr revalidate --url /posts/42 --url '/search?q=isr'
  $ isr revalidate post:42 --endpoint https://abc123.execute-api.eu-west-1.amazonaws.com/v1
  $ isr revalidate post:42 --key cms-post-42-revision-7 --wait

With --wait the exit code is 0 only when every page is fresh.`;

interface RevalidateOptions extends WorkOptions {
  readonly key?: string;
  readonly endpoint?: string;
  readonly token?: string;
  readonly wait?: boolean;
  readonly timeout: number;
  readonly json?: boolean;
}

export function revalidateCommand(io: Io, run: Run): Command {
  return new Command('revalidate')
    .description('purge and warm what depends on these tags, and these urls')
    .argument('[tags...]', 'tags, as post:42')
    .option('-u, --url <path>', 'a url, path and query; may be given again', collect, [])
    .option(
      '-k, --key <key>',
      'an idempotency key, which is the job’s id: sent again with the same work it is the same job',
    )
    .option(ALLOW_COLLATERAL.flags, ALLOW_COLLATERAL.help)
    .option('-e, --endpoint <url>', ENDPOINT_HELP)
    .option(TOKEN.flags, TOKEN.help)
    .option('-w, --wait', 'follow the job until it ends')
    .option('-t, --timeout <seconds>', 'how long --wait waits', parseSeconds, 120)
    .option('--json', 'print the job as JSON')
    .addHelpText('after', EXAMPLES)
    .action((tags: string[], options: RevalidateOptions) =>
      run(options.json, () => revalidate(tags, options, io)),
    );
}

async function revalidate(
  rawTags: readonly string[],
  options: RevalidateOptions,
  io: Io,
): Promise<number> {
  const work = parseWork(rawTags, options);
  const { client } = clientFor(options, io);
  const { job } = await client.revalidate(
    work,
    options.key === undefined ? {} : { key: options.key },
  );
  if (!options.wait) {
    io.out(
      options.json
        ? JSON.stringify({ job })
        : `${job} is queued; isr jobs ${job} shows how it goes`,
    );
    return EXIT.done;
  }
  const ended = await client.wait(job, {
    work,
    timeoutMs: options.timeout * 1_000,
    signal: io.signal,
    onChange: (now) => options.json || io.err(`${progressOf(now)} …`),
  });
  printJob(ended, options.json ?? false, io);
  if (!isEnded(ended.state))
    io.err(`isr: the job is ${ended.state} after ${options.timeout} s and goes on`);
  return ended.state === 'fresh' ? EXIT.done : EXIT.failed;
}

/** `warming 12 of 60`: where a job is, with what it counts there. */
function progressOf({ state, items, warmUrls, warmed, stale, failed }: Job): string {
  if (state === 'purged') return `purged, ${items ?? 0} items`;
  return state === 'warming' ? `warming ${warmed + stale + failed} of ${warmUrls ?? 0}` : state;
}
