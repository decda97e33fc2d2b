import type { ServerResponse } from 'node:http';
import { Readable, Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { shareBody } from '../../../local/cloudfront/shared-body';
import { until } from '../../conformance/stage';

/** A reader of a few bytes at a time, which can be held. */
class Reader extends Writable {
  text = '';
  isHeld = false;
  #resume = () => {};

  constructor() {
    super({ highWaterMark: 4 });
  }
  override _write(chunk: Buffer, _: BufferEncoding, done: () => void) {
    this.text += chunk.toString();
    if (this.isHeld) this.#resume = done;
    else done();
  }
  release() {
    this.isHeld = false;
    this.#resume();
  }
  get reply() {
    return this as unknown as ServerResponse;
  }
}

/** Counts what has been taken from it. */
function source(chunks: number) {
  const taken = { count: 0 };
  async function* read() {
    for (; taken.count < chunks; taken.count += 1) yield Buffer.from('8 bytes.');
  }
  return { taken, stream: Readable.from(read(), { highWaterMark: 1 }) };
}

const turns = async (count: number) => {
  for (let i = 0; i < count; i += 1) await new Promise((resolve) => setImmediate(resolve));
};

describe('a body within the limit', () => {
  it('is read at the pace of its origin, however slow a reader is, and is whole', async () => {
    const { stream } = source(100);
    const body = shareBody(stream, 1_000);
    const slow = new Reader();
    slow.isHeld = true;
    body.attach(slow.reply, () => {});
    expect((await body.whole)?.byteLength).toBe(800);
    slow.release();
    await until(() => slow.writableFinished);
    expect(slow.text).toHaveLength(800);
  });

  it('is sent from its beginning even after its end', async () => {
    const body = shareBody(source(3).stream, 1_000);
    body.start();
    await body.whole;
    const late = new Reader();
    expect(body.attach(late.reply, () => {})).toBe(true);
    await until(() => late.writableFinished);
    expect(late.text).toHaveLength(24);
  });
});

describe('a body past the limit', () => {
  it('waits for its slowest reader, so that nothing piles up', async () => {
    const { stream, taken } = source(10_000);
    const body = shareBody(stream, 80);
    const slow = new Reader();
    slow.isHeld = true;
    body.attach(slow.reply, () => {});
    await body.whole; // known not to be kept
    await turns(100);
    expect(taken.count).toBeLessThan(20);
    slow.release();
    await until(() => slow.writableFinished);
    expect(slow.text).toHaveLength(80_000);
  });

  it('waits for no reader that has left', async () => {
    const body = shareBody(source(1_000).stream, 80);
    const [gone, other] = [new Reader(), new Reader()];
    gone.isHeld = true;
    body.attach(gone.reply, () => {});
    body.attach(other.reply, () => {});
    await body.whole;
    await turns(10);
    gone.destroy();
    await until(() => other.writableFinished);
    expect(other.text).toHaveLength(8_000);
  });

  it('takes no more readers, and sends them nothing', async () => {
    const body = shareBody(source(100).stream, 80);
    body.attach(new Reader().reply, () => {});
    expect(await body.whole).toBeUndefined();
    let isHeadSent = false;
    const late = new Reader();
    const isAttached = body.attach(late.reply, () => {
      isHeadSent = true;
    });
    expect([isAttached, isHeadSent, late.text]).toEqual([false, false, '']);
  });
});

describe('a body that breaks off', () => {
  it('cuts its readers off, and is never whole', async () => {
    async function* broken() {
      yield Buffer.from('half');
      throw new Error('the origin is gone');
    }
    const body = shareBody(Readable.from(broken()), 1_000);
    const reader = new Reader();
    body.attach(reader.reply, () => {});
    expect(await body.whole).toBeUndefined();
    expect([reader.destroyed, reader.writableFinished]).toEqual([true, false]);
    expect(body.attach(new Reader().reply, () => {})).toBe(false);
  });
});
