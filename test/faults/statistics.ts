/** NaN where there are no values. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

/** NaN where there are no values. */
export function worst(values: readonly number[]): number {
  return values.length > 0 ? Math.max(...values) : NaN;
}

/** NaN where there are no values. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, each) => sum + each, 0) / values.length;
}
