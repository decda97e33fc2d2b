// Runs one benchmark: `npm run bench -- edge`. Each prints a JSON line a figure, with its goal; exit code 1 when one is short.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const run = (...args) =>
  spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' }).status ?? 1;

const name = process.argv[2];
if (run('scripts/setup.mjs') !== 0) process.exit(1);
const program = join(root, 'dist/bench', `${name}.js`);
if (!name || !existsSync(program)) {
  const names = readdirSync(join(root, 'dist/bench')).filter(
    (file) => file.endsWith('.js') && file !== 'figure.js',
  );
  console.error(
    `npm run bench -- NAME, where NAME is one of: ${names.map((file) => file.slice(0, -3)).join(', ')}`,
  );
  process.exit(2);
}
process.exit(run(program));
