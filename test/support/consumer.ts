/**
 * A project that has installed the package: the very files of `npm pack`, beside what a consumer has already.
 * Nothing is fetched; test/extended/consumer.test.ts installs the same tarball by npm.
 * @module
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from './bundles';

/** Peers for the construct, Express for the README's site. No esbuild: a consumer does not bundle. */
const PEERS = ['aws-cdk-lib', 'constructs', 'express', '@types/express', '@types/node'];

export interface Consumer {
  readonly folder: string;
  readonly tarball: string;
  /** What the tarball holds. */
  readonly files: readonly { readonly path: string; readonly size: number }[];
  /** Of all its files, in bytes. */
  readonly unpackedSize: number;
  remove(): void;
}

export function installPacked(): Consumer {
  const folder = mkdtempSync(join(tmpdir(), 'isr-consumer-'));
  const { tarball, ...packed } = pack(folder);
  const modules = join(folder, 'node_modules');
  mkdirSync(join(modules, 'edge-isr'), { recursive: true });
  execFileSync('tar', ['xzf', tarball, '--strip-components=1', '-C', join(modules, 'edge-isr')]);
  mkdirSync(join(modules, '@types'));
  for (const peer of PEERS) {
    symlinkSync(join(ROOT, 'node_modules', peer), join(modules, peer));
  }
  const remove = () => rmSync(folder, { recursive: true, force: true });
  return { folder, tarball, ...packed, remove };
}

export function pack(folder: string): Pick<Consumer, 'tarball' | 'files' | 'unpackedSize'> {
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
  const [{ filename, files, unpackedSize }] = JSON.parse(
    execFileSync('npm', args, { cwd: ROOT, encoding: 'utf8' }),
  );
  return { tarball: join(folder, filename), files, unpackedSize };
}

/** The CDK apps of examples/: each is a folder `cdk-NAME` that somebody may copy. */
export const CDK_EXAMPLES = readdirSync(join(ROOT, 'examples')).filter((name) =>
  name.startsWith('cdk-'),
);

/** An example as somebody copied it into the consumer's project, compiled as its own tsconfig.json says. */
export function copyExample(name: string, { folder }: Consumer): string {
  const copy = join(folder, name);
  cpSync(join(ROOT, 'examples', name), copy, { recursive: true });
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  execFileSync(process.execPath, [tsc], { cwd: copy, encoding: 'utf8', stdio: 'pipe' });
  return copy;
}

/** Runs the example's app as the CDK's command line does. @returns the folder with its templates */
export function synthesize(app: string): string {
  const outdir = mkdtempSync(join(app, 'cdk.out-'));
  execFileSync(process.execPath, ['dist/app.js'], {
    cwd: app,
    env: { PATH: process.env.PATH, HOME: outdir, CDK_OUTDIR: outdir },
    stdio: 'pipe',
  });
  return outdir;
}

export function templatesIn(outdir: string): string[] {
  return readdirSync(outdir)
    .filter((name) => name.endsWith('.template.json'))
    .sort();
}
