/**
 * Header lines, in the two forms that they are worked with.
 *
 *     Line[]     [['ETag', '"1"'], ['Vary', 'Accept-Encoding']]    while rules read and change them
 *     string[]   ['ETag', '"1"', 'Vary', 'Accept-Encoding']        as Node and undici give, keep and write them
 *
 * Names keep the case in which they came; look-ups take them in lower case.
 * @module
 */
export type Line = readonly [name: string, value: string];

export function linesOf(flat: readonly string[]): Line[] {
  const lines: Line[] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) {
    lines.push([flat[i] as string, flat[i + 1] as string]);
  }
  return lines;
}

export function flatOf(lines: readonly Line[]): string[] {
  return lines.flat();
}

/** All lines of a field as one value (RFC 9110 §5.3); undefined when the field is absent. */
export function fieldOf(lines: readonly Line[], name: string): string | undefined {
  const values = valuesOf(lines, name);
  return values.length === 0 ? undefined : values.join(', ');
}

export function valuesOf(lines: readonly Line[], name: string): string[] {
  return lines.filter(([line]) => line.toLowerCase() === name).map(([, value]) => value);
}

export function without(lines: readonly Line[], isDropped: (name: string) => boolean): Line[] {
  return lines.filter(([name]) => !isDropped(name.toLowerCase()));
}

/** They belong to one connection, never to the message (RFC 9110 §7.6.1), with whatever Connection itself names. */
export function isHopByHop(lines: readonly Line[]): (name: string) => boolean {
  const named = (fieldOf(lines, 'connection') ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase());
  return (name) => HOP_BY_HOP.has(name) || named.includes(name);
}

const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
