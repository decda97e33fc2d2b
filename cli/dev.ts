/** `isr dev`: the whole edge on this machine, in front of a server that renders. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { WHEN_EXCEEDED, type WhenExceeded } from '../core/budget';
import { PURGES, type Purge, WARM_LIMITS, WORKER_DEFAULTS } from '../core/config';
import { IsrError } from '../core/errors';
import { DEVICES, TRACKING_PARAMETERS, type ViewerRules } from '../core/viewer-rules';
import type { RequestLine } from '../local/cloudfront';
import type { LocalEdge } from '../local/edge';
import {
  collect,
  EXIT,
  type Io,
  PORT_MAX,
  parseCount,
  parsePort,
  parseSeconds,
  type Run,
} from './io';

const EXAMPLES = `
Examples:
  $ isr dev --origin http://localhost:8000
  $ isr dev --origin http://localhost:8000 --port 8080 --json
  $ isr dev --origin http://localhost:8000 --render-budget 2

Then, when data changes:
  $ isr revalidate post:42
  $ curl -X POST http://127.0.0.1:4001/revalidate -H 'content-type: application/json' -d '{"tags":["post:42"]}'`;

const ITEMS = { min: 0, max: 1_000_000_000 };

/** Of a page's tags a line shows so many. */
const TAGS_SHOWN = 12;

interface DevOptions {
  readonly origin: string;
  readonly port: number;
  readonly apiPort?: number;
  readonly renderBudget?: number;
  readonly keyHeader: readonly string[];
  readonly locale: readonly string[];
  readonly device: readonly ViewerRules['devices'][number][];
  readonly dropParameter: readonly string[];
  readonly keepParameters?: boolean;
  readonly purge: Purge;
  readonly budget?: number;
  readonly whenExceeded: WhenExceeded;
  readonly warmMaxUrls?: number;
  readonly warmPerSecond?: number;
  readonly warmConcurrency?: number;
  readonly verbose?: boolean;
  readonly json?: boolean;
}

export function devCommand(io: Io, run: Run): Command {
  return new Command('dev')
    .description(
      'run the whole edge on this machine: cache, recorder, tag graph, queues, workers, API',
    )
    .requiredOption(
      '-o, --origin <url>',
      'the server that renders the pages, as http://localhost:8000',
    )
    .option('-p, --port <port>', 'where viewers connect; 0 takes any free port', parsePort, 4000)
    .option(
      '--api-port <port>',
      'where the revalidate API listens (default: the port after it)',
      parsePort,
    )
    .option(
      '--render-budget <seconds>',
      'the longest that the origin renders when it sends no x-isr-elapsed (default: 30, its timeout)',
      parseSeconds,
    )
    .option(
      '--key-header <name>',
      'a request header in the cache key; may be given again',
      collect,
      [],
    )
    .option('--locale <tag>', 'a language of the site, as de; may be given again', collect, [])
    .addOption(
      new Option('--device <kind>', 'a device that has pages of its own; may be given again')
        .choices(DEVICES)
        .argParser(parseDevice)
        .default([]),
    )
    .option(
      '--drop-parameter <name>',
      'a query parameter that no page depends on, as ref or ref_*; may be given again',
      collect,
      [],
    )
    .option('--keep-parameters', 'do not drop utm_*, gclid, fbclid and their like')
    .addOption(
      new Option('--purge <by>', 'purge by cache tags, or by paths as where CloudFront has none')
        .choices(PURGES)
        .default(PURGES[0]),
    )
    .option('--budget <items>', 'purge items of a month', parseCount(ITEMS))
    .addOption(
      new Option('--when-exceeded <what>', 'what happens to a purge past the budget')
        .choices(WHEN_EXCEEDED)
        .default(WHEN_EXCEEDED[0]),
    )
    .option(
      '--warm-max-urls <count>',
      `of one revalidation at most so many urls are warmed, the hottest (default: ${WORKER_DEFAULTS.warmUrlsMax})`,
      parseCount(WARM_LIMITS.maxUrls),
    )
    .option(
      '--warm-per-second <count>',
      `warm fetches a second, of all warmers together (default: ${WORKER_DEFAULTS.warmPerSecond})`,
      parseCount(WARM_LIMITS.perSecond),
    )
    .option(
      '--warm-concurrency <count>',
      `warm fetches at once, of one warmer (default: ${WORKER_DEFAULTS.warmConcurrency})`,
      parseCount(WARM_LIMITS.concurrency),
    )
    .option('-v, --verbose', 'show what the functions print')
    .option('--json', 'one JSON line a request, for machines')
    .addHelpText('after', EXAMPLES)
    .action((options: DevOptions) => run(options.json, () => dev(options, io)));
}

