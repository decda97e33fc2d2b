// Builds everything into dist/: types and CommonJS by tsc, one bundle per function in lambda/ by esbuild, and openapi.json.
// Usage: node scripts/build.mjs
import { spawn } from 'node:child_process';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

await rm(join(root, 'dist'), { recursive: true, force: true });
await Promise.all([compile(), bundle()]);
await describeApi();
await writeFile(join(root, 'dist/.built'), ''); // scripts/setup.mjs trusts nothing less

function compile() {
  const tsc = spawn(
    process.execPath,
    [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'],
    {
      cwd: root,
      stdio: 'inherit',
    },
  );
  return new Promise((resolve, reject) => {
    tsc.on('error', reject);
    tsc.on('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`tsc ended with ${code}`)),
    );
  });
}

async function describeApi() {
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const { openApi } = await import(pathToFileURL(join(root, 'dist/core/openapi.js')));
  const document = JSON.stringify(openApi(version), undefined, 2);
  await writeFile(join(root, 'dist/openapi.json'), `${document}\n`);
}

async function bundle() {
  const sources = (await readdir(join(root, 'lambda'))).filter((name) => name.endsWith('.ts'));
  await build({
    absWorkingDir: root,
    entryPoints: Object.fromEntries(
      sources.map((name) => [`${basename(name, '.ts')}/index`, join('lambda', name)]),
    ),
    outdir: 'dist/lambda',
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    legalComments: 'none',
    logLevel: 'warning',
  });
}
