/** An example as whoever copies it makes it run: npm and the registry, our tarball, the CDK's own command line. */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ROOT } from '../support/bundles';
import { pack, templatesIn } from '../support/consumer';

it('examples/cdk-minimal is installed and synthesised, with no esbuild', {
  timeout: 300_000,
}, () => {
  const folder = mkdtempSync(join(tmpdir(), 'isr-installed-'));
  const npm = (...args: string[]) =>
    execFileSync('npm', args, { cwd: folder, encoding: 'utf8', stdio: 'pipe' });
  try {
    cpSync(join(ROOT, 'examples/cdk-minimal'), folder, { recursive: true });
    const file = join(folder, 'package.json');
    const app = JSON.parse(readFileSync(file, 'utf8'));
    app.dependencies['edge-isr'] = `file:${pack(folder).tarball}`;
    writeFileSync(file, JSON.stringify(app));
    npm('install', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error');
    expect(existsSync(join(folder, 'node_modules/esbuild'))).toBe(false);
    npm('run', 'synth');
    expect(templatesIn(join(folder, 'cdk.out'))).toEqual([
      expect.stringMatching(/^Site-Isr-\w+-eu-west-1-edge\.template\.json$/),
      'Site.template.json',
    ]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
