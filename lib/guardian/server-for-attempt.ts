import type { ServerEndpoint } from '../zookeeper/connection/frame-connection.js';
import type { GuardedSession } from '../zookeeper/session-guardian.interface.js';

/**
 * The one of the application first: a session that moves to another server leaves
 * a connection behind that still seems to work. Then the others, in turn.
 */
export function serverForAttempt(
  { server, servers }: GuardedSession,
  attempt: number,
): ServerEndpoint {
  const others = servers
    .filter(({ host, port }) => host !== server.host || port !== server.port)
    .map(({ host, port }) => ({ host, address: host, port }));
  return [server, ...others][attempt % (others.length + 1)] ?? server;
}
