import type { SessionTiming } from './session-timing.js';

export interface PulseEvents {
  onTick(): void;
  /** Nothing has been sent for a while. */
  onPing(): void;
  /** Nothing has been heard for too long. */
  onSilence(): void;
  /** The event loop, or the whole process, stood still. */
  onStall(): void;
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

  /** Whether there has been no tick for so long that the loop stood still. */
  get isLate(): boolean {
    return performance.now() - this.#tickedAtMs > this.#timing.stallMs;
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
    const { isLate } = this;
    this.#tickedAtMs = performance.now();
    this.#ticksSinceSent += 1;
    this.#ticksSinceHeard += 1;
    if (isLate) {
      this.#events.onStall();
    }
    this.#events.onTick();
    if (this.#ticksSinceHeard > ticksOfSilence) {
      this.#events.onSilence();
    } else if (this.#ticksSinceSent >= ticksToPing) {
      this.#events.onPing();
    }
  }
}
