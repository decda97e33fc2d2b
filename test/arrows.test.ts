import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const root = join(__dirname, '..');
const biome = join(root, 'node_modules/@biomejs/biome/bin/biome');

/** A tree of its own with our rules: no file ever appears among the sources. */
const tree = mkdtempSync(join(tmpdir(), 'isr-arrows-'));
copyFileSync(join(root, 'biome.json'), join(tree, 'biome.json'));
afterAll(() => rmSync(tree, { recursive: true, force: true }));

/** Lints a file of that folder that imports just this. */
function refuses(folder: string, imported: string): boolean {
  mkdirSync(join(tree, folder), { recursive: true });
  writeFileSync(join(tree, folder, 'file.ts'), `import '${imported}';\n`);
  const args = [biome, 'lint', join(folder, 'file.ts')];
  const { stderr } = spawnSync(process.execPath, args, { cwd: tree, encoding: 'utf8' });
  return stderr.includes('noRestrictedImports');
}

describe('the import arrows', () => {
  it.each([
    ['core', '../aws/graph'],
    ['core', 'node:fs'],
    ['core', '@aws-sdk/client-dynamodb'],
    ['aws', '../lambda/recorder'],
    ['lambda', '../local/edge'],
    ['lib', '../core/recorder'],
    ['lib', '../aws/graph'],
    ['lib', '@aws-sdk/client-dynamodb'],
    ['local', '../aws/graph'],
    ['origin', '../core/jobs'],
    ['origin', '../client'],
    ['client', '../aws/graph'],
    ['cli', '../lib'],
    ['bin', '../core/errors'],
  ])('%s may not import %s', (folder, imported) => {
    expect(refuses(folder, imported)).toBe(true);
  });

  it.each([
    ['core', './tags'],
    ['aws', '../core/ports'],
    ['lambda', '../aws/graph'],
    ['lib', '../core/config'],
    ['lib', '../core/metrics'],
    ['local', '../core/api'],
    ['origin', '../core/tags'],
    ['cli', '../local/edge'],
    ['bin', '../cli/main'],
  ])('%s may import %s', (folder, imported) => {
    expect(refuses(folder, imported)).toBe(false);
  });
});
