/** The server that renders, as it is given on a command line. */
import { connect } from 'node:net';
import { IsrError, reasonOf } from '../core/errors';

const REACH_MS = 5_000;

/**
 * @param origin `http://host[:port]` or `https://host[:port]`
 * @throws IsrError `origin-invalid`
 */
export function parseOrigin(origin: string): URL {
  const url = URL.canParse(origin) ? new URL(origin) : undefined;
  const isPlain =
    url !== undefined &&
    ['http:', 'https:'].includes(url.protocol) &&
    url.href === `${url.origin}/` &&
    !/[?#]/.test(origin); // an empty query or fragment leaves no trace in href
  if (isPlain) return url;
  throw new IsrError(
    'origin-invalid',
    `origin is ${JSON.stringify(origin)}: it takes http://host[:port] or https://host[:port], without a path`,
    'origin',
  );
}

/** Resolves when something listens there. @throws IsrError `origin-invalid`, `origin-unreachable` */
export async function reachOrigin(origin: string): Promise<void> {
  const { hostname, port, protocol } = parseOrigin(origin);
  const host = hostname.replace(/^\[|\]$/g, ''); // IPv6
  const number = Number(port || (protocol === 'https:' ? 443 : 80));
  await new Promise<void>((resolve, reject) => {
    const socket = connect({ host, port: number, timeout: REACH_MS });
    const fail = (why: string) => {
      socket.destroy();
      const message = `nothing answers at the origin ${origin} (${why}): start it first, or correct the address`;
      reject(new IsrError('origin-unreachable', message, 'origin'));
    };
    socket.on('connect', () => {
      socket.destroy();
      resolve();
    });
    socket.on('timeout', () => fail(`no answer within ${REACH_MS / 1_000} s`));
    socket.on('error', (error: NodeJS.ErrnoException) => fail(error.code ?? reasonOf(error)));
  });
}
