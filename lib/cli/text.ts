/**
 * Text that came out of ZooKeeper, where anybody may have written it, without
 * what a terminal would obey.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cs}]/gu, '\uFFFD');
}

/** Rows as columns of equal width; the last one is as long as it is. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, index) => {
      widths[index] = Math.max(widths[index] ?? 0, cell.length);
    });
  }
  return rows
    .map((row) =>
      row
        .map((cell, index) =>
          index === row.length - 1 ? cell : cell.padEnd(widths[index] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

const UNITS: readonly [name: string, ms: number][] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
];

/** A duration with two units at most, as in `2 h 5 min`. */
export function duration(ms: number): string {
  const index = UNITS.findIndex(([, unitMs]) => ms >= unitMs);
  const [name, unitMs] = UNITS[index] ?? ['ms', 1];
  if (name === 'ms' || name === 's') {
    return ms < 10_000 && name === 's'
      ? `${(ms / unitMs).toFixed(1)} ${name}`
      : `${Math.round(ms / unitMs)} ${name}`;
  }
  const [lesser, lesserMs] = UNITS[index + 1] as [string, number];
  const rest = Math.floor((ms % unitMs) / lesserMs);
  const whole = `${Math.floor(ms / unitMs)} ${name}`;
  return rest > 0 ? `${whole} ${rest} ${lesser}` : whole;
}

/** To the second. */
export function time(date: Date): string {
  return date.toISOString().replace(/\.\d{3}Z$/, 'Z');
}

/** How long ago, as in `2 h 5 min`. */
export function age(since: Date): string {
  return duration(Math.max(0, Date.now() - since.getTime()));
}
