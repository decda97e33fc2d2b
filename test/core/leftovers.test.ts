import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Account,
  leftoversIn,
  type RecorderFunction,
  type StackView,
} from '../../core/leftovers';

const stackArn = (name: string) => `arn:aws:cloudformation:us-east-1:123456789012:stack/${name}/0`;
const versionArn = (name: string, version: string) =>
  `arn:aws:lambda:us-east-1:123456789012:function:${name}:${version}`;
const logs = (site: string) => `/edge-isr/${site}/recorder`;

const recorder = (name: string, some: Partial<RecorderFunction> = {}): RecorderFunction => ({
  name,
  versions: ['1'],
  stack: stackArn('Site'),
  logGroup: logs('Site'),
  ...some,
});
const account = (some: Partial<Account>): Account => ({
  recorders: [],
  usedBy: new Map(),
  stacks: new Map(),
  logGroups: [],
  ...some,
});
const site = (status: string, ...ids: string[]): ReadonlyMap<string, StackView> =>
  new Map([[stackArn('Site'), { status, physicalIds: new Set(ids) }]]);

const names = ({ functions }: ReturnType<typeof leftoversIn>) => functions.map(({ name }) => name);

describe('a recorder', () => {
  it('whose stack is gone, and which no distribution uses, is left over', () => {
    expect(names(leftoversIn(account({ recorders: [recorder('old')] })))).toEqual(['old']);
  });

  it('that a distribution uses stays, whatever became of its stack', () => {
    const usedBy = new Map([[versionArn('old', '7'), 'E1']]);
    const { functions, versions, kept } = leftoversIn(
      account({ recorders: [recorder('old', { versions: ['6', '7'] })], usedBy }),
    );
    expect({ functions, versions }).toEqual({ functions: [], versions: [] });
    expect(kept).toEqual([{ name: 'old', why: 'distribution E1 uses it' }]);
  });

  it('that its stack has stays', () => {
    const stacks = site('UPDATE_COMPLETE', 'now', versionArn('now', '1'));
    const { functions, kept } = leftoversIn(account({ recorders: [recorder('now')], stacks }));
    expect(functions).toEqual([]);
    expect(kept).toEqual([{ name: 'now', why: 'stack Site has it' }]);
  });

  it('that its stack has replaced by another is left over', () => {
    const stacks = site('UPDATE_COMPLETE', 'new', versionArn('new', '1'));
    const recorders = [recorder('old'), recorder('new')];
    expect(names(leftoversIn(account({ recorders, stacks })))).toEqual(['old']);
  });

  it.each(['UPDATE_IN_PROGRESS', 'DELETE_IN_PROGRESS', 'UPDATE_ROLLBACK_FAILED'])(
    'of a stack that is %s stays, with all its versions',
    (status) => {
      const recorders = [recorder('old'), recorder('now', { versions: ['1', '2'] })];
      const left = leftoversIn(account({ recorders, stacks: site(status, 'now') }));
      expect(left).toMatchObject({ functions: [], versions: [] });
      expect(left.kept[0]).toEqual({ name: 'old', why: `stack Site is ${status}` });
    },
  );

  it('that does not say whose it is stays', () => {
    const { stack: _, ...nameless } = recorder('theirs');
    const { functions, kept } = leftoversIn(account({ recorders: [nameless] }));
    expect(functions).toEqual([]);
    expect(kept[0]?.why).toContain('no tag of edge-isr');
  });

  it('that stays loses the versions that nobody names any more', () => {
    const stacks = site('UPDATE_COMPLETE', 'now', versionArn('now', '4'));
    const usedBy = new Map([[versionArn('now', '3'), 'E1']]);
    const recorders = [recorder('now', { versions: ['1', '2', '3', '4'] })];
    expect(leftoversIn(account({ recorders, stacks, usedBy })).versions).toEqual([
      { name: 'now', version: '1' },
      { name: 'now', version: '2' },
    ]);
  });

  it('keeps its versions while its stack shows none of them', () => {
    const recorders = [recorder('now', { versions: ['1', '2'] })];
    const stacks = site('UPDATE_COMPLETE', 'now');
    expect(leftoversIn(account({ recorders, stacks })).versions).toEqual([]);
  });
});

