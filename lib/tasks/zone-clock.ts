/** A span in which the clocks of a zone are not changed. */
export interface SteadySpan {
  readonly from: number;
  /** The first moment after it. */
  readonly to: number;
  /** What wall clocks show more than UTC, in milliseconds. */
  readonly offsetMs: number;
}

const SECOND_MS = 1_000;
const DAY_MS = 86_400_000;
/** No zone changes its clocks twice in so short a time. */
const STEP_MS = 3 * DAY_MS;
/** A span is not looked at any farther than this. */
const HORIZON_MS = 420 * DAY_MS;
const MOST_SPANS = 12;

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

/** What wall clocks of a zone show when; spans are computed once and kept. */
export class ZoneClock {
  readonly #offsetAt: (ms: number) => number;
  readonly #spans: SteadySpan[] = [];

  constructor(offsetAt: (ms: number) => number) {
    this.#offsetAt = offsetAt;
  }

  offsetAt(ms: number): number {
    return this.spanAt(ms).offsetMs;
  }

  spanAt(ms: number): SteadySpan {
    const known = this.#spans.find(({ from, to }) => from <= ms && ms < to);
    if (known) {
      return known;
    }
    const offsetMs = this.#offsetAt(ms);
    const span = {
      from: this.#edge(ms, -STEP_MS, offsetMs),
      to: this.#edge(ms, STEP_MS, offsetMs),
      offsetMs,
    };
    this.#spans.unshift(span);
    this.#spans.length = Math.min(this.#spans.length, MOST_SPANS);
    return span;
  }

  /** The moment nearest to `ms` at which clocks go back; undefined: none near. */
  goesBackNear(
    ms: number,
    marginMs: number,
  ): { readonly at: number; readonly byMs: number } | undefined {
    const span = this.spanAt(ms);
    for (const at of [span.from, span.to]) {
      const byMs = this.offsetAt(at - 1) - this.offsetAt(at);
      if (byMs > 0 && Math.abs(ms - at) <= byMs + marginMs) {
        return { at, byMs };
      }
    }
    return undefined;
  }

  /** Where the offset changes, looking from `ms` in steps. */
  #edge(ms: number, stepMs: number, offsetMs: number): number {
    let same = ms;
    while (Math.abs(same - ms) < HORIZON_MS) {
      const other = same + stepMs;
      if (this.#offsetAt(other) !== offsetMs) {
        return this.#narrow(same, other, offsetMs);
      }
      same = other;
    }
    return same;
  }

  #narrow(same: number, other: number, offsetMs: number): number {
    const forward = other > same;
    // Clocks change at whole seconds.
    let [a, b] = [
      Math.floor(Math.min(same, other) / SECOND_MS),
      Math.ceil(Math.max(same, other) / SECOND_MS),
    ];
    while (b - a > 1) {
      const middle = Math.floor((a + b) / 2);
      const isSame = this.#offsetAt(middle * SECOND_MS) === offsetMs;
      if (isSame === forward) {
        a = middle;
      } else {
        b = middle;
      }
    }
    return b * SECOND_MS;
  }
}
