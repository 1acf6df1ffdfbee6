import { Subject, type Observable } from 'rxjs';
import { settledWithin } from '../within.js';
import { Deferred } from '../deferred.js';
import { elapsedMs, instantOf, type Clock, type Instant } from '../clock.js';
import type { ZookeeperClient } from '../zookeeper/zookeeper-client.interface.js';
import { ZookeeperError } from '../zookeeper/zookeeper.error.js';

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
  /** After a silence of that length the guardian gives the session up. */
  readonly maxStallMs: number;
  /**
   * Makes a write that only a quorum can commit and only a live session can
   * make: the heartbeat.
   */
  readonly writeHeartbeat: () => Promise<void>;
  /**
   * False when somebody may have taken this process for dead and closed the
   * session: no lease holds then, whatever the clocks say.
   */
  readonly isTrusted?: () => boolean;
}

/** A heartbeat that has been answered, or given up. */
export interface Heartbeat {
  readonly isAcknowledged: boolean;
  /** From the request to the answer. */
  readonly durationMs: number;
}

/** Heartbeats per lease, and so per two thirds of the session timeout. */
const HEARTBEATS_PER_LEASE = 4;

/**
 * The local right to believe that the session, and with it every leadership
 * that rests on it, is alive (docs/safety.md).
 *
 * A lease runs for two thirds of the session timeout from the moment at which
 * the last acknowledged heartbeat was *sent*: a reply that was slow on its way
 * proves nothing about the present. The remaining third covers what the server
 * may count differently: up to one heartbeat period and half a tick by which a
 * session's last contact can be older in the eyes of ZooKeeper's leader. A lease
 * is shorter than `maxStallMs`, too: after that the guardian gives the session up.
 */
export class SessionLease {
  readonly #options: SessionLeaseOptions;
  readonly #clock: Clock;
  readonly #holders = new Set<LeaseHolder>();
  readonly #heartbeats$ = new Subject<Heartbeat>();
  /** Resolved when the lease holds. */
  readonly #waiting = new Set<Deferred>();
  #sessionId: string | undefined;
  #sessionTimeoutMs = 0;
  #durationMs = 0;
  /** Half a tick of the servers, at most: for so long they keep to themselves whom they heard. */
  #reportMs = 0;
  /** When the write was sent that the lease rests on. */
  #grantedAt: Instant | undefined;
  /** Its end by the monotonic clock. */
  #endsAtNs = 0n;
  #hasLapsed = true;
  #heartbeats: NodeJS.Timeout | undefined;
  #deadline: NodeJS.Timeout | undefined;
  #renewal: { sentAtNs: bigint; done: Promise<boolean> } | undefined;
  #problem: unknown;

  /** Every heartbeat, when its outcome is known. */
  readonly heartbeats$: Observable<Heartbeat> =
    this.#heartbeats$.asObservable();

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
   * what the two clocks say: the monotonic clock does not count while a machine
   * sleeps, and a wall clock that is set back must not lengthen a lease.
   */
  isValid(): boolean {
    return this.validAtMs() !== undefined;
  }

  /** The wall-clock time, if the lease holds at this very moment. */
  validAtMs(): number | undefined {
    const grantedAt = this.#grantedAt;
    if (
      grantedAt === undefined ||
      this.#clock.monotonicNs() >= this.#endsAtNs ||
      !this.#isTrusted()
    ) {
      return undefined;
    }
    const wallMs = this.#clock.wallMs();
    return wallMs - grantedAt.wallMs < this.#durationMs ? wallMs : undefined;
  }

