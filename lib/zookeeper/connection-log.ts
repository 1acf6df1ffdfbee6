export interface ClientNotice {
  readonly level: 'log' | 'warn' | 'error';
  readonly text: string;
}

/** An outage is logged again each time this much time has passed. */
const REMINDER_MS = 5 * 60_000;

/** Reports what happens to the connection, each thing once. */
export class ConnectionLog {
  readonly #tell: (notice: ClientNotice) => void;
  /** Since when there has been no connection; undefined while there is one. */
  #disconnectedAtMs: number | undefined;
  #wasConnected = false;
  /** When each problem was reported, since the last connection. */
  readonly #toldAtMs = new Map<string, number>();

  constructor(tell: (notice: ClientNotice) => void) {
    this.#tell = tell;
  }

  warn(text: string): void {
    this.#tell({ level: 'warn', text });
  }

  /** There cannot be a connection, for this reason. */
  unavailable(text: string): void {
    this.#tell({ level: 'error', text });
  }

  connected(
    server: string,
    sessionId: string,
    sessionTimeoutMs: number,
    isResumed: boolean,
  ): void {
    const again = this.#wasConnected ? ' again' : '';
    const after =
      this.#disconnectedAtMs === undefined
        ? ''
        : ` after ${duration(performance.now() - this.#disconnectedAtMs)}`;
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
    this.#disconnectedAtMs ??= performance.now();
    this.warn(`The connection to ZooKeeper was lost: ${reason}`);
  }

  presumedLost(sessionTimeoutMs: number): void {
    this.warn(
      `No connection to ZooKeeper for ${duration(sessionTimeoutMs)} (the ` +
        'session timeout): the session must be presumed lost',
    );
  }

  lost(code: 'SESSION_EXPIRED' | 'AUTH_FAILED', why: string): void {
    this.#disconnectedAtMs ??= performance.now();
    const level = code === 'AUTH_FAILED' ? 'error' : 'warn';
    this.#trouble(level, `Session lost: ${why}`, why);
  }

  /** Returns what it says. */
  unreachable(reasons: readonly string[], needsRepair: boolean): string {
    this.#disconnectedAtMs ??= performance.now();
    const text = unreachableText(reasons.join('; '));
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
    const nowMs = performance.now();
    const toldAtMs = this.#toldAtMs.get(kind);
    const isKnown = toldAtMs !== undefined;
    if (isKnown && nowMs - toldAtMs < REMINDER_MS) {
      return;
    }
    const since = nowMs - (this.#disconnectedAtMs ?? nowMs);
    this.#toldAtMs.set(kind, nowMs);
    if (isKnown) {
      const reminder = `${text}. No connection for ${duration(since)}`;
      this.#tell({ level, text: reminder });
    } else {
      this.#tell({ level, text });
    }
  }
}

function unreachableText(reason: string): string {
  return `ZooKeeper cannot be reached (${reason})`;
}

function duration(ms: number): string {
  if (ms < 1_000) {
    return `${Math.round(ms)} ms`;
  }
  return ms < 120_000
    ? `${Math.round(ms / 100) / 10} s`
    : `${Math.round(ms / 60_000)} min`;
}
