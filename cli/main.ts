/** The command line: `isr dev`, `isr revalidate`, `isr plan`, `isr jobs`, `isr redrive`, `isr doctor`, `isr cost`, `isr cleanup`. A file per command. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { cleanupCommand } from './cleanup';
import { costCommand } from './cost';
import { devCommand } from './dev';
import { doctorCommand } from './doctor';
import { EXIT, type Io, type Run, reportFailure } from './io';
import { jobsCommand } from './jobs';
import { planCommand } from './plan';
import { redriveCommand } from './redrive';
import { revalidateCommand } from './revalidate';

const AFTER = `
Examples:
  $ isr dev --origin http://localhost:8000     the whole edge on this machine
  $ isr revalidate post:42 --wait              purge, warm and verify what depends on post:42
  $ isr plan post:42                           what that would purge and cost
  $ isr jobs ID                                what became of it
  $ isr doctor https://www.example.org/a       what would keep a page from being cached or purged
  $ isr jobs --dlq                             what failed eight times; isr redrive sends it back
  $ isr cost --pageviews 10M --edits 5000      what a site like that costs in a month
  $ isr cleanup --dry-run                      what deleted stacks have left in the account

Exit codes: 0 done, 1 failed, 2 no such command or option. --json prints for machines.`;

/** @param args without node and script, as in `['revalidate', 'post:42']` */
export async function main(args: readonly string[], io: Io): Promise<number> {
  let exitCode: number = EXIT.done;
  const run: Run = async (isJson, work) => {
    exitCode = await reportFailure(io, isJson, work);
  };
  const program = new Command('isr')
    .description('Incremental Static Revalidation for any origin, on AWS and on this machine')
    .version(version())
    .addHelpText('after', AFTER);
  const commands = [
    devCommand,
    revalidateCommand,
    planCommand,
    jobsCommand,
    redriveCommand,
    doctorCommand,
    costCommand,
    cleanupCommand,
  ];
  for (const command of commands) program.addCommand(command(io, run));
  for (const command of [program, ...program.commands]) {
    command.exitOverride().configureOutput({
      writeOut: (text) => io.out(text.trimEnd()),
      writeErr: (text) => io.err(text.trimEnd()),
    });
    if (command !== program)
      command.showHelpAfterError(`isr ${command.name()} --help has examples.`);
  }
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown;
    return thrown.exitCode === 0 ? EXIT.done : EXIT.usage; // commander has said it
  }
}

/** From dist/cli/ and, in tests, from cli/. */
function version(): string {
  for (const up of ['..', '../..']) {
    try {
      return JSON.parse(readFileSync(join(__dirname, up, 'package.json'), 'utf8')).version;
    } catch {} // one folder further up
  }
  return 'unknown';
}
