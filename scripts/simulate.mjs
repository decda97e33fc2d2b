// Runs test/simulation/main.ts, bundled so that its threads start without a compiler: `npm run simulate -- --seeds 1000000`.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const run = (...args) =>
  spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' }).status ?? 1;

if (run('scripts/setup.mjs') !== 0) process.exit(1);
const { buildSync } = await import('esbuild'); // there after the set-up
const folder = mkdtempSync(join(tmpdir(), 'isr-simulate-'));
const outfile = join(folder, 'simulate.cjs');
buildSync({
  absWorkingDir: root,
  entryPoints: ['test/simulation/main.ts'],
  outfile,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
});
const status = run(outfile, ...process.argv.slice(2));
rmSync(folder, { recursive: true, force: true });
process.exit(status);