async function dev(options: DevOptions, io: Io): Promise<number> {
  const { port, apiPort = port === 0 || port === PORT_MAX ? 0 : port + 1 } = options;
  if (port !== 0 && port === apiPort) {
    throw new IsrError('option-invalid', `--api-port is ${port}, as --port is: choose another`);
  }
  const { startLocalEdge } = await import('../local/edge.js'); // other commands start without it
  const edge = await startLocalEdge({
    origin: options.origin,
    port,
    apiPort,
    purge: options.purge,
    ...(options.budget === undefined
      ? {}
      : { budget: { items: options.budget, whenExceeded: options.whenExceeded } }),
    viewerRules: {
      drop: [...(options.keepParameters ? [] : TRACKING_PARAMETERS), ...options.dropParameter],
      locales: options.locale,
      devices: options.device,
    },
    recorder: {
      keyHeaders: options.keyHeader.map((name) => name.toLowerCase()),
      ...(options.renderBudget ? { renderBudgetMs: options.renderBudget * 1_000 } : {}),
    },
    ...warmOptionsOf(options),
    onRequest: (line) => io.out(options.json ? JSON.stringify(line) : lineOf(line)),
    ...(options.verbose ? { onLog: io.err } : {}),
  });
  greet(edge, options, io);
  await new Promise<void>((resolve) => {
    if (io.signal.aborted) resolve();
    io.signal.addEventListener('abort', () => resolve());
  });
  await edge.close();
  return EXIT.done;
}

function parseDevice(value: string, before: DevOptions['device']): DevOptions['device'] {
  const device = DEVICES.find((it) => it === value);
  if (device) return [...before, device];
  throw new InvalidArgumentError(`It takes one of ${DEVICES.join(', ')}.`);
}

function warmOptionsOf({ warmMaxUrls, warmPerSecond, warmConcurrency }: DevOptions) {
  return {
    ...(warmMaxUrls === undefined ? {} : { warmUrlsMax: warmMaxUrls }),
    ...(warmPerSecond === undefined ? {} : { warmPerSecond }),
    ...(warmConcurrency === undefined ? {} : { warmConcurrency }),
  };
}

function greet(edge: LocalEdge, options: DevOptions, io: Io): void {
  const { url, apiUrl, dynamoDbEndpoint, sqsEndpoint } = edge;
  if (options.json) {
    io.out(
      JSON.stringify({
        ready: true,
        url,
        apiUrl,
        origin: options.origin,
        dynamoDbEndpoint,
        sqsEndpoint,
      }),
    );
    return;
  }
  io.out(`edge      ${url}  in front of ${options.origin}`);
  io.out(`api       ${apiUrl}  (isr revalidate TAG --endpoint ${apiUrl})`);
  io.out(`dynamodb  ${dynamoDbEndpoint}  table ${edge.table}`);
  io.out(`sqs       ${sqsEndpoint}`);
  io.out('Ctrl-C ends it.');
}

/** `Miss  GET 200 /posts/1 84 ms  tags=list,post:1  max-age=300, …  kept` */
function lineOf({
  result,
  method,
  status,
  url,
  ms,
  tags,
  ttl,
  ruling,
  error,
}: RequestLine): string {
  const parts = [
    `${result.padEnd(10)} ${method} ${status} ${url} ${Math.round(ms)} ms`,
    tags?.length ? `tags=${tags.slice(0, TAGS_SHOWN).join(',')}` : '',
    ttl ?? '',
    ruling ?? '',
    error ?? '',
  ];
  return parts.filter(Boolean).join('  ');
}
