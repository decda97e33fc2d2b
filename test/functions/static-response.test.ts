import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../support/bundles';

const code = readFileSync(join(ROOT, 'dist/functions/static-response.js'), 'utf8');
const handler = runInNewContext(`${code};handler`);

describe('a file whose name changes with its content', () => {
  it.each([200, 206, 304])('is never asked for again: %i', (statusCode) => {
    const headers = { 'cache-control': { value: 'max-age=60' } };
    expect(handler({ response: { statusCode, headers } }).headers['cache-control'].value).toBe(
      'public, max-age=31536000, immutable',
    );
  });

  it.each([302, 404, 503])('that is not there is asked for again: %i', (statusCode) => {
    expect(handler({ response: { statusCode, headers: {} } }).headers).toEqual({});
  });
});
