/** `isr redrive`: sends what lies in the dead-letter queues back to where it came from. */
import { Command } from 'commander';
import { sendBack } from '../aws/dead-letters';
import { IsrError } from '../core/errors';
import {
  DEAD_LETTER_QUEUE,
  deadLetterQueues,
  eachLetter,
  type QueueOptions,
  readLetter,
} from './dead-letters';
import { ENDPOINT_HELP, EXIT, endpointOf, type Io, type Run } from './io';

const EXAMPLES = `
Examples:
  $ isr jobs --dlq
  $ isr redrive c6af9ac6-7b61-11e6-9a41-93e8deadbeef
  $ isr redrive --all

What no worker can read (it is marked as poisoned) would come back: it is sent only when its message is named.`;

interface RedriveOptions extends QueueOptions {
  readonly all?: boolean;
  readonly endpoint?: string;
  readonly json?: boolean;
}

export function redriveCommand(io: Io, run: Run): Command {
  return new Command('redrive')
    .description('send messages of the dead-letter queues back to where they came from')
    .argument('[ids...]', 'messages or jobs, as isr jobs --dlq lists them')
    .option('-a, --all', 'every message that a worker can read')
    .option(DEAD_LETTER_QUEUE.flags, DEAD_LETTER_QUEUE.help, DEAD_LETTER_QUEUE.collect, [])
    .option('-e, --endpoint <url>', ENDPOINT_HELP)
    .option('--json', 'print what was sent back as JSON')
    .addHelpText('after', EXAMPLES)
    .action((ids: string[], options: RedriveOptions) =>
      run(options.json, () => redrive(ids, options, io)),
    );
}

async function redrive(ids: readonly string[], options: RedriveOptions, io: Io): Promise<number> {
  const isNamed = ids.length > 0;
  if (isNamed === (options.all ?? false)) {
    throw new IsrError('option-invalid', 'name messages or jobs to send back, or say --all');
  }
  const endpoint = endpointOf(options.endpoint, io.env);
  const sent: { message: string; queue: string; jobs: readonly string[] }[] = [];
  for (const queue of await deadLetterQueues(options, { endpoint, env: io.env })) {
    const url = await queue.source();
    await eachLetter(queue, async (dead) => {
      const { message, jobs, poison } = readLetter(dead, queue.name);
      const isMeant = isNamed
        ? [message, ...jobs].some((id) => ids.includes(id))
        : poison === undefined;
      if (!isMeant) return false;
      await sendBack(queue.client, dead, { deadLetterUrl: queue.deadLetterUrl, url });
      sent.push({ message, queue: queue.name, jobs });
      return true;
    });
    queue.client.destroy();
  }
  if (options.json) io.out(JSON.stringify({ sent }));
  else
    for (const { message, queue, jobs } of sent) io.out(`${message}  ${queue}  ${jobs.join(' ')}`);
  const found = new Set(sent.flatMap(({ message, jobs }) => [message, ...jobs]));
  const missing = ids.filter((id) => !found.has(id));
  for (const id of missing) io.err(`isr: no dead-letter queue has ${id}`);
  if (!options.json && sent.length === 0 && missing.length === 0) io.out('nothing to send back');
  return missing.length === 0 ? EXIT.done : EXIT.failed;
}
