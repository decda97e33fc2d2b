/** Every example's templates, as cfn-lint reads CloudFormation's own schemas (`.ci/run` installs it). */
import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  CDK_EXAMPLES,
  type Consumer,
  copyExample,
  installPacked,
  synthesize,
  templatesIn,
} from '../support/consumer';

/** What cfn-lint says, and why it may. Every other error or warning fails; its informations (Fn::Sub for Fn::Join) are the CDK's style. */
const EXPLAINED: Record<string, RegExp> = {
  W3005: /Role\w*' dependency already enforced by a 'GetAtt'/, // the CDK makes a function wait for its role and the role's policy
};

let consumer: Consumer;
beforeAll(() => {
  consumer = installPacked();
});
afterAll(() => consumer.remove());

interface Match {
  readonly Rule: { readonly Id: string };
  readonly Message: string;
  readonly Filename: string;
  readonly Location: { readonly Path: readonly (string | number)[] | null };
}

function lint(templates: readonly string[], cwd: string): Match[] {
  const command = process.env.ISR_CFN_LINT;
  if (!command) throw new Error('ISR_CFN_LINT names no cfn-lint: run .ci/run');
  const args = ['--format', 'json', '--', ...templates];
  const { stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (stderr) throw new Error(stderr);
  return JSON.parse(stdout);
}

describe.each(CDK_EXAMPLES)('examples/%s', (name) => {
  it('has templates in which cfn-lint finds nothing unexplained', { timeout: 120_000 }, () => {
    const folder = synthesize(copyExample(name, consumer));
    const templates = templatesIn(folder);
    expect(templates.length).toBeGreaterThan(0);
    const unexplained = lint(templates, folder)
      .filter(({ Rule, Message }) => !EXPLAINED[Rule.Id]?.test(Message))
      .map((it) => `${it.Filename} ${it.Location.Path?.join('/')}: ${it.Rule.Id} ${it.Message}`);
    expect(unexplained).toEqual([]);
  });
});
