/**
 * A revalidation: "what depends on these tags, and these urls, has changed".
 *
 *     {"tags":["post:42"],"urls":["/posts/42"]}
 *     {"tags":["post:42"],"dryRun":true}
 *
 * `parseRevalidation` accepts exactly what REVALIDATION_SCHEMA (core/api.ts) accepts, and says what is wrong with the
 * rest by its place; a property test holds the two together.
 * @module
 */
import { IDEMPOTENCY_KEY, KEY_PATTERN, KEY_RULE, TAGS_MAX, URLS_MAX } from './api';
import { IsrError } from './errors';
import { parseTag, type Tag } from './tags';
import { parseUrl, type Url } from './urls';

export interface Revalidation {
  readonly tags: readonly Tag[];
  readonly urls: readonly Url[];
  /** Plan it, and do nothing. @default false */
  readonly dryRun?: boolean;
  /** Whether a wildcard may hit urls that nobody asked for; the plan says which. @default false */
  readonly allowCollateral?: boolean;
}

const FIELDS: readonly string[] = ['tags', 'urls', 'dryRun', 'allowCollateral'];

/** A revalidation as it waits in the queue. */
export interface QueuedRevalidation extends Revalidation {
  readonly job: string;
  readonly requestedAtMs: number;
  /** SQS's own id: redelivery keeps it. */
  readonly messageId: string;
}

/** @throws IsrError `body-invalid`, `tag-invalid` or `url-invalid`, naming the field, the value and the rule */
export function parseRevalidation(body: unknown): Revalidation {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new IsrError('body-invalid', `the body is ${shown(body)}: it takes an object`, 'body');
  }
  const unknown = Object.keys(body).find((name) => !FIELDS.includes(name));
  if (unknown !== undefined) {
    throw new IsrError(
      'body-invalid',
      `${unknown} is no field of a revalidation: it has ${FIELDS.join(', ')}`,
      unknown,
    );
  }
  const { tags, urls, dryRun, allowCollateral } = body as Readonly<Record<string, unknown>>;
  if (tags === undefined && urls === undefined) {
    throw new IsrError(
      'body-invalid',
      'the body names nothing to revalidate: it takes tags, urls or both',
      'tags',
    );
  }
  return {
    tags: [
      ...new Set(
        strings(tags, { name: 'tags', max: TAGS_MAX }).map((tag, i) => parseTag(tag, `tags[${i}]`)),
      ),
    ],
    urls: [
      ...new Set(
        strings(urls, { name: 'urls', max: URLS_MAX }).map((url, i) => parseUrl(url, `urls[${i}]`)),
      ),
    ],
    ...(flag(dryRun, 'dryRun') ? { dryRun: true } : {}),
    ...(flag(allowCollateral, 'allowCollateral') ? { allowCollateral: true } : {}),
  };
}

/** @throws IsrError as parseRevalidation; `body-invalid` when the text is no JSON */
export function parseRevalidationText(text: string): Revalidation {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (cause) {
    throw new IsrError('body-invalid', `the body is no JSON: ${(cause as Error).message}`, 'body', {
      cause,
    });
  }
  return parseRevalidation(body);
}

const KEY = new RegExp(`^${KEY_PATTERN}$`);

/** @throws IsrError `key-invalid`, naming the header, the value and the rule */
export function parseKey(text: string): string {
  if (KEY.test(text)) return text;
  throw new IsrError(
    'key-invalid',
    `${IDEMPOTENCY_KEY} is ${shown(text)}: ${KEY_RULE}`,
    IDEMPOTENCY_KEY,
  );
}

function flag(value: unknown, name: string): boolean {
  if (value === undefined || typeof value === 'boolean') return value === true;
  throw new IsrError('body-invalid', `${name} is ${shown(value)}: it takes true or false`, name);
}

function strings(value: unknown, { name, max }: { name: string; max: number }): string[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) {
    throw new IsrError(
      'body-invalid',
      `${name} is ${shown(value)}: it takes a list of strings`,
      name,
    );
  }
  if (value.length === 0)
    throw new IsrError(
      'body-invalid',
      `${name} is empty: leave it out, or name at least one`,
      name,
    );
  if (value.length > max) {
    throw new IsrError(
      'body-invalid',
      `${name} has ${value.length} entries, at most ${max}: send it in parts`,
      name,
    );
  }
  return value.map((entry, i) => {
    if (typeof entry === 'string') return entry;
    throw new IsrError(
      'body-invalid',
      `${name}[${i}] is ${shown(entry)}: it takes a string`,
      `${name}[${i}]`,
    );
  });
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}
