// Builds everything into dist/: types and CommonJS by tsc, one bundle per function in lambda/ by esbuild, and what
// CloudFront runs (functions/) as one script each; and openapi.json.
// Usage: node scripts/build.mjs
import { spawn } from 'node:child_process';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build, transform } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

await rm(join(root, 'dist'), { recursive: true, force: true });
await Promise.all([compile(), bundle(), scripts()]);
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

/** CloudFront's runtime 2.0: ES 5.1 and some later features; esbuild refuses what it cannot write in these. */
async function scripts() {
  await mkdir(join(root, 'dist/functions'), { recursive: true });
  for (const name of await readdir(join(root, 'functions'))) {
    const { code } = await transform(await readFile(join(root, 'functions', name), 'utf8'), {
      loader: 'ts',
      target: 'es5',
      supported: { arrow: true, 'const-and-let': true, 'template-literal': true },
      minifyWhitespace: true,
      minifySyntax: true,
    });
    const script = code.replace('export function', 'function'); // CloudFront takes no module
    await writeFile(join(root, 'dist/functions', `${basename(name, '.ts')}.js`), script);
  }
}