describe('a log group', () => {
  const logGroups = ['us-east-1', 'eu-west-1'].map((region) => ({ region, name: logs('Site') }));

  it('goes with the last recorder that writes to it, in every region', () => {
    expect(leftoversIn(account({ recorders: [recorder('old')], logGroups })).logGroups).toEqual(
      logGroups,
    );
    expect(leftoversIn(account({ logGroups })).logGroups).toEqual(logGroups); // it has gone already
  });

  it('stays while a recorder is left of which it is not known where it writes', () => {
    const { logGroup: _, stack: __, ...nameless } = recorder('theirs');
    expect(leftoversIn(account({ recorders: [nameless], logGroups })).logGroups).toEqual([]);
  });

  it('stays while a site that was deployed again writes to it', () => {
    const recorders = [recorder('old'), recorder('now', { stack: stackArn('Again') })];
    const stacks = new Map([
      [stackArn('Again'), { status: 'CREATE_COMPLETE', physicalIds: new Set(['now']) }],
    ]);
    const left = leftoversIn(account({ recorders, stacks, logGroups }));
    expect(names(left)).toEqual(['old']);
    expect(left.logGroups).toEqual([]);
  });
});

it('in no account is anything removed that a distribution uses, or that a stack has', () => {
  const name = fc.constantFrom('a', 'b', 'c');
  const version = fc.constantFrom('1', '2', '3');
  const arn = fc.tuple(name, version).map(([it, number]) => versionArn(it, number));
  const stack = fc.constantFrom('S', 'T').map(stackArn);
  const anyAccount = fc.record({
    recorders: fc.uniqueArray(
      fc.record(
        {
          name,
          versions: fc.uniqueArray(version),
          stack,
          logGroup: fc.constantFrom(logs('S'), logs('T')),
        },
        { requiredKeys: ['name', 'versions'] },
      ),
      { selector: (it) => it.name },
    ),
    usedBy: fc.array(fc.tuple(arn, fc.constantFrom('E1', 'E2'))).map((it) => new Map(it)),
    stacks: fc
      .array(
        fc.tuple(
          stack,
          fc.record({
            status: fc.constantFrom('UPDATE_COMPLETE', 'UPDATE_IN_PROGRESS', 'DELETE_FAILED'),
            physicalIds: fc.array(fc.oneof(name, arn)).map((ids) => new Set(ids)),
          }),
        ),
      )
      .map((it) => new Map(it)),
    logGroups: fc
      .uniqueArray(fc.constantFrom(logs('S'), logs('T')))
      .map((found) => found.map((it) => ({ region: 'us-east-1', name: it }))),
  });
  fc.assert(
    fc.property(anyAccount, (any) => {
      const { functions, versions, logGroups } = leftoversIn(any);
      for (const it of functions) {
        for (const number of it.versions) {
          expect(any.usedBy.has(versionArn(it.name, number))).toBe(false);
        }
        expect(any.stacks.get(it.stack ?? '')?.physicalIds.has(it.name) ?? false).toBe(false);
      }
      for (const it of versions) {
        expect(any.usedBy.has(versionArn(it.name, it.version))).toBe(false);
        const own = any.recorders.find((one) => one.name === it.name)?.stack ?? '';
        expect(any.stacks.get(own)?.physicalIds.has(versionArn(it.name, it.version))).toBe(false);
      }
      const staying = any.recorders.filter((it) => !functions.includes(it));
      const written = staying.map(({ logGroup }) => logGroup);
      for (const it of logGroups) expect(written).not.toContain(it.name);
      if (written.includes(undefined)) expect(logGroups).toEqual([]);
    }),
    { numRuns: 2_000 },
  );
});
