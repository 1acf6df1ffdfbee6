import { monotonicMs } from '../clock.js';
import { durationText } from '../duration-text.js';

export interface ClientNotice {
  readonly level: 'log' | 'warn' | 'error';
  readonly text: string;
}

export interface ConnectedSession {
  readonly id: string;
  readonly sessionTimeoutMs: number;
  /** As of {@link formatServer}. */
  readonly server: string;
  /** The same session as before. */
  readonly isResumed: boolean;
}

/** An outage is logged again each time this much time has passed. */
const REMINDER_MS = 5 * 60_000;
/** So many problems are told apart; further ones count as one. */
const MOST_KINDS = 10;

/** Reports what happens to the connection, each thing once. */
export class ConnectionLog {
  readonly #tell: (notice: ClientNotice) => void;
  readonly #nowMs: () => number;
  /** Since when there has been no connection; undefined while there is one. */
  #disconnectedAtMs: number | undefined;
  #wasConnected = false;
  /** When each problem was reported, since the last connection. */
  readonly #toldAtMs = new Map<string, number>();

  constructor(tell: (notice: ClientNotice) => void, nowMs = monotonicMs) {
    this.#tell = tell;
    this.#nowMs = nowMs;
  }

  warn(text: string): void {
    this.#tell({ level: 'warn', text });
  }

  /** There cannot be a connection, for this reason. */
  unavailable(text: string): void {
    this.#tell({ level: 'error', text });
  }

  connected({
    id: sessionId,
    sessionTimeoutMs,
    server,
    isResumed,
  }: ConnectedSession): void {
    const again = this.#wasConnected ? ' again' : '';
    const after =
      this.#disconnectedAtMs === undefined
        ? ''
        : ` after ${durationText(this.#nowMs() - this.#disconnectedAtMs)}`;
    this.#wasConnected = true;
    this.#disconnectedAtMs = undefined;
    this.#toldAtMs.clear();
    this.#tell({
      level: 'log',
      text:
        `Connected to ZooKeeper at ${server}${again}${after}, ` +
        `${isResumed ? 'same session' : 'session'} 0x${sessionId}, ` +
        `session timeout ${sessionTimeoutMs} ms`,
    });
  }

  suspended(reason: string): void {
    this.#disconnectedAtMs ??= this.#nowMs();
    this.warn(`The connection to ZooKeeper was lost: ${reason}`);
  }

  presumedLost(sessionTimeoutMs: number): void {
    this.warn(
      `No connection to ZooKeeper for ${durationText(sessionTimeoutMs)} (the ` +
        'session timeout): the session must be presumed lost',
    );
  }

  lost(code: 'SESSION_EXPIRED' | 'AUTH_FAILED', why: string): void {
    this.#disconnectedAtMs ??= this.#nowMs();
    const level = code === 'AUTH_FAILED' ? 'error' : 'warn';
    this.#trouble(level, `Session lost: ${why}`, why);
  }

  /** Returns what it says. */
  unreachable(reasons: readonly string[], needsRepair: boolean): string {
    this.#disconnectedAtMs ??= this.#nowMs();
    const text = `ZooKeeper cannot be reached (${reasons.join('; ')})`;
    const level = needsRepair ? 'error' : 'warn';
    const kind = needsRepair ? 'unusable' : 'unreachable';
    this.#trouble(level, `${text}; trying again until it can`, kind);
    return text;
  }

  watcherFailed(message: string): void {
    this.#tell({ level: 'error', text: `A watcher has thrown: ${message}` });
  }

  /** Not repeated before there has been a connection, or some time has passed. */
  #trouble(level: ClientNotice['level'], text: string, kind: string): void {
    const nowMs = this.#nowMs();
    const isApart =
      this.#toldAtMs.has(kind) || this.#toldAtMs.size < MOST_KINDS;
    const key = isApart ? kind : 'others';
    const toldAtMs = this.#toldAtMs.get(key);
    const isKnown = toldAtMs !== undefined;
    if (isKnown && nowMs - toldAtMs < REMINDER_MS) {
      return;
    }
    const outageMs = nowMs - (this.#disconnectedAtMs ?? nowMs);
    this.#toldAtMs.set(key, nowMs);
    const since = new Date(Date.now() - outageMs).toISOString();
    this.#tell({
      level,
      text: isKnown
        ? `${text}. No connection since ${since}, for ${durationText(outageMs)}`
        : text,
    });
  }
}
