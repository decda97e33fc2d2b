import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ERRORS, IsrError, reasonOf } from '../../core/errors';

describe('docs/errors.md', () => {
  it('lists every code with its status and advice, and no other', () => {
    const text = readFileSync(join(__dirname, '../../docs/errors.md'), 'utf8');
    const rows = [...text.matchAll(/^\| `([a-z-]+)` \| (\d+) \| (.+) \|$/gm)];
    const listed = rows.map(([, code, status, advice]) => [
      code,
      { status: Number(status), advice },
    ]);
    expect(Object.fromEntries(listed)).toEqual(ERRORS);
  });
});

describe('an error', () => {
  it('is answered with its code, its sentence and its place', () => {
    const error = new IsrError('tag-invalid', 'tags[2] is "a,b": a tag has no comma', 'tags[2]');
    expect(error.status).toBe(400);
    expect(error.toBody()).toEqual({
      error: { code: 'tag-invalid', message: error.message, field: 'tags[2]' },
    });
    expect(new IsrError('graph-unavailable', 'x').toBody().error).not.toHaveProperty('field');
  });

  it('has a reason even when what was thrown has no message', () => {
    const refused = new AggregateError([
      new Error('connect ECONNREFUSED ::1'),
      new Error('and 127.0.0.1'),
    ]);
    expect(reasonOf(refused)).toBe('connect ECONNREFUSED ::1; and 127.0.0.1');
    expect(reasonOf(new TypeError())).toBe('TypeError');
    expect(reasonOf('text')).toBe('text');
  });
});
