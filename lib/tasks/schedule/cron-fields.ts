const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
/** As far as `cron` looks. */
export const LONGEST_SEARCH_MS = 8 * 366 * DAY_MS;

/** Values that a time must have, by their name in `CronTime`. */
export interface CronFields {
  readonly second: readonly number[];
  readonly minute: readonly number[];
  readonly hour: readonly number[];
  readonly dayOfMonth: ReadonlySet<number>;
  readonly month: ReadonlySet<number>;
  readonly dayOfWeek: ReadonlySet<number>;
}

/** The first time after `wallMs` that the fields allow, as clocks show it. */
export function nextWallClock(
  fields: CronFields,
  wallMs: number,
): number | undefined {
  const from = Math.floor(wallMs / SECOND_MS) * SECOND_MS + SECOND_MS;
  const end = from + LONGEST_SEARCH_MS;
  let day = Math.floor(from / DAY_MS) * DAY_MS;
  let least = from - day;
  while (day < end) {
    const date = new Date(day);
    const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
    if (!fields.month.has(month + 1)) {
      day = Date.UTC(year, month + 1);
      least = 0;
      continue;
    }
    const time = isDay(fields, date) ? timeOfDay(fields, least) : undefined;
    if (time !== undefined) {
      return day + time;
    }
    day += DAY_MS;
    least = 0;
  }
  return undefined;
}

/** As in every cron: if both kinds of days are given, either will do. */
function isDay({ dayOfMonth, dayOfWeek }: CronFields, date: Date): boolean {
  const isMonthDay = dayOfMonth.has(date.getUTCDate());
  const isWeekDay = dayOfWeek.has(date.getUTCDay());
  return dayOfMonth.size < 31 && dayOfWeek.size < 7
    ? isMonthDay || isWeekDay
    : isMonthDay && isWeekDay;
}

/** The first allowed time of a day, in milliseconds, from `least` on. */
function timeOfDay(
  { hour, minute, second }: CronFields,
  least: number,
): number | undefined {
  const [h, m, s] = [
    Math.floor(least / HOUR_MS),
    Math.floor((least % HOUR_MS) / MINUTE_MS),
    Math.floor((least % MINUTE_MS) / SECOND_MS),
  ];
  for (const each of hour) {
    if (each >= h) {
      const isSame = each === h;
      for (const one of minute) {
        if (!isSame || one >= m) {
          const from = isSame && one === m ? s : 0;
          const found = second.find((value) => value >= from);
          if (found !== undefined) {
            return each * HOUR_MS + one * MINUTE_MS + found * SECOND_MS;
          }
        }
      }
    }
  }
  return undefined;
}

/** Undefined if this `CronTime` has been made otherwise than those we know. */
export function fieldsOf(time: object): CronFields | undefined {
  const valuesOf = (name: string): number[] => {
    const field = (time as Record<string, unknown>)[name];
    return typeof field === 'object' && field !== null
      ? Object.keys(field)
          .map(Number)
          .toSorted((a, b) => a - b)
      : [];
  };
  const fields = {
    second: valuesOf('second'),
    minute: valuesOf('minute'),
    hour: valuesOf('hour'),
    dayOfMonth: new Set(valuesOf('dayOfMonth')),
    month: new Set(valuesOf('month')),
    dayOfWeek: new Set(valuesOf('dayOfWeek')),
  };
  const isKnown =
    [fields.second, fields.minute, fields.hour].every(
      (values) => values.length > 0 && values.every(Number.isInteger),
    ) &&
    [fields.dayOfMonth, fields.month, fields.dayOfWeek].every(
      ({ size }) => size > 0,
    );
  return isKnown ? fields : undefined;
}
