// Runs every test that needs only Node, after lint and types: `npm test`, `npm test -- test/core`.
// Ends with a line `N passed, N failed`; ISR_TEST_COUNTS names a file that gets the two numbers as JSON.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const counts = { passed: 0, failed: 0 };

check('lint', 'node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.');
check('types', 'node_modules/typescript/bin/tsc', '--noEmit');
vitest(process.argv.slice(2));

if (process.env.ISR_TEST_COUNTS) writeFileSync(process.env.ISR_TEST_COUNTS, JSON.stringify(counts));
console.log(`${counts.passed} passed, ${counts.failed} failed`);
process.exitCode = counts.failed > 0 || counts.passed === 0 ? 1 : 0;

/** A check counts as one. */
function check(name, script, ...args) {
  const { status } = spawnSync(process.execPath, [join(root, script), ...args], {
    cwd: root,
    stdio: 'inherit',
  });
  counts[status === 0 ? 'passed' : 'failed'] += 1;
  if (status !== 0) console.error(`${name} failed`);
}

function vitest(args) {
  const folder = mkdtempSync(join(tmpdir(), 'isr-test-'));
  const report = join(folder, 'report.json');
  const program = join(root, 'node_modules/vitest/vitest.mjs');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const { status } = spawnSync(process.execPath, [program, 'run', ...reporters, ...args], {
    cwd: root,
    stdio: 'inherit',
  });
  try {
    const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(report, 'utf8'));
    counts.passed += numPassedTests;
    counts.failed += numFailedTests;
    if (status !== 0 && numFailedTests === 0) counts.failed += 1; // a file that did not load, an unhandled rejection
  } catch {
    counts.failed += 1; // vitest died before it could report
  }
  rmSync(folder, { recursive: true, force: true });
}
