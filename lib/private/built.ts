/**
 * What the build has left for the construct, beside the compiled lib (dist/lib) or beside its source.
 *
 *     dist/lambda/recorder/index.js   dist/functions/viewer-request.js   dist/lib/private/built.js
 * @module
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { IsrError } from '../../core/errors';

/**
 * @param path below dist/
 * @param what it is called when it is missing. @default - its path
 * @throws IsrError `config-invalid` when the package was not built
 */
export function builtPath(path: string, what = path): string {
  const found = ['../..', '../../dist'].map((up) => join(__dirname, up, path)).find(existsSync);
  if (found) return found;
  throw new IsrError('config-invalid', `${what} is missing: run npm run build`);
}