  /** Milliseconds that the lease still runs; 0 when it does not hold. */
  remainingMs(): number {
    const grantedAt = this.#grantedAt;
    return grantedAt === undefined || !this.#isTrusted()
      ? 0
      : Math.max(0, this.#durationMs - elapsedMs(this.#clock, grantedAt));
  }

  /**
   * When the last acknowledged write of this session was sent, by the wall
   * clock. Only who leads or is next in line writes at regular intervals.
   */
  get lastContact(): Date | undefined {
    return this.#grantedAt && new Date(this.#grantedAt.wallMs);
  }

  /** The timeout of the session; without one, what will be asked for. */
  get sessionTimeoutMs(): number {
    return this.#sessionTimeoutMs || this.#options.requestedSessionTimeoutMs;
  }

  /** Why the last heartbeat failed; undefined if it has not. */
  get problem(): unknown {
    return this.#problem;
  }

  /**
   * The time now, to be taken before a write that {@link extend} reports. After a pause
   * of this process it is earlier: the server that takes the write may be lost before it
   * has told the leading one, which expires the session by the contact before then.
   */
  now(): Instant {
    const { monotonicNs, wallMs } = instantOf(this.#clock);
    const knownMs = this.#options.client.unheardMs?.(this.#reportMs) ?? 0;
    const marginMs = this.#sessionTimeoutMs - this.#durationMs;
    const earlierMs = Math.ceil(Math.max(0, knownMs - marginMs));
    return {
      monotonicNs: monotonicNs - BigInt(earlierMs) * 1_000_000n,
      wallMs: wallMs - earlierMs,
    };
  }

  /** Keeps the lease alive by heartbeats for as long as `holder` needs it. */
  hold(holder: LeaseHolder): void {
    const isFirst = this.#holders.size === 0;
    this.#holders.add(holder);
    if (isFirst || (this.#hasLapsed && this.isValid())) {
      this.#hasLapsed = !this.isValid();
      this.#startHeartbeats();
    }
  }

  release(holder: LeaseHolder): void {
    if (this.#holders.delete(holder) && this.#holders.size === 0) {
      this.#stopTimers();
      this.#options.client.expectHeartbeats?.(false);
    }
  }

  /** Reports a write of session `sessionId`, sent at `sentAt`, as committed. */
  extend(sentAt: Instant, sessionId: string): void {
    if (sessionId !== this.#sessionId) {
      return;
    }
    const isNewer =
      this.#grantedAt === undefined ||
      sentAt.monotonicNs > this.#grantedAt.monotonicNs;
    if (isNewer) {
      this.#grantedAt = sentAt;
      this.#reckonEnd();
    }
    if (this.isValid()) {
      for (const extended of this.#waiting) {
        extended.resolve();
      }
    }
    if (this.#holders.size === 0 || !this.isValid()) {
      // An acknowledgement that came too late leaves the deadline as it is.
      return;
    }
    const wasLapsed = this.#hasLapsed;
    this.#hasLapsed = false;
    this.#armDeadline();
    if (wasLapsed) {
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
    const sentAtNs = this.#clock.monotonicNs();
    const isRecent =
      this.#renewal !== undefined &&
      this.#msSince(this.#renewal.sentAtNs) < this.#heartbeatPeriodMs / 4;
    if (!isRecent) {
      const renewal = { sentAtNs, done: this.#beat() };
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
   * Makes sure of the lease: who cannot have one could not lead.
   *
   * @throws why there is none
   */
  async prove(): Promise<void> {
    if (!this.isValid() && !(await this.renew())) {
      throw (
        this.#problem ??
        new ZookeeperError(
          'TIMEOUT',
          'a heartbeat was answered when its lease had already run out',
        )
      );
    }
  }

  /**
   * {@link renew}, but waits for a heartbeat period at most, and not beyond the
   * moment at which the session may expire: nobody else leads before this
   * instance has said that it does not. After a stall the connection may have to
   * be made again: then it waits for the next heartbeat as well.
   */
  renewWithinBound(): Promise<boolean> {
    return this.#renewWithin(true);
  }

  async #renewWithin(isPatient: boolean): Promise<boolean> {
    const longestMs = this.#heartbeatPeriodMs / (isPatient ? 1 : 2);
    const sinceGrantMs = this.#grantedAt
      ? elapsedMs(this.#clock, this.#grantedAt)
      : 0;
    const untilExpiryMs = this.#sessionTimeoutMs - sinceGrantMs;
    const renewal = this.renew();
    const extended = new Deferred();
    this.#waiting.add(extended);
    await settledWithin(
      [isPatient ? extended.promise : renewal],
      untilExpiryMs > 0 ? Math.min(longestMs, untilExpiryMs) : longestMs,
    );
    this.#waiting.delete(extended);
    return this.isValid();
  }

  #isTrusted(): boolean {
    return this.#options.isTrusted?.() ?? true;
  }

  get #heartbeatPeriodMs(): number {
    return this.#durationMs / HEARTBEATS_PER_LEASE;
  }

  async #beat(): Promise<boolean> {
    const sessionId = this.#sessionId;
    const sentAtNs = this.#clock.monotonicNs();
    const sentAt = this.now();
    // The next one follows in time: from the first on they stand for pings.
    this.#options.client.expectHeartbeats?.(this.#holders.size > 0);
    try {
      await this.#options.writeHeartbeat();
    } catch (error) {
      // Whatever it was, nothing was proved.
      this.#problem = error;
      this.#tellOfHeartbeat(sentAtNs, false);
      return this.isValid();
    }
    this.#problem = undefined;
    this.#tellOfHeartbeat(sentAtNs, true);
    if (sessionId !== undefined) {
      this.extend(sentAt, sessionId);
    }
    return this.isValid();
  }

  #tellOfHeartbeat(sentAtNs: bigint, isAcknowledged: boolean): void {
    const durationMs = this.#msSince(sentAtNs);
    this.#heartbeats$.next({ isAcknowledged, durationMs });
  }

  #useSession(sessionId: string, sessionTimeoutMs: number): void {
    // A heartbeat that is under way belongs to the connection before.
    this.#renewal = undefined;
    this.#setDuration(sessionTimeoutMs);
    if (sessionId !== this.#sessionId) {
      this.#revoke();
      this.#sessionId = sessionId;
    }
    if (this.#holders.size > 0) {
      this.#startHeartbeats();
      // The connection may have been gone for a while.
      void this.renew();
    }
  }

  #setDuration(sessionTimeoutMs: number): void {
    // A server that raises the timeout raises it to its minimum, two ticks by
    // default, where half a tick is more than two thirds leave room for.
    const isRaised = sessionTimeoutMs > this.#options.requestedSessionTimeoutMs;
    this.#sessionTimeoutMs = sessionTimeoutMs;
    this.#reportMs = sessionTimeoutMs * (isRaised ? 7 / 24 : 1 / 8);
    this.#durationMs = Math.min(
      sessionTimeoutMs * (isRaised ? 1 / 2 : 2 / 3),
      this.#options.maxStallMs * (2 / 3),
    );
    this.#reckonEnd();
  }

