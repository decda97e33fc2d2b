/**
 * Tags: what a page depends on, as `post:42`.
 *
 * A tag is what CloudFront accepts as one: 1 to 256 characters of ASCII 33–126, no comma, case-insensitive
 * (AWS CloudFront Developer Guide, "Invalidate by cache tags"). We keep it in lower case.
 * Seven headers carry tags; an origin may send any of them, or several, and their union counts.
 * @module
 */

import { IsrError } from './errors';
import { hash } from './hash';
import type { Fields } from './headers';
import { quote } from './quote';

declare const tagged: unique symbol;
export type Tag = string & { readonly [tagged]: 'tag' };

export const TAG_LENGTH_MAX = 256;
/** JSON Schema and JavaScript read it alike. */
export const TAG_PATTERN = `^[!-+\\--~]{1,${TAG_LENGTH_MAX}}$`;
const VALID = new RegExp(TAG_PATTERN);

/**
 * @param name where it came from, for the message: `tags[2]`
 * @throws IsrError `tag-invalid`, naming the place, the value and the rule
 * @example parseTag('Post:42') // 'post:42'
 */
export function parseTag(raw: string, name = 'tag'): Tag {
  const problem = problemOf(raw);
  if (problem) throw new IsrError('tag-invalid', `${name} is ${quote(raw)}: ${problem}`, name);
  return raw.toLowerCase() as Tag;
}

function problemOf(raw: string): string | undefined {
  if (VALID.test(raw)) return undefined;
  if (raw === '') return 'a tag has at least one character';
  if (raw.length > TAG_LENGTH_MAX)
    return `a tag has at most ${TAG_LENGTH_MAX} characters, this one ${raw.length}`;
  if (raw.includes(',')) return 'a tag has no comma, send two tags';
  if (/\s/.test(raw)) return 'a tag has no white space';
  return 'a tag has visible ASCII characters only (33 to 126)';
}

/** A tag that the origin sent and that CloudFront would not take. */
export interface RefusedTag {
  readonly header: string;
  readonly why: string;
}

export interface SentTags {
  /** Sorted, without repetition. */
  readonly tags: readonly Tag[];
  readonly refused: readonly RefusedTag[];
}

/** Splits one field line into raw tags; undefined when it breaks the field's own grammar. */
type Split = (line: string) => string[] | undefined;

const byComma: Split = (line) => line.split(',').map((part) => part.trim());
const bySpace: Split = (line) => line.split(/[\t ]+/);

/** A List of Strings with ignored parameters (RFC 9875 §2, RFC 9651 §3.1, §3.3.3). */
const byStructure: Split = (line) => {
  const member =
    /[\t ]*"((?:[ !#-[\]-~]|\\["\\])*)"(?:;[\t ]*[a-z*][a-z\d_\-.*]*(?:=(?:"(?:[^"\\]|\\.)*"|[^;,"\s]+))?)*[\t ]*(?:,|$)/y;
  const strings: string[] = [];
  while (member.lastIndex < line.length) {
    const match = member.exec(line);
    if (!match) return undefined;
    strings.push((match[1] as string).replace(/\\(.)/g, '$1'));
  }
  return /,[\t ]*$/.test(line) ? undefined : strings;
};

/** Every header that carries tags, and how its value is cut. */
export const TAG_HEADERS: Readonly<Record<string, Split>> = {
  'cache-tag': byComma, // Cloudflare, CloudFront's own example
  'surrogate-key': bySpace, // Fastly
  'edge-cache-tag': byComma, // Akamai
  xkey: bySpace, // Varnish vmod_xkey
  'x-magento-tags': byComma,
  'x-next-cache-tags': byComma,
  'cache-groups': byStructure, // RFC 9875
};

/**
 * The tags of a response, from all the headers that carry them.
 * @returns `refused` lists what no purge could ever name; a response with such a tag must not live long
 */
export function tagsOf(fields: Fields): SentTags {
  const tags = new Set<Tag>();
  const refused: RefusedTag[] = [];
  for (const [header, split] of Object.entries(TAG_HEADERS)) {
    for (const line of fields[header] ?? []) {
      const parts = split(line);
      if (!parts) refused.push({ header, why: `${header} is not a list of strings (RFC 9875 §2)` });
      for (const part of parts ?? []) {
        if (part === '') continue; // an empty list member is ignored (RFC 9110 §5.6.1.2)
        const why = problemOf(part);
        if (why) refused.push({ header, why: `${header} has ${quote(part)}: ${why}` });
        else tags.add(part.toLowerCase() as Tag);
      }
    }
  }
  return { tags: [...tags].sort(), refused };
}

/** Names a set of tags: 16 hexadecimal digits, the same for the same sorted tags. */
export function tagSetId(sorted: readonly Tag[]): string {
  return hash(sorted.join(',')).slice(0, 16);
}
