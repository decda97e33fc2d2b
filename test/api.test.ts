/** The public API, as etc/ reports it: a change is seen in the diff, and is meant. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { exports as subpaths } from '../package.json';
import { built, ROOT } from './support/bundles';

it('is what the reports in etc/ say, for every subpath', { timeout: 120_000 }, () => {
  built('lib/index.d.ts');
  const script = join(ROOT, 'scripts/api.mjs');
  const { status, stderr } = spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const exported = Object.values(subpaths).filter((it) => typeof it !== 'string'); // the others are no code
  expect(readdirSync(join(ROOT, 'etc'))).toHaveLength(exported.length);
});
