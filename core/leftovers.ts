/**
 * What a stack has left behind: recorders that Lambda would not delete while CloudFront held replicas of them, and their logs.
 *
 *     used by a distribution, or by a stack that is there or changing    kept
 *     old versions of such a recorder, which neither of them names       removed
 *     all other recorders of ours                                        removed, all versions at once
 *     logs that no recorder which is left writes to                      removed
 *
 * Whose a function is, it says itself: the construct tags it with its stack. One that does not say is nobody's to remove;
 * and while one is left of which it is not known where it writes, all logs stay.
 * @see CFDG, lambda-edge-delete-replicas
 * @module
 */

/** A Lambda function whose description is the recorder's. */
export interface RecorderFunction {
  readonly name: string;
  /** Numbers, without $LATEST. */
  readonly versions: readonly string[];
  /** ARN, as the tag says. */
  readonly stack?: string;
  /** `/edge-isr/NAME/recorder`; undefined when it is not known. */
  readonly logGroup?: string;
}

/** A stack that is not in a map of these has been deleted. */
export interface StackView {
  /** As in `UPDATE_COMPLETE`. */
  readonly status: string;
  /** Names of functions, ARNs of versions. */
  readonly physicalIds: ReadonlySet<string>;
}

export interface LogGroup {
  readonly region: string;
  readonly name: string;
}

export interface Account {
  readonly recorders: readonly RecorderFunction[];
  /** ARNs of the function versions that distributions use, and by which. */
  readonly usedBy: ReadonlyMap<string, string>;
  /** By ARN. */
  readonly stacks: ReadonlyMap<string, StackView>;
  readonly logGroups: readonly LogGroup[];
}

export interface Leftovers {
  /** With all their versions. */
  readonly functions: readonly RecorderFunction[];
  readonly versions: readonly { readonly name: string; readonly version: string }[];
  /** Once the functions are gone that write to them. */
  readonly logGroups: readonly LogGroup[];
  readonly kept: readonly { readonly name: string; readonly why: string }[];
}

export function leftoversIn(account: Account): Leftovers {
  const functions: RecorderFunction[] = [];
  const versions: { name: string; version: string }[] = [];
  const kept: { name: string; why: string }[] = [];
  const keptLogs = new Set<string | undefined>();
  for (const recorder of account.recorders) {
    const why = whyKept(recorder, account);
    if (why === undefined) {
      functions.push(recorder);
      continue;
    }
    kept.push({ name: recorder.name, why });
    keptLogs.add(recorder.logGroup);
    versions.push(...oldVersions(recorder, account));
  }
  const logGroups = removableLogs(account.logGroups, keptLogs);
  return { functions, versions, logGroups, kept };
}

/** @param writtenTo by the recorders that stay; undefined stands for anywhere */
export function removableLogs(
  logGroups: readonly LogGroup[],
  writtenTo: ReadonlySet<string | undefined>,
): LogGroup[] {
  if (writtenTo.has(undefined)) return [];
  return logGroups.filter(({ name }) => !writtenTo.has(name));
}

/** The most decisive first. */
function whyKept(recorder: RecorderFunction, { usedBy, stacks }: Account): string | undefined {
  for (const [arn, distribution] of usedBy) {
    if (functionOf(arn) === recorder.name) return `distribution ${distribution} uses it`;
  }
  if (recorder.stack === undefined) return 'it has no tag of edge-isr: whose it is, nobody knows';
  const stack = stacks.get(recorder.stack);
  if (!stack) return undefined;
  const name = stackName(recorder.stack);
  if (isChanging(stack)) return `stack ${name} is ${stack.status}`;
  return stack.physicalIds.has(recorder.name) ? `stack ${name} has it` : undefined;
}

/** Of a recorder that is kept: what neither a distribution nor its stack names, unless that is just changing. */
function oldVersions(
  { name, versions, stack: arn }: RecorderFunction,
  { usedBy, stacks }: Account,
): { name: string; version: string }[] {
  const stack = arn === undefined ? undefined : stacks.get(arn);
  if (!stack || isChanging(stack) || !stack.physicalIds.has(name)) return [];
  const namedIn = (ids: Iterable<string>) =>
    [...ids].filter((id) => functionOf(id) === name).map((id) => id.split(':').at(-1));
  const held = namedIn(stack.physicalIds);
  if (held.length === 0) return []; // a stack has one version at least: this one does not show it
  const named = new Set([...held, ...namedIn(usedBy.keys())]);
  return versions.filter((version) => !named.has(version)).map((version) => ({ name, version }));
}

function isChanging({ status }: StackView): boolean {
  return status.endsWith('_IN_PROGRESS') || status.endsWith('_FAILED');
}

/** `arn:aws:lambda:us-east-1:123456789012:function:NAME:3` → `NAME` */
export function functionOf(arn: string): string | undefined {
  const [, , service, , , type, name] = arn.split(':');
  return service === 'lambda' && type === 'function' ? name : undefined;
}

/** `arn:aws:cloudformation:us-east-1:123456789012:stack/NAME/ID` → `NAME` */
function stackName(arn: string): string {
  return arn.split('/')[1] ?? arn;
}
