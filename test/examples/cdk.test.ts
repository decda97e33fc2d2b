/** The CDK apps of examples/, as whoever copies one has it: against the packed package, with nothing else installed. */
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import ours from '../../package.json';
import { ROOT } from '../support/bundles';
import {
  CDK_EXAMPLES,
  type Consumer,
  copyExample,
  installPacked,
  synthesize,
} from '../support/consumer';

/** What holds state, or an address that others keep: under another logical id an upgrade would replace it. */
const KEPT = [
  'AWS::ApiGateway::RestApi',
  'AWS::CloudFront::Distribution',
  'AWS::DynamoDB::Table',
  'AWS::SQS::Queue',
];

let consumer: Consumer;
beforeAll(() => {
  consumer = installPacked();
});
afterAll(() => consumer.remove());

it('there is no esbuild where the examples are synthesised', () => {
  const { resolve } = createRequire(join(consumer.folder, 'package.json'));
  expect(() => resolve('esbuild')).toThrow(/Cannot find module/);
});

describe.each(CDK_EXAMPLES)('examples/%s', (name) => {
  it('compiles, and is synthesised twice to the same bytes', { timeout: 120_000 }, async () => {
    const app = copyExample(name, consumer);
    const [first, second] = [filesIn(synthesize(app)), filesIn(synthesize(app))];
    expect(first.length).toBeGreaterThan(4);
    expect(second).toEqual(first);
    await expect(keptIds(first)).toMatchFileSnapshot(`snapshots/${name}.txt`);
  });

  it('is a whole app: a README, and the versions that we test', () => {
    const file = (path: string) => readFileSync(join(ROOT, 'examples', name, path), 'utf8');
    expect(file('README.md')).toMatch(/^# /);
    const { dependencies, devDependencies } = JSON.parse(file('package.json'));
    expect({ ...ours.devDependencies, ...ours.peerDependencies }).toMatchObject({
      ...devDependencies,
      ...without('edge-isr', dependencies),
    });
    expect(dependencies['edge-isr']).toBe(`^${ours.version}`);
  });
});

type Files = [name: string, text: string][];

/** Templates, lists of assets and the assets. */
function filesIn(outdir: string): Files {
  return readdirSync(outdir, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(template|assets)\.json$|\.js$/.test(name))
    .sort()
    .map((name) => [name, readFileSync(join(outdir, name), 'utf8')]);
}

/** `Site  AWS::DynamoDB::Table  IsrTable9C2D4AA0` */
function keptIds(files: Files): string {
  const lines = files.flatMap(([name, text]) => {
    if (!name.endsWith('.template.json')) return [];
    const resources: Record<string, { Type: string }> = JSON.parse(text).Resources;
    return Object.entries(resources)
      .filter(([, { Type }]) => KEPT.includes(Type))
      .map(([id, { Type }]) => `${name.replace('.template.json', '')}  ${Type}  ${id}`);
  });
  return `${lines.sort().join('\n')}\n`;
}

function without(key: string, { [key]: _, ...others }: Record<string, string>) {
  return others;
}
