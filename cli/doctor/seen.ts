/** What an answer's headers say of who has answered. */
import { field, RENDERED_AT } from '../../core/headers';
import type { Answer } from './check';

/** The recorder has seen it: nobody else sends this header. */
export function isRecorded({ fields }: Answer): boolean {
  return field(fields, RENDERED_AT) !== undefined;
}

export function isFromCloudFront({ fields }: Answer): boolean {
  return (
    /cloudfront/i.test(field(fields, 'x-cache') ?? '') ||
    /cloudfront/i.test(field(fields, 'via') ?? '')
  );
}

/** As CloudFront words it: `Hit from cloudfront`, `RefreshHit …`. */
export function isHit({ fields }: Answer): boolean {
  return /\bhit\b/i.test((field(fields, 'x-cache') ?? '').replace('RefreshHit', 'Hit'));
}

/** Did both come out of one render? */
export function isSameRender(a: Answer, b: Answer): boolean {
  const at = field(a.fields, RENDERED_AT);
  return at !== undefined && at === field(b.fields, RENDERED_AT);
}

/** A value as a finding shows it. */
export function shown(value: string, max = 60): string {
  return value.length > max ? `${value.slice(0, max)}…` : value;
}
