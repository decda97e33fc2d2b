/** `isr cleanup`: removes what deleted stacks have left in the account: Lambda@Edge functions, their old versions, their logs. */
import { Command } from 'commander';
import {
  isReplicated,
  LOG_REGIONS,
  readAccount,
  removeFunction,
  removeLogGroup,
} from '../aws/leftovers';
import { type SignedApi, signedApi } from '../aws/signed-api';
import { IsrError, reasonOf } from '../core/errors';
import { type Leftovers, type LogGroup, leftoversIn, removableLogs } from '../core/leftovers';
import { collect, EXIT, type Io, type Run } from './io';

/** There is more to do, later. */
const EXIT_LATER = 3;

const EXAMPLES = `
Examples:
  $ isr cleanup --dry-run
  $ isr cleanup
  $ isr cleanup --yes --json        for a scheduled job: once a day until it ends with 0

CloudFront holds replicas of a Lambda@Edge function for some hours after its distribution is gone, and Lambda deletes no
function that has some. So the stack leaves it, and cdk destroy ends. What a distribution uses, what a stack has or is
changing, and what does not say whose it is stays. The table stays too: it holds data.

It signs with your AWS credentials, which need lambda:ListFunctions, ListVersionsByFunction, ListTags, DeleteFunction;
cloudfront:ListDistributions; cloudformation:DescribeStacks, ListStackResources; logs:DescribeLogGroups, DeleteLogGroup.

Exit codes: 0 nothing is left (or --dry-run), 1 AWS refused, or nobody said yes, 2 no such option,
3 replicas are still there: run it again in some hours.`;

interface CleanupOptions {
  readonly yes?: boolean;
  readonly dryRun?: boolean;
  readonly keepLogs?: boolean;
  readonly region: readonly string[];
  readonly json?: boolean;
}

export function cleanupCommand(io: Io, run: Run): Command {
  return new Command('cleanup')
    .description(
      'remove the Lambda@Edge functions that deleted stacks had to leave, and their logs',
    )
    .option('-y, --yes', 'do not ask')
    .option('--dry-run', 'list what would be removed, and why the rest stays')
    .option('--keep-logs', 'leave the log groups')
    .option(
      '--region <name>',
      'look for logs there too (default: the regions that every account has)',
      collect,
      [],
    )
    .option('--json', 'print what was removed, refused and kept as JSON')
    .addHelpText('after', EXAMPLES)
    .action((options: CleanupOptions) => run(options.json, () => cleanup(options, io)));
}

async function cleanup(options: CleanupOptions, io: Io): Promise<number> {
  const api = apiFor(io);
  const regions = options.keepLogs ? [] : [...new Set([...LOG_REGIONS, ...options.region])];
  const leftovers = leftoversIn(await readAccount(api, regions));
  const { functions, versions, logGroups, kept } = leftovers;
  const count = functions.length + versions.length + logGroups.length;
  if (!options.json) printList(leftovers, io);
  if (options.dryRun || count === 0) {
    const listed = { functions: functions.map(({ name }) => name), versions, logGroups, kept };
    if (options.json) io.out(JSON.stringify(listed));
    return EXIT.done;
  }
  if (!options.yes && !(await isAgreed(count, io))) return EXIT.failed;
  const done = await remove(leftovers, api);
  if (options.json) io.out(JSON.stringify({ ...done, kept }));
  else printDone(done, io);
  if (done.failed.length > 0) return EXIT.failed;
  return done.replicated.length > 0 ? EXIT_LATER : EXIT.done;
}

function apiFor({ env, signal }: Io): SignedApi {
  const provider = import('@aws-sdk/credential-provider-node').then((it) => it.defaultProvider());
  return signedApi({
    credentials: async () => (await provider)(),
    signal,
    ...(env.AWS_ENDPOINT_URL ? { endpoint: env.AWS_ENDPOINT_URL } : {}),
  });
}

/** @throws IsrError `option-invalid` when there is nobody to ask */
async function isAgreed(count: number, io: Io): Promise<boolean> {
  if (!io.ask) throw new IsrError('option-invalid', 'there is nobody to ask: say --yes');
  return /^y(es)?$/i.test((await io.ask(`Remove these ${count}? [y/N] `)).trim());
}

interface Done {
  readonly removed: readonly string[];
  /** CloudFront still has replicas of them. */
  readonly replicated: readonly string[];
  readonly failed: readonly { readonly name: string; readonly why: string }[];
}

/** One after the other: there are few, and Lambda's control plane takes 15 calls a second. */
async function remove(
  { functions, versions, logGroups }: Leftovers,
  api: SignedApi,
): Promise<Done> {
  const removed: string[] = [];
  const replicated: string[] = [];
  const failed: { name: string; why: string }[] = [];
  const attempt = async (name: string, work: () => Promise<void>): Promise<boolean> => {
    try {
      await work();
      removed.push(name);
      return true;
    } catch (thrown) {
      if (isReplicated(thrown)) replicated.push(name);
      else failed.push({ name, why: reasonOf(thrown) });
      return false;
    }
  };
  const logsInUse = new Set<string | undefined>();
  for (const it of functions) {
    const isGone = await attempt(it.name, () => removeFunction(api, { name: it.name }));
    if (!isGone) logsInUse.add(it.logGroup);
  }
  for (const it of versions) {
    await attempt(`${it.name}:${it.version}`, () => removeFunction(api, it));
  }
  for (const it of removableLogs(logGroups, logsInUse)) {
    await attempt(placeOf(it), () => removeLogGroup(api, it));
  }
  return { removed, replicated, failed };
}

function placeOf({ region, name }: LogGroup): string {
  return `${region} ${name}`;
}

function printList({ functions, versions, logGroups, kept }: Leftovers, { out }: Io): void {
  for (const { name, why } of kept) out(`keep    function   ${name}  ${why}`);
  for (const { name, versions } of functions) {
    out(`remove  function   ${name}  ${versions.length} versions; its stack is gone`);
  }
  for (const { name, version } of versions) {
    out(`remove  version    ${name}:${version}  neither its stack nor a distribution names it`);
  }
  for (const it of logGroups) out(`remove  log group  ${placeOf(it)}`);
  if (functions.length + versions.length + logGroups.length === 0) out('nothing is left over');
}

function printDone({ removed, replicated, failed }: Done, { out, err }: Io): void {
  for (const name of removed) out(`removed ${name}`);
  for (const { name, why } of failed) err(`isr: ${name} was not removed: ${why}`);
  for (const name of replicated) {
    err(`isr: ${name} is a replicated function still: run isr cleanup again in some hours`);
  }
}
