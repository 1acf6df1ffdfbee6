import { durationText } from '../duration-text.js';
import { elapsedMs, instantOf, type Clock } from '../clock.js';
import type { SessionLease } from './session-lease.js';
import type { ZookeeperClient } from '../zookeeper/zookeeper-client.interface.js';

export interface RepeatedStallsOptions {
  readonly client: ZookeeperClient;
  readonly lease: SessionLease;
  readonly clock: Clock;
  readonly maxStallMs: number;
}

/** Stalls that are shorter leave the lease time to be renewed. */
const LOOKS_PER_TIMEOUT = 4;

/**
 * Gives the session up when this process was stalled again and again, with moments
 * in between that are too short to renew the lease. For the guardian each of them
 * ends a stall: it would keep the session for ever, and nobody could lead. In all
 * they may last as long as a single one: `maxStallMs`.
 */
export class RepeatedStalls {
  readonly #options: RepeatedStallsOptions;
  #timer: NodeJS.Timeout | undefined;
  /** For how long there was neither a lease nor a moment to get one. */
  #stalledMs = 0;

  constructor(options: RepeatedStallsOptions) {
    this.#options = options;
  }

  /** Watches this process until the client is closed. */
  watch(): void {
    this.#options.client.connection$.subscribe({
      complete: () => clearTimeout(this.#timer),
    });
    this.#lookLater();
  }

  #lookLater(): void {
    const { clock, lease } = this.#options;
    const periodMs = lease.sessionTimeoutMs / LOOKS_PER_TIMEOUT;
    const from = instantOf(clock);
    this.#timer = setTimeout(() => {
      this.#look(elapsedMs(clock, from), periodMs);
      this.#lookLater();
    }, periodMs);
    this.#timer.unref();
  }

  #look(sinceLastMs: number, periodMs: number): void {
    const { client, lease, maxStallMs } = this.#options;
    const wasAwake = sinceLastMs < periodMs * 1.5;
    if (wasAwake || lease.isValid()) {
      this.#stalledMs = 0;
      return;
    }
    const stalledMs = this.#stalledMs;
    this.#stalledMs += sinceLastMs;
    // After the last of them there was time until now.
    if (stalledMs >= maxStallMs) {
      this.#stalledMs = 0;
      void client.replaceSession(
        `this process was blocked or paused again and again, for ${durationText(stalledMs)} ` +
          `in all, and could not renew its lease in between (option maxStallMs: ${maxStallMs})`,
      );
    }
  }
}
