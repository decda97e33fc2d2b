/**
 * What a team waits for at each synth: the minimal app, and the same with its functions bundled at that time.
 *
 *     npm run bench -- synth
 *
 * Each run is a fresh process, without the CDK's command line, whose start-up is nobody's choice. The kinds take turns,
 * and the median counts. `bundling` has what ours is spared, four functions by NodejsFunction; `empty` is what the CDK
 * itself takes of any app. Most of both is its own validation of the templates: `unvalidated` is without (the variable
 * CDK_VALIDATION, which aws-cdk-lib reads and documents nowhere), and so is what is left for us to make faster.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median, print } from './figure';

const APP = join(__dirname, 'synth/app.js');
const RUNS = 5;
/** On a busy machine fewer runs do: the whole has to end within 50 s. */
const BEGIN_UNTIL_MS = 30_000;

interface Run {
  readonly constructMs: number;
  readonly synthMs: number;
  /** Of the whole process. */
  readonly appMs: number;
}

type App = 'minimal' | 'bundling' | 'empty';
type Kind = App | 'minimal-unvalidated' | 'empty-unvalidated';

const runs: Record<Kind, Run>[] = [];
while (runs.length < RUNS && performance.now() < BEGIN_UNTIL_MS) {
  runs.push({
    minimal: runApp('minimal'),
    bundling: runApp('bundling'),
    empty: runApp('empty'),
    'minimal-unvalidated': runApp('minimal', { CDK_VALIDATION: 'false' }),
    'empty-unvalidated': runApp('empty', { CDK_VALIDATION: 'false' }),
  });
}
const value = (kind: Kind, what: keyof Run) =>
  Math.round(median(runs.map((run) => run[kind][what])));
print({ figure: 'synth.app', value: value('minimal', 'appMs'), unit: 'ms', goal: 2_000, op: '<=' });
print({ figure: 'synth.construct', value: value('minimal', 'constructMs'), unit: 'ms' });
print({ figure: 'synth-bundling.app', value: value('bundling', 'appMs'), unit: 'ms' });
print({ figure: 'synth-bundling.construct', value: value('bundling', 'constructMs'), unit: 'ms' });
print({ figure: 'synth-empty.app', value: value('empty', 'appMs'), unit: 'ms' });
print({
  figure: 'synth-unvalidated.app',
  value: value('minimal-unvalidated', 'appMs'),
  unit: 'ms',
});
print({
  figure: 'synth-unvalidated-empty.app',
  value: value('empty-unvalidated', 'appMs'),
  unit: 'ms',
});

function runApp(app: App, more: NodeJS.ProcessEnv = {}): Run {
  const outdir = mkdtempSync(join(tmpdir(), 'isr-bench-'));
  const beganMs = performance.now();
  try {
    const told = execFileSync(process.execPath, [APP, app], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, CDK_OUTDIR: outdir, ...more },
    });
    return { ...JSON.parse(told), appMs: performance.now() - beganMs };
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}
