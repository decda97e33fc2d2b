/** `isr revalidate`: says what has changed, and can wait until it is fresh. */
import { Command } from 'commander';
import { IsrClient } from '../client';
import { IsrError } from '../core/errors';
import { isEnded, type Job } from '../core/jobs';
import { parseTag } from '../core/tags';
import { encodeUrl, parseUrl } from '../core/urls';
import { fetchFor } from './fetch';
import { collect, ENDPOINT_HELP, EXIT, endpointOf, type Io, parseSeconds, type Run } from './io';
import { printJob } from './jobs';

const EXAMPLES = `
Examples:
  $ isr revalidate post:42
  $ isr revalidate post:42 category:7 --wait
  $ isr revalidate --url /posts/42 --url '/search?q=isr'
  $ isr revalidate post:42 --endpoint https://abc123.execute-api.eu-west-1.amazonaws.com/v1

With --wait the exit code is 0 only when every page is fresh.`;

interface RevalidateOptions {
  readonly url: readonly string[];
  readonly endpoint?: string;
  readonly wait?: boolean;
  readonly timeout: number;
  readonly json?: boolean;
}

export function revalidateCommand(io: Io, run: Run): Command {
  return new Command('revalidate')
    .description('purge and warm what depends on these tags, and these urls')
    .argument('[tags...]', 'tags, as post:42')
    .option('-u, --url <path>', 'a url, path and query; may be given again', collect, [])
    .option('-e, --endpoint <url>', ENDPOINT_HELP)
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
  const tags = rawTags.map((tag, i) => parseTag(tag, `tag ${i + 1}`));
  const urls = options.url.map((url, i) => parseUrl(encodeUrl(url), `--url ${i + 1}`));
  if (tags.length + urls.length === 0) {
    throw new IsrError('body-invalid', 'nothing to revalidate: name a tag, or a url with --url');
  }
  const endpoint = endpointOf(options.endpoint, io.env);
  const client = new IsrClient({ endpoint, fetch: fetchFor(endpoint) });
  const { job } = await client.revalidate({
    ...(tags.length > 0 ? { tags } : {}),
    ...(urls.length > 0 ? { urls } : {}),
  });
  if (!options.wait) {
    io.out(
      options.json
        ? JSON.stringify({ job })
        : `${job} is queued; isr jobs ${job} shows how it goes`,
    );
    return EXIT.done;
  }
  const ended = await client.wait(job, {
    timeoutMs: options.timeout * 1_000,
    signal: io.signal,
    onChange: (now: Job) => options.json || io.err(`${now.state} …`),
  });
  printJob(ended, options.json ?? false, io);
  if (!isEnded(ended.state))
    io.err(`isr: the job is ${ended.state} after ${options.timeout} s and goes on`);
  return ended.state === 'fresh' ? EXIT.done : EXIT.failed;
}
