/** What every local server does alike: it listens, or says in one sentence why it cannot. */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { IsrError, reasonOf } from '../core/errors';

/** Only this machine reaches it. */
export const LOOPBACK = '127.0.0.1';

export interface Address {
  /** @default - one that is free */
  readonly port?: number;
  /** @default 127.0.0.1 */
  readonly host?: string;
}

/**
 * @returns the port
 * @throws IsrError `port-taken`
 */
export async function listen(
  server: Server,
  { port = 0, host = LOOPBACK }: Address,
): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    const refuse = (cause: Error) => reject(listenError(cause, { port, host }));
    server.once('error', refuse);
    server.listen(port, host, () => {
      server.off('error', refuse);
      resolve();
    });
  });
  return (server.address() as AddressInfo).port;
}

/** Where the server is called from this machine: `http://127.0.0.1:3001`. */
export function urlAt(port: number, host = LOOPBACK): string {
  if (host === '0.0.0.0' || host === '::') return `http://${LOOPBACK}:${port}`;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** What to throw for an error of `listen`. */
export function listenError(cause: unknown, { port, host = LOOPBACK }: Address): unknown {
  const code = (cause as NodeJS.ErrnoException).code;
  if (code === 'EADDRINUSE') {
    const message = `port ${port} of ${host} is taken: stop what listens there, or choose another port`;
    return new IsrError('port-taken', message, 'port', { cause });
  }
  return new Error(`cannot listen on ${host}:${port}: ${reasonOf(cause)}`, { cause });
}
