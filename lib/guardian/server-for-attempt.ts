import type { AttachOptions } from './attach.js';
import type { GuardedSession } from '../zookeeper/session-guardian.interface.js';

/**
 * The server of the application first: a session that moves to another one leaves a
 * connection behind that still seems to work. Then the others, in turn.
 */
export function optionsForAttempt(
  session: GuardedSession,
  attempt: number,
  purpose: AttachOptions['purpose'],
): AttachOptions {
  const { server, servers, sessionId, password, ...connection } = session;
  const others = servers.filter(
    ({ host, port }) => host !== server.host || port !== server.port,
  );
  const other = others[(attempt % (others.length + 1)) - 1];
  return {
    ...connection,
    server: other ? { ...other, address: other.host } : server,
    session: { id: sessionId, password },
    purpose,
  };
}
