import { existsSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(__dirname, '../..');

/** A file that `npm run build` makes; `npm test` runs it first. */
export function built(path: string): string {
  const file = join(ROOT, 'dist', path);
  if (!existsSync(file)) throw new Error(`${file} is not there: run npm run build`);
  return file;
}
