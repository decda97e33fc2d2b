// What a fresh clone needs before `npm start` and `npm test`: the packages of the lock file, and a build.
// Both are skipped when they are newer than what they are made from. Uses Node and npm only.
import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const SOURCES = [
  'core',
  'aws',
  'lambda',
  'functions',
  'lib',
  'local',
  'cli',
  'bin',
  'client',
  'origin',
  'examples',
  'bench',
  'scripts',
];

const [major] = process.versions.node.split('.').map(Number);
if (major < 20) fail(`edge-isr needs Node 20 or newer, this is ${process.version}`);

// a link leads into another checkout, whose packages are not ours to replace
const isLinked = lstatSync(join(root, 'node_modules'), { throwIfNoEntry: false })?.isSymbolicLink();
if (
  !isLinked &&
  changed('node_modules/.package-lock.json', ['package.json', 'package-lock.json'])
) {
  step('installing packages', 'npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
}
if (
  changed('dist/.built', [...SOURCES, 'tsconfig.json', 'tsconfig.build.json', 'package-lock.json'])
) {
  step('building', process.execPath, ['scripts/build.mjs']);
}

function step(what, command, args) {
  const began = Date.now();
  process.stderr.write(`${what} …\n`);
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (status !== 0) fail(`${what} failed: ${error?.message ?? `${command} ended with ${status}`}`);
  process.stderr.write(`${what}: ${((Date.now() - began) / 1000).toFixed(1)} s\n`);
}

function changed(target, sources) {
  const path = join(root, target);
  if (!existsSync(path)) return true;
  const built = statSync(path).mtimeMs;
  return sources.some((source) => newest(join(root, source)) > built);
}

function newest(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(stat.mtimeMs, ...readdirSync(path).map((name) => newest(join(path, name))));
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}
