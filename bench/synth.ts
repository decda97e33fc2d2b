/**
 * What a team waits for at each synth: the minimal app, and the same with its functions bundled at that time.
 *
 *     npm run bench -- synth
 *
 * Each run is a fresh process, without the CDK's command line, whose start-up is nobody's choice. The kinds take turns,
 * and the median counts. `bundling` has what ours is spared, four functions by NodejsFunction; `empty` is what the CDK
 * itself takes of any app: most of it is its own validation of the templates, which cannot be switched off.
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

type Kind = 'minimal' | 'bundling' | 'empty';

const runs: Record<Kind, Run>[] = [];
while (runs.length < RUNS && performance.now() < BEGIN_UNTIL_MS) {
  runs.push({ minimal: runApp('minimal'), bundling: runApp('bundling'), empty: runApp('empty') });
}
const value = (kind: Kind, what: keyof Run) =>
  Math.round(median(runs.map((run) => run[kind][what])));
print({ figure: 'synth.app', value: value('minimal', 'appMs'), unit: 'ms', goal: 2_000, op: '<=' });
print({ figure: 'synth.construct', value: value('minimal', 'constructMs'), unit: 'ms' });
print({ figure: 'synth-bundling.app', value: value('bundling', 'appMs'), unit: 'ms' });
print({ figure: 'synth-bundling.construct', value: value('bundling', 'constructMs'), unit: 'ms' });
print({ figure: 'synth-empty.app', value: value('empty', 'appMs'), unit: 'ms' });

function runApp(kind: Kind): Run {
  const outdir = mkdtempSync(join(tmpdir(), 'isr-bench-'));
  const beganMs = performance.now();
  try {
    const told = execFileSync(process.execPath, [APP, kind], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, CDK_OUTDIR: outdir },
    });
    return { ...JSON.parse(told), appMs: performance.now() - beganMs };
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}
