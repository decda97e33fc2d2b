/** A value as an error shows it: in quotes, at most 80 characters of it. */
export function quote(raw: string): string {
  return JSON.stringify(raw.length > 80 ? `${raw.slice(0, 77)}…` : raw);
}
