import { describe, expect, it } from 'vitest';
import { built } from '../support/bundles';
import { run } from '../support/process';

describe('npm start -- --once', () => {
  it('walks from a miss to a fresh hit, prints every step, and ends with 0', async () => {
    const { code, out, err } = await run(built('examples/walk.js'), ['--once']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const steps = [...out.matchAll(/^ *\d+ ms {2}([a-z, ]+?) {2,}/gm)].map(([, step]) => step);
    const expected = [
      'miss',
      'hit',
      'edit',
      'revalidate',
      'purge',
      'warm',
      'fresh',
      'hit, fresh',
      'hit',
    ];
    let at = -1;
    for (const step of expected) {
      at = steps.indexOf(step, at + 1);
      expect({ step, at, steps }).not.toMatchObject({ at: -1 });
    }
    expect(out).toContain('1 purge item');
  }, 60_000);

  it('takes no other option', async () => {
    const { code, err } = await run(built('examples/walk.js'), ['--twice']);
    expect(code).toBe(1);
    expect(err).toContain('--twice is no option');
  });
});
