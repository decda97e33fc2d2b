/**
 * SHA-256, and node:crypto when it is first needed: loading it takes longer than loading all of the recorder, so it has
 * to wait until the function has started.
 * @module
 */
type Crypto = typeof import('node:crypto');

export function crypto(): Crypto {
  return require('node:crypto');
}

/** 64 hexadecimal digits. */
export function hash(text: string): string {
  return crypto().createHash('sha256').update(text).digest('hex');
}
