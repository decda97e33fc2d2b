/** Every example's stacks, made by moto's CloudFormation in their own regions: what it cannot stands in moto-stack.ts. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  CDK_EXAMPLES,
  type Consumer,
  copyExample,
  installPacked,
  synthesize,
} from '../support/consumer';
import { type Moto, startMoto } from './moto-server';
import { askCloudFormation, createStack, motoTemplate, unexpectedIn } from './moto-stack';

const STAND_IN = {
  ref: 'E2EXAMPLE',
  attribute: 'arn:aws:lambda:us-east-1:123456789012:function:f:1',
};

let consumer: Consumer;
let moto: Moto;
beforeAll(async () => {
  consumer = installPacked();
  moto = await startMoto();
});
/** Each has the account to itself: their tables have the same name. */
beforeEach(async () => {
  await fetch(`${moto.endpoint}/moto-api/reset`, { method: 'POST' });
});
afterAll(() => {
  moto?.stop();
  consumer?.remove();
});

interface Artifact {
  readonly type: string;
  /** `aws://unknown-account/eu-west-1` */
  readonly environment: string;
  readonly properties: { readonly templateFile: string };
}

describe.each(CDK_EXAMPLES)('examples/%s', (example) => {
  it('is deployed by moto, but for what moto says it does not know', {
    timeout: 240_000,
  }, async () => {
    const folder = synthesize(copyExample(example, consumer));
    const read = (file: string) => JSON.parse(readFileSync(join(folder, file), 'utf8'));
    const artifacts: [string, Artifact][] = Object.entries(read('manifest.json').artifacts);
    const stacks = artifacts.filter(([, { type }]) => type === 'aws:cloudformation:stack');
    expect(stacks.length).toBeGreaterThan(1);
    for (const [id, { environment, properties }] of stacks) {
      const region = environment.split('/').at(-1) ?? '';
      const name = `${example}-${id}`;
      const template = motoTemplate(read(properties.templateFile), STAND_IN);
      await createStack(moto, { name, template, region });
      const fields = { Action: 'DescribeStacks', StackName: name };
      const told = await askCloudFormation(moto.ask, fields, region);
      expect(told).toContain('<StackStatus>CREATE_COMPLETE</StackStatus>');
    }
    expect(unexpectedIn(moto.log)).toEqual([]);
  });
});
