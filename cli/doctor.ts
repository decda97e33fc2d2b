/** `isr doctor`: what would keep a page from being cached or purged, each with the line to change. Changes nothing. */
import { Command } from 'commander';
import type { CachePolicy } from '../core/cache-policy';
import { RECORDER_DEFAULTS } from '../core/config';
import { IsrError } from '../core/errors';
import type { Level } from './doctor/check';
import { examine, type Found, type Report } from './doctor/examine';
import { collect, EXIT, type Io, parseSeconds, type Run } from './io';

const EXAMPLES = `
Examples:
  $ isr doctor http://localhost:8000/posts/42                                what your server says
  $ isr doctor http://127.0.0.1:4000/posts/42 --origin http://localhost:8000   through isr dev, and your server
  $ isr doctor https://www.example.org/posts/42 --json

The edge hides tags and lifetimes from viewers: --origin looks at them where they are made. A page at the edge is asked
for three times, once with utm_source, as a visitor who clicked an advertisement.

ok: as it should be. warn: slower or dearer than it has to be. FAIL: not cached, or not to be purged.
Exit codes: 0 nothing fails, 1 something does, or nobody answered, 2 no such option.
Colours: on a terminal, unless NO_COLOR is set.`;

interface DoctorOptions {
  readonly origin?: string;
  readonly header: readonly string[];
  readonly keyHeader: readonly string[];
  readonly maxTtl: number;
  readonly timeout: number;
  readonly json?: boolean;
}

export function doctorCommand(io: Io, run: Run): Command {
  return new Command('doctor')
    .description('look at a page, and say what would keep it from being cached or purged')
    .argument('<url>', 'a page, at the edge (deployed, isr dev) or at your server')
    .option('-o, --origin <url>', 'your server, when the page is behind the edge')
    .option(
      '-H, --header <line>',
      'a request header, as "Accept-Language: de"; may be given again',
      collect,
      [],
    )
    .option(
      '--key-header <name>',
      'a header that is in the cache key; may be given again',
      collect,
      [],
    )
    .option(
      '--max-ttl <seconds>',
      "the construct's maxTtl",
      parseSeconds,
      RECORDER_DEFAULTS.maxTtlSeconds,
    )
    .option('-t, --timeout <seconds>', 'how long to wait for an answer', parseSeconds, 30)
    .option('--json', 'print it as JSON')
    .addHelpText('after', EXAMPLES)
    .action((url: string, options: DoctorOptions) =>
      run(options.json, () => doctor(url, options, io)),
    );
}

async function doctor(raw: string, options: DoctorOptions, io: Io): Promise<number> {
  const url = parsePage(raw, 'URL');
  const origin = options.origin === undefined ? undefined : parsePage(options.origin, '--origin');
  const policy: CachePolicy = {
    keyHeaders: options.keyHeader.map((name) => name.toLowerCase()),
    maxTtlSeconds: options.maxTtl,
    defaultSwrSeconds: RECORDER_DEFAULTS.defaultSwrSeconds,
  };
  const report = await examine({
    url,
    ...(origin ? { origin } : {}),
    headers: Object.fromEntries(options.header.map(parseHeader)),
    policy,
    timeoutMs: options.timeout * 1_000,
    signal: io.signal,
  });
  const counts = countsOf(report.findings);
  if (options.json) io.out(JSON.stringify({ url: url.href, ...report, ...counts }));
  else print(url, report, { io, isHidden: report.behind === 'edge-isr' && !origin });
  return counts.failed > 0 ? EXIT.failed : EXIT.done;
}

/** @throws IsrError `option-invalid` */
function parsePage(raw: string, name: string): URL {
  const url = URL.canParse(raw) ? new URL(raw) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  throw new IsrError(
    'option-invalid',
    `${name} is ${JSON.stringify(raw)}: it takes a whole url, as https://www.example.org/posts/42`,
  );
}

/** @throws IsrError `option-invalid` */
function parseHeader(line: string): [name: string, value: string] {
  const [, name, value] = /^([!#$%&'*+\-.^_`|~\w]+):[ \t]*(.*)$/.exec(line) ?? [];
  if (name !== undefined && value !== undefined) return [name.toLowerCase(), value];
  throw new IsrError(
    'option-invalid',
    `--header is ${JSON.stringify(line)}: it takes a header line, as "Accept-Language: de"`,
  );
}

function countsOf(findings: readonly Found[]): { failed: number; warned: number } {
  const count = (level: Level) => findings.filter((it) => it.level === level).length;
  return { failed: count('fail'), warned: count('warn') };
}

const WORDS: Readonly<Record<Level, string>> = { ok: 'ok', warn: 'warn', fail: 'FAIL' };
/** SGR codes: green, yellow, red. */
const COLOURS: Readonly<Record<Level, number>> = { ok: 32, warn: 33, fail: 31 };
const BEHIND: Readonly<Record<Report['behind'], string>> = {
  'edge-isr': 'behind edge-isr',
  cloudfront: 'behind CloudFront, without edge-isr',
  server: 'no edge in front of it: taken for your server',
};

function print(
  url: URL,
  { behind, status, findings }: Report,
  { io, isHidden }: { io: Io; isHidden: boolean },
): void {
  const isColoured = io.isTerminal === true && !io.env.NO_COLOR;
  const width = Math.max(...findings.map(({ check }) => check.length));
  io.out(`${url.href}  ${status}, ${BEHIND[behind]}`);
  for (const { level, check, says, change } of findings) {
    const word = WORDS[level].padEnd(4);
    const shown = isColoured ? `\u001b[${COLOURS[level]}m${word}\u001b[0m` : word;
    io.out(`  ${shown}  ${check.padEnd(width)}  ${says}`);
    if (change) io.out(`        ${' '.repeat(width)}  → ${change}`);
  }
  if (isHidden)
    io.out('What your server says is hidden behind the edge: --origin URL looks at it.');
  const { failed, warned } = countsOf(findings);
  io.out(`${failed} to mend, ${warned} to better`);
}
