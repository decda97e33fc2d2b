/**
 * Tells the edge what a save has changed. A save is never lost over it: what could not be told is owed, and told with
 * the next save.
 * @module
 */
import { IsrClient, IsrError } from '../../client';
import type { Notice } from './views';

/** An editor waits for it: three attempts within a few seconds. */
const PATIENCE = { attemptsMax: 3, attemptTimeoutMs: 2_000 };

export type Announce = (tags: readonly string[]) => Promise<Notice>;

export function announcer(endpoint: string | undefined): Announce {
  if (!endpoint) return async () => ({ kind: 'alone' });
  const client = new IsrClient({ endpoint, ...PATIENCE });
  let owed: readonly string[] = [];
  return async (tags) => {
    const telling = [...new Set([...owed, ...tags])];
    owed = [];
    try {
      const { job } = await client.revalidate({ tags: telling });
      return { kind: 'told', job };
    } catch (error) {
      owed = [...new Set([...owed, ...telling])];
      console.warn(`the edge was not told of ${telling.join(', ')}: ${error}`);
      return { kind: 'untold', problem: error instanceof IsrError ? error.code : 'failed' };
    }
  };
}
