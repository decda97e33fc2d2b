/**
 * `npx cdk synth`, by the real CLI, and the app as the CLI starts it. The suite has built dist/ before; `--build` is
 * a no-op here, for a build in the middle of the suite would take dist/ away from the other tests.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from './stacks';

interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly outdir: string;
}

/** On a machine with no AWS account, no AWS configuration, and no network but its own. */
function run(script: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<Run> {
  const outdir = mkdtempSync(join(tmpdir(), 'isr-cdk-'));
  const child = spawn(process.execPath, [join(root, script), ...args], {
    cwd: root,
    env: {
      PATH: process.env.PATH,
      HOME: outdir,
      HTTPS_PROXY: 'http://127.0.0.1:9',
      AWS_EC2_METADATA_DISABLED: 'true',
      CDK_OUTDIR: outdir,
      ...env,
    },
  });
  const text = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => {
    text.stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    text.stderr += chunk;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, ...text, outdir }));
  });
}

/** The CLI gives its own folder to the app. */
function cdkSynth(...args: string[]): Promise<Run> {
  const output = mkdtempSync(join(tmpdir(), 'isr-cdk-'));
  const options = ['--output', output, '--build', 'node --eval 0', ...args];
  return run('node_modules/aws-cdk/bin/cdk', ['synth', ...options], {}).then((ran) => ({
    ...ran,
    outdir: output,
  }));
}

/** The app alone, with the context that the CLI would hand over. */
function app(context: Record<string, string>): Promise<Run> {
  const flags = JSON.parse(readFileSync(join(root, 'cdk.json'), 'utf8')).context;
  return run('dist/bin/app.js', [], { CDK_CONTEXT_JSON: JSON.stringify({ ...flags, ...context }) });
}

const TIMEOUT_MS = 60_000;
const TAKES =
  'it takes https://host[:port] (or http://), without a path, as in -c origin=https://origin.example.org';

describe('npx cdk synth', () => {
  it(
    'with an origin: a template, and nothing else',
    async () => {
      const { code, stdout, stderr, outdir } = await cdkSynth(
        '-c',
        'origin=https://example.org:8443',
      );
      expect(stderr).toBe('');
      expect(code).toBe(0);
      expect(stdout).toMatch(/^Description: edge-isr in front of https:\/\/example\.org:8443\n/);
      const template = JSON.parse(readFileSync(join(outdir, 'EdgeIsr.template.json'), 'utf8'));
      const types = Object.values<{ Type: string }>(template.Resources).map(({ Type }) => Type);
      const count = (type: string) => types.filter((each) => each === type).length;
      expect(count('AWS::CloudFront::Distribution')).toBe(1);
      expect(count('AWS::SQS::Queue')).toBe(4);
      expect(count('AWS::Lambda::EventSourceMapping')).toBe(2);
      expect(JSON.stringify(template)).toContain('"HTTPSPort":8443');
    },
    TIMEOUT_MS,
  );

  it(
    'without an origin: one sentence that says how to pass it, and exit code 1',
    async () => {
      const { code, stdout, stderr } = await cdkSynth();
      const [first, second, ...more] = stderr.trim().split('\n');
      expect(first).toBe(
        'edge-isr needs to know the server that renders your pages: add -c origin=https://origin.example.org',
      );
      expect(second).toMatch(/Subprocess exited with error 1$/); // the CLI's own
      expect(more).toEqual([]);
      expect(stdout).toBe('');
      expect(code).toBe(1);
    },
    TIMEOUT_MS,
  );

  it('builds first what is not built: a fresh clone has no dist/', () => {
    const { app, build } = JSON.parse(readFileSync(join(root, 'cdk.json'), 'utf8'));
    expect([app, build]).toEqual(['node dist/bin/app.js', 'node scripts/setup.mjs']);
  });
});

describe('the app', () => {
  it('in another region: a second stack for the edge, and nag finds nothing', async () => {
    const { code, stderr, outdir } = await app({
      origin: 'http://example.org',
      region: 'eu-west-1',
    });
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(readdirSync(outdir).filter((name) => name.endsWith('.template.json'))).toEqual([
      expect.stringMatching(/^EdgeIsr-\w+-eu-west-1-edge\.template\.json$/),
      'EdgeIsr.template.json',
    ]);
  });

  it.each([
    [{ origin: 'example.org' }, `origin is "example.org": ${TAKES}`],
    [{ origin: '' }, `origin is "": ${TAKES}`],
    [{ origin: 'https://example.org/shop' }, `origin is "https://example.org/shop": ${TAKES}`],
    [{ origin: 'ftp://example.org' }, `origin is "ftp://example.org": ${TAKES}`],
    [
      { origin: 'http://localhost:8000' },
      'origin is "http://localhost:8000": CloudFront needs a public domain name, not an address or a local name',
    ],
    [
      { origin: 'https://example.org', region: 'Ireland' },
      'region is "Ireland": it takes the code of an AWS region, as in -c region=eu-west-1',
    ],
    [
      { origin: 'https://example.org', region: 'cn-north-1' },
      "EdgeIsr: originShield is true, but no Origin Shield is known near the stack's region cn-north-1: set it to false",
    ],
  ])('with %j: one sentence, no stack trace, exit code 1', async (context, sentence) => {
    const { code, stdout, stderr } = await app(context);
    expect(stderr).toBe(`${sentence}\n`);
    expect(stdout).toBe('');
    expect(code).toBe(1);
  });
});
