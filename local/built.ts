/**
 * What the build has left for `isr dev`, beside the compiled local/ (dist/local) or, in tests, beside its source.
 * @module
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { IsrError } from '../core/errors';

/**
 * @param name as in `lambda/recorder`, and so it is called when it is missing
 * @param rest of its path
 * @throws IsrError `config-invalid` when the package was not built
 */
export function builtPath(name: string, rest: string): string {
  const found = ['..', '../dist'].map((up) => join(__dirname, up, name + rest)).find(existsSync);
  if (found) return found;
  throw new IsrError('config-invalid', `${name} is not built: run npm run build`);
}
