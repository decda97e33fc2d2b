// Runs test/faults/main.ts, bundled so that its threads start without a compiler: `npm run faults -- --runs 10000`.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const run = (...args) => {
  const { status, signal } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
  if (signal) console.error(`node ${args.join(' ')} was ended by ${signal}`);
  return status ?? 1;
};

if (run('scripts/setup.mjs') !== 0) process.exit(1);
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
const { buildSync } = await import('esbuild'); // there after the set-up
const folder = mkdtempSync(join(root, 'dist', 'faults-')); // two levels below the root, as test/faults: it looks for dist/lambda
const outfile = join(folder, 'faults.cjs');
buildSync({
  absWorkingDir: root,
  entryPoints: ['test/faults/main.ts'],
  outfile,
  bundle: true,
  packages: 'external',
  platform: 'node',
  target: 'node20',
  format: 'cjs',
});
const status = run(outfile, ...process.argv.slice(2));
rmSync(folder, { recursive: true, force: true });
process.exit(status);
