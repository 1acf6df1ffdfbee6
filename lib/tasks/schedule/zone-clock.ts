const SECOND_MS = 1_000;
/** No zone changes its clocks twice in so short a time. */
const STEP_MS = 3 * 86_400_000;
const MOST_STEPS = 1_000;

/** What wall clocks show more than UTC, in milliseconds. */
type OffsetAt = (ms: number) => number;

/** A moment at which the clocks of a zone change. */
export interface ClockChange {
  readonly at: number;
  readonly before: number;
  readonly after: number;
}

const clocks = new Map<string, ZoneClock | undefined>();

/**
 * The clock of a time zone, as `cron` understands its name; undefined for a name
 * that Intl does not know.
 */
export function zoneClock(name: string): ZoneClock | undefined {
  if (!clocks.has(name)) {
    clocks.set(name, makeClock(name));
  }
  return clocks.get(name);
}

function makeClock(name: string): ZoneClock | undefined {
  const fixed = /^utc(?:([+-]\d{1,2})(?::(\d{2}))?)?$/i.exec(name);
  if (fixed) {
    const [, hours = '0', minutes = '0'] = fixed;
    const sign = hours.startsWith('-') ? -1 : 1;
    const offsetMs =
      Number(hours) * 3_600_000 + sign * Number(minutes) * 60_000;
    return new ZoneClock(() => offsetMs);
  }
  const isLocal = /^(local|system)$/i.test(name);
  try {
    const format = new Intl.DateTimeFormat('en-US', {
      ...(!isLocal && { timeZone: name }),
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
      era: 'short',
    });
    return new ZoneClock((ms) => offsetOf(format, ms));
  } catch {
    return undefined;
  }
}

function offsetOf(format: Intl.DateTimeFormat, ms: number): number {
  const whole = Math.floor(ms / SECOND_MS) * SECOND_MS;
  const parts: Record<string, string> = {};
  for (const { type, value } of format.formatToParts(whole)) {
    parts[type] = value;
  }
  const { year, month, day, hour, minute, second } = parts;
  const wallMs = Date.UTC(
    Number(year),
    Number(month) - 1,
    Number(day),
    Number(hour),
    Number(minute),
    Number(second),
  );
  return wallMs - whole;
}

/**
 * What wall clocks of a zone show when. Intl takes long: it is asked once for each
 * step of three days, and each change is looked for once.
 */
export class ZoneClock {
  readonly #ask: OffsetAt;
  readonly #offsets = new Map<number, number>();
  readonly #changes = new Map<number, ClockChange>();

  constructor(ask: OffsetAt) {
    this.#ask = ask;
  }

  offsetAt(ms: number): number {
    const step = Math.floor(ms / STEP_MS);
    const change = this.#changeIn(step);
    return change && ms >= change.at ? change.after : this.#offsetOf(step);
  }

  /** A change that is not more than `withinMs` away; at most three days. */
  changeNear(ms: number, withinMs: number): ClockChange | undefined {
    const last = Math.floor((ms + withinMs) / STEP_MS);
    for (let step = Math.floor((ms - withinMs) / STEP_MS); step <= last;) {
      const change = this.#changeIn(step);
      if (change && Math.abs(ms - change.at) <= withinMs) {
        return change;
      }
      step += 1;
    }
    return undefined;
  }

  #changeIn(step: number): ClockChange | undefined {
    const [before, after] = [this.#offsetOf(step), this.#offsetOf(step + 1)];
    if (before === after) {
      return undefined;
    }
    let change = this.#changes.get(step);
    if (!change) {
      change = { at: this.#find(step, before), before, after };
      this.#changes.set(step, change);
    }
    return change;
  }

  #offsetOf(step: number): number {
    let offsetMs = this.#offsets.get(step);
    if (offsetMs === undefined) {
      offsetMs = this.#ask(step * STEP_MS);
      if (this.#offsets.size >= MOST_STEPS) {
        this.#offsets.clear();
        this.#changes.clear();
      }
      this.#offsets.set(step, offsetMs);
    }
    return offsetMs;
  }

  /** Halves the step: clocks change at whole seconds. */
  #find(step: number, before: number): number {
    let from = (step * STEP_MS) / SECOND_MS;
    let to = from + STEP_MS / SECOND_MS;
    while (to - from > 1) {
      const middle = Math.floor((from + to) / 2);
      if (this.#ask(middle * SECOND_MS) === before) {
        from = middle;
      } else {
        to = middle;
      }
    }
    return to * SECOND_MS;
  }
}
