import { settledWithin } from '../within.js';
import type { Clock, Instant } from './clock.js';
import type { ZookeeperClient } from './zookeeper-client.interface.js';

/** Who needs the lease, and is told what becomes of it. */
export interface LeaseHolder {
  /** The lease has ended; it may be granted again later. */
  leaseLapsed(): void;
  /** The lease holds again after it had lapsed. */
  leaseGranted(): void;
}

export interface SessionLeaseOptions {
  readonly client: ZookeeperClient;
  readonly clock: Clock;
  /** The session timeout that was asked for. */
  readonly requestedSessionTimeoutMs: number;
  /**
   * Makes a write that only a quorum can commit and only a live session can
   * make: the heartbeat.
   */
  readonly writeHeartbeat: () => Promise<void>;
}

/** Heartbeats per session timeout while somebody holds the lease. */
const HEARTBEATS_PER_TIMEOUT = 6;

/**
 * The local right to believe that the session, and with it every leadership
 * that rests on it, is alive (docs/safety.md).
 *
 * A lease runs for two thirds of the session timeout from the moment at which
 * the last acknowledged heartbeat was *sent*: a reply that was slow on its way
 * proves nothing about the present. The remaining third covers what the server
 * may count differently: up to one heartbeat period and half a tick by which a
 * session's last contact can be older in the eyes of ZooKeeper's leader.
 */
export class SessionLease {
  readonly #options: SessionLeaseOptions;
  readonly #clock: Clock;
  readonly #holders = new Set<LeaseHolder>();
  #sessionId: string | undefined;
  #sessionTimeoutMs = 0;
  #durationMs = 0;
  /** When the write was sent that the lease rests on. */
  #grantedAt: Instant | undefined;
  #hasLapsed = true;
  #heartbeats: NodeJS.Timeout | undefined;
  #deadline: NodeJS.Timeout | undefined;
  #renewal: { sentAtMs: number; done: Promise<boolean> } | undefined;

