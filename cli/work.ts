/** What has changed, as `isr revalidate` and `isr plan` are told it: tags as arguments, urls with --url. */
import type { Work } from '../client';
import { IsrError } from '../core/errors';
import { parseTag } from '../core/tags';
import { encodeUrl, parseUrl } from '../core/urls';

export interface WorkOptions {
  readonly url: readonly string[];
  readonly allowCollateral?: boolean;
}

export const ALLOW_COLLATERAL = {
  flags: '--allow-collateral',
  help: 'a wildcard may hit urls that were not asked for, when the paths would break a quota',
} as const;

/** @throws IsrError `tag-invalid`, `url-invalid`, `body-invalid`, naming the argument */
export function parseWork(rawTags: readonly string[], options: WorkOptions): Work {
  const tags = rawTags.map((tag, i) => parseTag(tag, `tag ${i + 1}`));
  const urls = options.url.map((url, i) => parseUrl(encodeUrl(url), `--url ${i + 1}`));
  if (tags.length + urls.length === 0) {
    throw new IsrError('body-invalid', 'nothing to revalidate: name a tag, or a url with --url');
  }
  return {
    ...(tags.length > 0 ? { tags } : {}),
    ...(urls.length > 0 ? { urls } : {}),
    ...(options.allowCollateral ? { allowCollateral: true } : {}),
  };
}
