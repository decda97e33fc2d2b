/**
 * One table for several sites: each has keys of its own, and cannot name another's.
 *
 *     tag#post:42#0             an edge of the site whose table it is
 *     site#shop#tag#post:42#0   the same tag's, of the site `shop`, which shares that table
 *
 * It stands around the one method through which everything goes, so what reads and writes knows nothing of it and no
 * key can be forgotten. A site's name has no `#` (core/config.ts), so none begins as another's keys do; the roles of a
 * site that shares are held to the same beginning by IAM.
 * @module
 */
import { siteKeys } from '../core/config';
import type { DynamoCall } from './dynamo';

/** @param site undefined where the table is the site's own */
export function inSite(call: DynamoCall, site: string | undefined): DynamoCall {
  if (site === undefined) return call;
  const keys = siteKeys(site);
  return async (operation, input) => {
    const output = await call(
      operation,
      renamed(input, (pk) => keys + pk),
    );
    return renamed(output, (pk) => pk.slice(keys.length));
  };
}

/** Wherever a key stands, and nowhere within an item: there is no key below another one. */
function renamed<T>(value: T, rename: (pk: string) => string): T {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((each) => renamed(each, rename)) as T;
  const fields = value as Readonly<Record<string, { readonly S?: string } | undefined>>;
  const name = [':pk', 'pk'].find((each) => fields[each]?.S !== undefined);
  if (name) return { ...value, [name]: { S: rename(fields[name]?.S ?? '') } };
  const below = ([field, it]: [string, unknown]) => [
    field,
    field[0] === ':' ? it : renamed(it, rename),
  ];
  return Object.fromEntries(Object.entries(value).map(below)) as T;
}
