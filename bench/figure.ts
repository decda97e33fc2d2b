/** What a benchmark prints: one JSON line a figure. A figure with a goal that it misses makes the run fail. */
export interface Figure {
  readonly figure: string;
  readonly value: number;
  /** As in `B`, `ms`, `calls`. */
  readonly unit: string;
  readonly goal?: number;
  readonly op?: '<=' | '>=';
}

export function print(figure: Figure): void {
  console.log(JSON.stringify(figure));
  const { value, goal, op } = figure;
  if (goal === undefined) return;
  const isMet = op === '>=' ? value >= goal : value <= goal;
  if (!isMet) process.exitCode = 1;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
