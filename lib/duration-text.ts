const UNITS: readonly [name: string, ms: number][] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
];

/** A duration with two units at most, as in `2 h 5 min`. */
export function durationText(ms: number): string {
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
