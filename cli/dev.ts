/** `isr dev`: the whole edge on this machine, in front of a server that renders. */
import { Command } from 'commander';
import type { RequestLine } from '../local/cloudfront';
import type { LocalEdge } from '../local/edge';
import { EXIT, type Io, parsePort, type Run } from './io';

const EXAMPLES = `
Examples:
  $ isr dev --origin http://localhost:8000
  $ isr dev --origin http://localhost:8000 --port 8080 --json

Then, when data changes:
  $ isr revalidate post:42
  $ curl -X POST http://127.0.0.1:4001/revalidate -H 'content-type: application/json' -d '{"tags":["post:42"]}'`;

interface DevOptions {
  readonly origin: string;
  readonly port: number;
  readonly apiPort?: number;
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
    .option('-v, --verbose', 'show what the functions print')
    .option('--json', 'one JSON line a request, for machines')
    .addHelpText('after', EXAMPLES)
    .action((options: DevOptions) => run(options.json, () => dev(options, io)));
}

async function dev(options: DevOptions, io: Io): Promise<number> {
  const apiPort = options.apiPort ?? (options.port === 0 ? 0 : options.port + 1);
  const { startLocalEdge } = await import('../local/edge.js'); // other commands start without it
  const edge = await startLocalEdge({
    origin: options.origin,
    port: options.port,
    apiPort,
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
  io.out(`api       ${apiUrl}/revalidate`);
  io.out(`dynamodb  ${dynamoDbEndpoint}  table ${edge.table}`);
  io.out(`sqs       ${sqsEndpoint}`);
  io.out('Ctrl-C ends it.');
}

/** `Miss 200 /posts/1 84 ms  tags=list,post:1  max-age=300, …  kept` */
function lineOf({ result, status, url, ms, tags, ttl, ruling }: RequestLine): string {
  const parts = [
    `${result.padEnd(10)} ${status} ${url} ${Math.round(ms)} ms`,
    tags?.length ? `tags=${tags.join(',')}` : '',
    ttl ?? '',
    ruling ?? '',
  ];
  return parts.filter(Boolean).join('  ');
}
