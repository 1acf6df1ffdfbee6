import type { SessionTiming } from './session-timing.js';

export interface PulseEvents {
  onTick(): void;
  /** Nothing has been sent for a while. */
  onPing(): void;
  /** Nothing has been heard for too long. */
  onSilence(): void;
  /** The event loop, or the whole process, was blocked for that long. */
  onStall(blockedMs: number): void;
}

/**
 * The clockwork of one connection. Counts ticks of its own instead of comparing
 * clocks: after a stall the server's answers lie ready, unread, and the server
 * must not be blamed. A clock that is set makes no difference either.
 */
export class Pulse {
  readonly #timing: SessionTiming;
  readonly #events: PulseEvents;
  readonly #timer: NodeJS.Timeout;
  #tickedAtMs = performance.now();
  #ticksSinceSent = 0;
  #ticksSinceHeard = 0;

  constructor(timing: SessionTiming, events: PulseEvents) {
    this.#timing = timing;
    this.#events = events;
    this.#timer = setInterval(() => this.#tick(), timing.tickMs);
  }

  sent(): void {
    this.#ticksSinceSent = 0;
  }

  heard(): void {
    this.#ticksSinceHeard = 0;
  }

  /** For how long the loop has been blocked; undefined if it has not been. */
  get blockedMs(): number | undefined {
    const sinceTickMs = performance.now() - this.#tickedAtMs;
    return sinceTickMs > this.#timing.stallMs ? sinceTickMs : undefined;
  }

  /** What there was of a stall is over. */
  woke(): void {
    this.#tickedAtMs = performance.now();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    const { ticksOfSilence, ticksToPing } = this.#timing;
    const { blockedMs } = this;
    this.#tickedAtMs = performance.now();
    this.#ticksSinceSent += 1;
    this.#ticksSinceHeard += 1;
    if (blockedMs !== undefined) {
      this.#events.onStall(blockedMs);
    }
    this.#events.onTick();
    if (this.#ticksSinceHeard > ticksOfSilence) {
      this.#events.onSilence();
    } else if (this.#ticksSinceSent >= ticksToPing) {
      this.#events.onPing();
    }
  }
}
