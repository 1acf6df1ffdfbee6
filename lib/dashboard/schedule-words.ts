import type { LeaderTaskSchedule } from '../tasks/leader-task-info.interface.js';

const DAYS = [
  'Sunday',
  'Monday',
  'Tuesday',
  'Wednesday',
  'Thursday',
  'Friday',
  'Saturday',
];

/** A schedule as people say it: `every 5 s`, `daily at 02:00`. */
export function scheduleWords(schedule: LeaderTaskSchedule): string {
  if (schedule.type === 'cron') {
    return cronWords(schedule.expression) ?? schedule.expression;
  }
  return schedule.type === 'interval'
    ? `every ${span(schedule.everyMs)}`
    : `once, ${span(schedule.afterMs)} after the start`;
}

/** Undefined for what has no short words. */
function cronWords(expression: string): string | undefined {
  const fields = expression.trim().split(/\s+/);
  const [second, minute, hour, date, month, day] =
    fields.length === 5 ? ['0', ...fields] : fields;
  if (!second || !minute || !hour || !date || !month || !day) {
    return undefined;
  }
  if (month !== '*') {
    return undefined;
  }
  const isEveryDay = date === '*' && day === '*';
  const steps = [
    { field: second, unit: 's', before: [], after: [minute, hour] },
    { field: minute, unit: 'min', before: [second], after: [hour] },
    { field: hour, unit: 'h', before: [second, minute], after: [] },
  ];
  for (const { field, unit, before, after } of steps) {
    const step = /^\*(?:\/(\d+))?$/.exec(field);
    const isRegular =
      before.every((each) => each === '0') &&
      after.every((each) => each === '*');
    if (isEveryDay && step && isRegular) {
      const every = Number(step[1] ?? 1);
      return `every ${every === 1 ? '' : `${every} `}${every === 1 ? ONE[unit] : unit}`;
    }
  }
  const time = timeOf(hour, minute, second);
  if (time === undefined) {
    return undefined;
  }
  if (isEveryDay) {
    return `daily at ${time}`;
  }
  if (date === '*') {
    const days = daysOf(day);
    return days && `${days} at ${time}`;
  }
  return day === '*' && /^\d+$/.test(date)
    ? `monthly on day ${date} at ${time}`
    : undefined;
}

const ONE: Readonly<Record<string, string>> = {
  s: 'second',
  min: 'minute',
  h: 'hour',
};

function timeOf(
  hour: string,
  minute: string,
  second: string,
): string | undefined {
  const fields = second === '0' ? [hour, minute] : [hour, minute, second];
  return fields.every((field) => /^\d+$/.test(field))
    ? fields.map((field) => field.padStart(2, '0')).join(':')
    : undefined;
}

function daysOf(field: string): string | undefined {
  if (/^(1-5|mon-fri)$/i.test(field)) {
    return 'on weekdays';
  }
  const names = field.split(',').map((each) => {
    const index = /^[0-7]$/.test(each)
      ? Number(each) % 7
      : DAYS.findIndex((day) =>
          day.toLowerCase().startsWith(each.toLowerCase()),
        );
    return each.length <= 3 ? DAYS[index] : undefined;
  });
  return names.every((name) => name !== undefined)
    ? `on ${names.join(', ')}`
    : undefined;
}

/** Milliseconds in the largest unit that divides them. */
function span(ms: number): string {
  const units = [
    ['h', 3_600_000],
    ['min', 60_000],
    ['s', 1_000],
  ] as const;
  const found = units.find(([, unitMs]) => ms >= unitMs && ms % unitMs === 0);
  if (found) {
    return `${ms / found[1]} ${found[0]}`;
  }
  return ms >= 1_000 ? `${ms / 1_000} s` : `${ms} ms`;
}
