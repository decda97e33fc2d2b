// Runs a benchmark, or all of them: `npm run bench -- edge`, `npm run bench`. Each prints a JSON line a figure, with its
// goal; exit code 1 when one is short.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const run = (...args) =>
  spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' }).status ?? 1;

if (run('scripts/setup.mjs') !== 0) process.exit(1);
const known = readdirSync(join(root, 'bench'))
  .filter((file) => file.endsWith('.ts') && file !== 'figure.ts')
  .map((file) => basename(file, '.ts'));
const wanted = process.argv.length > 2 ? process.argv.slice(2) : known;
const unknown = wanted.find((name) => !known.includes(name));
if (unknown) {
  console.error(
    `there is no benchmark ${unknown}: npm run bench -- NAME, where NAME is one of ${known.join(', ')}`,
  );
  process.exit(2);
}
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
const short = wanted.filter((name) => run(join('dist/bench', `${name}.js`)) !== 0);
process.exit(short.length > 0 ? 1 : 0);
