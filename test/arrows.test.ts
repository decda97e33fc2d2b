import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';

const root = join(__dirname, '..');
const biome = join(root, 'node_modules/@biomejs/biome/bin/biome');

/** Lints a file of that folder that imports just this; the file is gone afterwards. */
function refuses(folder: string, imported: string): boolean {
  file = join(root, folder, 'arrow-under-test.ts');
  writeFileSync(file, `import '${imported}';\n`);
  try {
    execFileSync(process.execPath, [biome, 'lint', file], { cwd: root, stdio: 'pipe' });
    return false;
  } catch (thrown) {
    return String((thrown as { stderr: Buffer }).stderr).includes('noRestrictedImports');
  }
}
let file = '';
afterEach(() => rmSync(file, { force: true }));

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
    ['local', '../core/api'],
    ['origin', '../core/tags'],
    ['cli', '../local/edge'],
    ['bin', '../cli/main'],
  ])('%s may import %s', (folder, imported) => {
    expect(refuses(folder, imported)).toBe(false);
  });
});
