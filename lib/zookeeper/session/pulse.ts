import {
  elapsedMs,
  instantOf,
  systemClock,
  type Clock,
  type Instant,
} from '../../clock.js';
import type { SessionTiming } from './session-timing.js';

/** They reach back for more than a third of the session timeout. */
const MOST_CONTACTS = 10;

export interface PulseEvents {
  onTick(): void;
  /** Nothing has been sent for a while. */
  onPing(): void;
  /** Whether heartbeats are sent at regular intervals, and are answered in time. */
  hasHeartbeats(): boolean;
  /** Nothing has been heard for too long. */
  onSilence(): void;
  /** The event loop, the process or the machine was paused for that long. */
  onStall(blockedMs: number): void;
}

/**
 * The clockwork of one connection. Silence is counted in ticks: after a stall the
 * server's answers lie ready, unread, and the server must not be blamed.
 *
 * A stall is measured by the larger of two clocks. The monotonic clock does not
 * count while a machine is suspended; the wall clock does. A wall clock that is set
 * ahead looks the same and costs a new connection; one that is set back changes
 * nothing.
 */
export class Pulse {
  readonly #timing: SessionTiming;
  readonly #events: PulseEvents;
  readonly #clock: Clock;
  readonly #timer: NodeJS.Timeout;
  /** When something was sent, the oldest first; a tick apart at least. */
  #contacts: Instant[];
  #tickedAt: Instant;
  #ticksSinceSent = 0;
  #ticksSinceHeard = 0;

  /** @param grantedAt when the servers granted the session for this connection */
  constructor(
    timing: SessionTiming,
    events: PulseEvents,
    grantedAt: Instant,
    clock: Clock = systemClock,
  ) {
    this.#timing = timing;
    this.#events = events;
    this.#clock = clock;
    this.#contacts = [grantedAt];
    this.#tickedAt = instantOf(clock);
    this.#timer = setInterval(() => this.#tick(), timing.tickMs);
  }

  sent(): void {
    this.#ticksSinceSent = 0;
    const last = this.#contacts.at(-1) as Instant;
    if (elapsedMs(this.#clock, last) >= this.#timing.tickMs) {
      const kept = this.#contacts.slice(1 - MOST_CONTACTS);
      this.#contacts = [...kept, instantOf(this.#clock)];
    }
  }

  /** Milliseconds since something was sent that was sent `reportMs` ago, at least. */
  unheardMs(reportMs: number): number {
    let ageMs = 0;
    for (const contact of this.#contacts.toReversed()) {
      ageMs = elapsedMs(this.#clock, contact);
      if (ageMs >= reportMs) {
        break;
      }
    }
    return ageMs;
  }

  heard(): void {
    this.#ticksSinceHeard = 0;
  }

  /** For how long nothing could happen here; undefined without a stall. */
  get blockedMs(): number | undefined {
    const sinceTickMs = elapsedMs(this.#clock, this.#tickedAt);
    return sinceTickMs > this.#timing.stallMs ? sinceTickMs : undefined;
  }

  /** What there was of a stall is over. */
  woke(): void {
    this.#tickedAt = instantOf(this.#clock);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Pings if nothing has been sent for a while. */
  pingIfDue(): void {
    const { ticksToPing, ticksToMissHeartbeat } = this.#timing;
    const dueAt = this.#events.hasHeartbeats()
      ? ticksToMissHeartbeat
      : ticksToPing;
    if (this.#ticksSinceSent >= dueAt) {
      this.#events.onPing();
    }
  }

  #tick(): void {
    const { ticksOfSilence } = this.#timing;
    const { blockedMs } = this;
    this.woke();
    this.#ticksSinceSent += 1;
    this.#ticksSinceHeard += 1;
    if (blockedMs !== undefined) {
      this.#events.onStall(blockedMs);
    }
    this.#events.onTick();
    if (this.#ticksSinceHeard > ticksOfSilence) {
      this.#events.onSilence();
    } else {
      this.pingIfDue();
    }
  }
}
