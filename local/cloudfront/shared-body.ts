/**
 * One body from the origin, for everyone who waits for it, and for the cache.
 *
 * Up to a limit it is kept while it streams: who comes later gets the beginning from memory and the rest as it arrives.
 * Past the limit nothing is kept, nobody can join, and the slowest reader sets the pace: memory stays bounded.
 * A body that breaks off is never whole: its readers' connections are cut, so that they see it too.
 * @module
 */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';

export interface SharedBody {
  /** Sends the head, all from the beginning, and the end. False, with nothing sent, when the beginning is gone. */
  attach(reader: ServerResponse, sendHead: () => void): boolean;
  /** Reads it with no reader there. */
  start(): void;
  /** The complete body; undefined as soon as it is too large, or has broken off. Never rejects. */
  readonly whole: Promise<Buffer | undefined>;
}

export function shareBody(source: Readable, bytesMax: number): SharedBody {
  const readers = new Set<ServerResponse>();
  let kept: Buffer[] | undefined = bytesMax > 0 ? [] : undefined;
  let state: 'waiting' | 'reading' | 'complete' | 'broken' = 'waiting';
  let settle: (whole: Buffer | undefined) => void = () => {};
  const whole = new Promise<Buffer | undefined>((resolve) => {
    settle = resolve;
  });
  if (!kept) settle(undefined);

  async function read() {
    let bytes = 0;
    for await (const chunk of source as AsyncIterable<Buffer>) {
      bytes += chunk.byteLength;
      if (bytes > bytesMax) {
        kept = undefined;
        settle(undefined);
      }
      kept?.push(chunk);
      for (const reader of readers) reader.write(chunk);
      if (!kept) await Promise.all([...readers].map(drained));
    }
    state = 'complete';
    settle(kept && Buffer.concat(kept)); // a copy: chunks are windows on larger buffers
    for (const reader of readers) reader.end();
  }

  function start() {
    if (state !== 'waiting') return;
    state = 'reading';
    read().catch(() => {
      state = 'broken';
      settle(undefined);
      for (const reader of readers) reader.destroy();
    });
  }

  return {
    attach(reader, sendHead) {
      if (state === 'broken' || (state !== 'waiting' && !kept)) return false;
      sendHead();
      readers.add(reader);
      reader.once('close', () => readers.delete(reader));
      for (const chunk of kept ?? []) reader.write(chunk);
      if (state === 'complete') reader.end();
      else start();
      return true;
    },
    start,
    whole,
  };
}

async function drained(reader: ServerResponse): Promise<void> {
  if (!reader.writableNeedDrain) return;
  const settled = new AbortController();
  const { signal } = settled;
  await Promise.race([once(reader, 'drain', { signal }), once(reader, 'close', { signal })]).catch(
    () => {}, // a reader that fails is a reader gone
  );
  settled.abort();
}

/** Past it, hanging up is cheaper than reading on. */
const DISCARDED_BYTES_MAX = 65_536;

/** Reads what nobody wants, so that the connection can be used again. */
export async function discard(body: Readable): Promise<void> {
  let bytes = 0;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      bytes += chunk.byteLength;
      if (bytes > DISCARDED_BYTES_MAX) break;
    }
  } catch {} // it broke off: nobody wanted it
}
