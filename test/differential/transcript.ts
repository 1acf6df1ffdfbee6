import type { Received } from './raw-connection.js';

const ZXIDS: ReadonlySet<string> = new Set(['czxid', 'mzxid', 'pzxid', 'zxid']);
const TIMES: ReadonlySet<string> = new Set(['createdAtMs', 'modifiedAtMs']);

/** Gives sessions the same names on every server. */
export class SessionNames {
  readonly #names = new Map<string, string>([['0', '0']]);

  name(id: string): string {
    const name = this.#names.get(id) ?? `session ${this.#names.size}`;
    this.#names.set(id, name);
    return name;
  }
}

/**
 * What a connection has received, without what differs between servers: times,
 * ids and passwords of sessions, and where the transactions began.
 */
export function comparable(
  received: readonly Received[],
  firstZxid: number,
  sessions: SessionNames,
): unknown[] {
  return received.map((each): unknown => {
    if (each.kind === 'connected') {
      const { sessionTimeoutMs, sessionId, isReadOnly } = each.reply;
      const session = sessions.name(sessionId);
      return { kind: 'connected', sessionTimeoutMs, session, isReadOnly };
    }
    return plain(each, firstZxid, sessions);
  });
}

function plain(
  value: unknown,
  firstZxid: number,
  sessions: SessionNames,
): unknown {
  if (Array.isArray(value)) {
    return value.map((each) => plain(each, firstZxid, sessions));
  }
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !TIMES.has(key))
      .map(([key, each]: [string, unknown]) => {
        if (ZXIDS.has(key) && typeof each === 'number') {
          return [key, each > 0 ? each - firstZxid : `as it is: ${each}`];
        }
        return [
          key,
          key === 'ephemeralOwner'
            ? sessions.name(String(each))
            : plain(each, firstZxid, sessions),
        ];
      }),
  );
}
