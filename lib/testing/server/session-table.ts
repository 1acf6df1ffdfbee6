import { createHash } from 'node:crypto';
import { PASSWORD_BYTES } from '../../zookeeper/codec/connect.record.js';

/** Limits of the timeouts that are granted, and how often they are looked at. */
export interface SessionTimes {
  readonly tickTimeMs: number;
  readonly minSessionTimeoutMs: number;
  readonly maxSessionTimeoutMs: number;
}

interface Session {
  timeoutMs: number;
  /** The end of a tick: monotonic, milliseconds. */
  expiresAtMs: number;
}

/**
 * All sessions. As in a real server they end at the end of a tick, so up to a
 * tick later than their timeout. Times are monotonic, in milliseconds.
 */
export class SessionTable {
  readonly #times: SessionTimes;
  readonly #secret: string;
  readonly #sessions = new Map<string, Session>();
  #nextId: bigint;

  /**
   * @param firstId of the first session
   * @param secret that passwords are made of
   */
  constructor(times: SessionTimes, firstId: bigint, secret: string) {
    this.#times = times;
    this.#nextId = firstId;
    this.#secret = secret;
  }

  /** In hexadecimal, in the order of their beginning. */
  get ids(): string[] {
    return [...this.#sessions.keys()];
  }

  /** When the next one ends unless it is heard of. */
  get nextExpiryMs(): number | undefined {
    const ends = [...this.#sessions.values()].map((each) => each.expiresAtMs);
    return ends.length > 0 ? Math.min(...ends) : undefined;
  }

  /** The timeout that is granted to who asks for `askedMs`. */
  granted(askedMs: number): number {
    const { minSessionTimeoutMs, maxSessionTimeoutMs } = this.#times;
    return Math.min(
      Math.max(askedMs, minSessionTimeoutMs),
      maxSessionTimeoutMs,
    );
  }

  has(id: string): boolean {
    return this.#sessions.has(id);
  }

  timeoutOf(id: string): number | undefined {
    return this.#sessions.get(id)?.timeoutMs;
  }

  begin(timeoutMs: number, nowMs: number): string {
    const id = this.#nextId.toString(16);
    this.#nextId += 1n;
    const expiresAtMs = this.#endOf(nowMs + timeoutMs);
    this.#sessions.set(id, { timeoutMs, expiresAtMs });
    return id;
  }

  /** @returns false if there is no such session, or this is not its password */
  resume(
    id: string,
    password: Uint8Array,
    timeoutMs: number,
    nowMs: number,
  ): boolean {
    const session = this.#sessions.get(id);
    if (!session || !this.passwordOf(id).equals(password)) {
      return false;
    }
    session.timeoutMs = timeoutMs;
    this.touch(id, nowMs);
    return true;
  }

  /** It has been heard of. */
  touch(id: string, nowMs: number): void {
    const session = this.#sessions.get(id);
    if (session) {
      session.expiresAtMs = this.#endOf(nowMs + session.timeoutMs);
    }
  }

  /** All have been heard of, as after a restart of the server. */
  touchAll(nowMs: number): void {
    for (const id of this.#sessions.keys()) {
      this.touch(id, nowMs);
    }
  }

  end(id: string): void {
    this.#sessions.delete(id);
  }

  /** Those that are over, in the order of their ends. */
  overdue(nowMs: number): string[] {
    return [...this.#sessions]
      .filter(([, { expiresAtMs }]) => expiresAtMs <= nowMs)
      .toSorted(([, a], [, b]) => a.expiresAtMs - b.expiresAtMs)
      .map(([id]) => id);
  }

  passwordOf(id: string): Buffer {
    return createHash('sha256')
      .update(this.#secret + id)
      .digest()
      .subarray(0, PASSWORD_BYTES);
  }

  #endOf(atMs: number): number {
    const { tickTimeMs } = this.#times;
    return (Math.floor(atMs / tickTimeMs) + 1) * tickTimeMs;
  }
}