  constructor(options: SessionLeaseOptions) {
    this.#options = options;
    this.#clock = options.clock;
    options.client.connection$.subscribe({
      next: (connection) => {
        if (connection.state === 'connected') {
          this.#useSession(
            connection.sessionId as string,
            connection.sessionTimeoutMs as number,
          );
        } else if (connection.state === 'lost') {
          this.#revoke();
        }
      },
      complete: () => this.#revoke(),
    });
  }

  /**
   * Whether the lease holds at this very moment. Elapsed time is the larger of
   * what the two clocks say: the monotonic clock stands still while a machine
   * sleeps, and a wall clock that is set back must not lengthen a lease.
   */
  isValid(): boolean {
    const grantedAt = this.#grantedAt;
    return (
      grantedAt !== undefined &&
      this.#clock.monotonicMs() - grantedAt.monotonicMs < this.#durationMs &&
      this.#clock.wallMs() - grantedAt.wallMs < this.#durationMs
    );
  }

  /** Milliseconds that the lease still runs; 0 when it does not hold. */
  remainingMs(): number {
    const grantedAt = this.#grantedAt;
    return grantedAt === undefined
      ? 0
      : Math.max(0, this.#durationMs - this.#elapsedMs(grantedAt));
  }

  /** The time now, to be taken before a write that {@link extend} reports. */
  now(): Instant {
    return {
      monotonicMs: this.#clock.monotonicMs(),
      wallMs: this.#clock.wallMs(),
    };
  }

  /** Keeps the lease alive by heartbeats for as long as `holder` needs it. */
  hold(holder: LeaseHolder): void {
    this.#holders.add(holder);
    if (this.#holders.size === 1) {
      this.#startHeartbeats();
    }
  }

  release(holder: LeaseHolder): void {
    if (this.#holders.delete(holder) && this.#holders.size === 0) {
      this.#stopTimers();
    }
  }

  /** Reports a write of session `sessionId`, sent at `sentAt`, as committed. */
  extend(sentAt: Instant, sessionId: string): void {
    if (sessionId !== this.#sessionId) {
      return;
    }
    const isNewer =
      this.#grantedAt === undefined ||
      sentAt.monotonicMs > this.#grantedAt.monotonicMs;
    if (isNewer) {
      this.#grantedAt = sentAt;
    }
    if (this.#holders.size > 0 && this.isValid()) {
      // An acknowledgement that came too late leaves the deadline as it is.
      this.#armDeadline();
    }
    if (this.#hasLapsed && this.isValid()) {
      this.#hasLapsed = false;
      for (const holder of [...this.#holders]) {
        holder.leaseGranted();
      }
    }
  }

  /**
   * Sends a heartbeat now. Resolves to whether the lease holds afterwards;
   * never rejects.
   */
  renew(): Promise<boolean> {
    const nowMs = this.#clock.monotonicMs();
    const isRecent =
      this.#renewal !== undefined &&
      nowMs - this.#renewal.sentAtMs < this.#heartbeatPeriodMs / 4;
    if (!isRecent) {
      const renewal = { sentAtMs: nowMs, done: this.#beat() };
      this.#renewal = renewal;
      void renewal.done.then(() => {
        if (this.#renewal === renewal) {
          this.#renewal = undefined;
        }
      });
    }
    return (this.#renewal as { done: Promise<boolean> }).done;
  }

  /**
   * {@link renew}, but waits for a heartbeat period at most, and not beyond the
   * moment at which the session may expire: nobody else leads before this
   * instance has said that it does not.
   */
  async renewWithinBound(): Promise<boolean> {
    const elapsedMs = this.#grantedAt ? this.#elapsedMs(this.#grantedAt) : 0;
    const untilExpiryMs = this.#sessionTimeoutMs - elapsedMs;
    const boundMs =
      untilExpiryMs > 0
        ? Math.min(this.#heartbeatPeriodMs, untilExpiryMs)
        : this.#heartbeatPeriodMs;
    await settledWithin([this.renew()], boundMs);
    return this.isValid();
  }

  get #heartbeatPeriodMs(): number {
    return this.#sessionTimeoutMs / HEARTBEATS_PER_TIMEOUT;
  }

  async #beat(): Promise<boolean> {
    const sessionId = this.#sessionId;
    const sentAt = this.now();
    try {
      await this.#options.writeHeartbeat();
    } catch {
      // Whatever it was, nothing was proved. The connection reports the rest.
      return this.isValid();
    }
    if (sessionId !== undefined) {
      this.extend(sentAt, sessionId);
    }
    return this.isValid();
  }

  #useSession(sessionId: string, sessionTimeoutMs: number): void {
    if (sessionId === this.#sessionId) {
      if (this.#holders.size > 0) {
        void this.renew();
      }
      return;
    }
    this.#revoke();
    this.#sessionId = sessionId;
    this.#sessionTimeoutMs = sessionTimeoutMs;
    // A server that raises the timeout raises it to its minimum, two ticks by
    // default, where half a tick is more than two thirds leave room for.
    const isRaised = sessionTimeoutMs > this.#options.requestedSessionTimeoutMs;
    this.#durationMs = sessionTimeoutMs * (isRaised ? 1 / 2 : 2 / 3);
    if (this.#holders.size > 0) {
      this.#startHeartbeats();
    }
  }

  #startHeartbeats(): void {
    if (this.#sessionId === undefined) {
      return;
    }
    this.#hasLapsed = !this.isValid();
    clearInterval(this.#heartbeats);
    this.#heartbeats = setInterval(
      () => void this.renew(),
      this.#heartbeatPeriodMs,
    );
    if (this.remainingMs() < this.#durationMs / 2) {
      void this.renew();
    }
    this.#armDeadline();
  }

  #armDeadline(): void {
    clearTimeout(this.#deadline);
    if (this.#grantedAt !== undefined) {
      const remainingMs = this.remainingMs();
      const dueAtMs = this.#clock.monotonicMs() + remainingMs;
      this.#deadline = setTimeout(
        () => this.#checkDeadline(dueAtMs),
        remainingMs,
      );
    }
  }

  #checkDeadline(dueAtMs: number): void {
    if (this.isValid()) {
      this.#armDeadline();
      return;
    }
    const lateMs = this.#clock.monotonicMs() - dueAtMs;
    if (lateMs > this.#heartbeatPeriodMs / 2) {
      // The event loop stood still, or the process was paused: heartbeats were
      // not refused but never sent. The keeper may have kept the session.
      void this.renewWithinBound().then((isValid) => {
        if (!isValid) {
          this.#lapse();
        }
      });
    } else {
      this.#lapse();
    }
  }

  #revoke(): void {
    this.#sessionId = undefined;
    this.#grantedAt = undefined;
    this.#stopTimers();
    // The holders watch the connection themselves.
    this.#hasLapsed = true;
  }

  #lapse(): void {
    if (!this.#hasLapsed) {
      this.#hasLapsed = true;
      for (const holder of [...this.#holders]) {
        holder.leaseLapsed();
      }
    }
  }

  #stopTimers(): void {
    clearInterval(this.#heartbeats);
    clearTimeout(this.#deadline);
  }

  #elapsedMs(grantedAt: Instant): number {
    return Math.max(
      this.#clock.monotonicMs() - grantedAt.monotonicMs,
      this.#clock.wallMs() - grantedAt.wallMs,
    );
  }
}