  #reckonEnd(): void {
    const durationNs = BigInt(Math.floor(this.#durationMs * 1e6));
    this.#endsAtNs = (this.#grantedAt?.monotonicNs ?? 0n) + durationNs;
  }

  #startHeartbeats(): void {
    if (this.#sessionId === undefined) {
      return;
    }
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
    if (this.#hasLapsed) {
      return;
    }
    const remainingMs = this.remainingMs();
    const armedAtNs = this.#clock.monotonicNs();
    this.#deadline = setTimeout(
      () => void this.#checkDeadline(this.#msSince(armedAtNs) - remainingMs),
      remainingMs,
    );
  }

  /**
   * The lease has run out, or seems to have. Where the event loop was blocked
   * or the process was paused, heartbeats were not refused but never sent, or
   * their answers not read: one more is tried. Leadership does not count
   * meanwhile; this is about its end being told.
   */
  async #checkDeadline(lateByMs: number): Promise<void> {
    const sessionId = this.#sessionId;
    if (!this.isValid()) {
      await this.#renewWithin(lateByMs > this.#heartbeatPeriodMs / 2);
    }
    if (sessionId !== this.#sessionId) {
      return;
    }
    if (this.isValid()) {
      this.#armDeadline();
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

  #msSince(monotonicNs: bigint): number {
    return Number(this.#clock.monotonicNs() - monotonicNs) / 1e6;
  }
}
