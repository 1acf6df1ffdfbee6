import type { Logger } from '@nestjs/common';
import { createGuardian } from '../guardian/application/create-guardian.js';
import { LastingProblem } from '../lasting-problem.js';
import { systemClock } from '../clock.js';
import { InstanceNode, type InstanceIdentity } from './instance-node.js';
import type { ClientNotice } from '../zookeeper/connection-log.js';
import { readSecurity } from '../zookeeper/connection-security.js';
import { NodePaths } from '../node-paths.js';
import { SessionLease } from './session-lease.js';
import { WireClient } from '../zookeeper/wire-client.js';
import type { ZookeeperClient } from '../zookeeper/zookeeper-client.interface.js';
import type { ResolvedOptions } from '../zookeeper-leader.options.js';
import { RepeatedStalls } from './repeated-stalls.js';

/** What all elections of an application share. */
export interface LeaderSession {
  readonly client: ZookeeperClient;
  readonly lease: SessionLease;
  readonly paths: NodePaths;
}

export function openSession(
  options: ResolvedOptions,
  identity: InstanceIdentity,
  version: string,
  logger: Logger,
): LeaderSession {
  const paths = new NodePaths(options.basePath);
  const onNotice = ({ level, text }: ClientNotice): void => logger[level](text);
  const guardian = options.client
    ? undefined
    : createGuardian({
        guardian: options.guardian,
        maxStallMs: options.maxStallMs,
        onNotice,
        onUntrusted: (why) => void client.replaceSession(why),
        readSecurity: () => readSecurity(options),
      });
  // Now, long before it is needed: it is ready when the application is.
  void guardian?.start();
  const client: ZookeeperClient = options.client
    ? options.client.create({ ...options, onNotice })
    : new WireClient({ ...options, paths, guardian, onNotice });
  const instanceNode = new InstanceNode(client, paths, identity, version);
  const lease = new SessionLease({
    client,
    clock: systemClock,
    requestedSessionTimeoutMs: options.sessionTimeoutMs,
    maxStallMs: options.maxStallMs,
    writeHeartbeat: () => instanceNode.write(),
    isTrusted: () => guardian?.isTrusted() ?? true,
  });
  new RepeatedStalls({
    client,
    lease,
    clock: systemClock,
    maxStallMs: options.maxStallMs,
  }).watch();
  warnOfGrantedTimeout(client.connection$, options.sessionTimeoutMs, logger);
  warnOfSlowHeartbeats(lease, logger);
  return { client, lease, paths };
}

/** A server grants what its own bounds allow, not what was asked for. */
function warnOfGrantedTimeout(
  connection$: ZookeeperClient['connection$'],
  requestedMs: number,
  logger: Logger,
): void {
  let reportedMs = requestedMs;
  connection$.subscribe(({ sessionTimeoutMs }) => {
    if (sessionTimeoutMs !== undefined && sessionTimeoutMs !== reportedMs) {
      reportedMs = sessionTimeoutMs;
      logger.warn(
        `ZooKeeper granted a session timeout of ${sessionTimeoutMs} ms instead ` +
          `of the ${requestedMs} ms of the option sessionTimeoutMs: its bounds ` +
          'are minSessionTimeout and maxSessionTimeout, by default 2 and 20 ' +
          'times its tickTime',
      );
    }
  });
}

/** Slow answers cost leadership long before they cost the connection. */
function warnOfSlowHeartbeats(lease: SessionLease, logger: Logger): void {
  const slow = new LastingProblem();
  const tooSlow = new LastingProblem();
  lease.heartbeats$.subscribe(({ isAcknowledged, durationMs }) => {
    const { sessionTimeoutMs } = lease;
    const mostMs = Math.round((sessionTimeoutMs * 2) / 3);
    if (!isAcknowledged || durationMs <= mostMs / 2) {
      return;
    }
    const took =
      `ZooKeeper took ${Math.round(durationMs)} ms to acknowledge a heartbeat, ` +
      'or this process was too busy to read the answer';
    if (durationMs <= mostMs) {
      if (slow.note('slow')) {
        logger.warn(`${took}. Leadership ends when that takes ${mostMs} ms`);
      }
    } else if (tooSlow.note('too slow')) {
      logger.warn(
        `${took}. That is more than two thirds of the session timeout of ` +
          `${sessionTimeoutMs} ms: this instance cannot lead meanwhile`,
      );
    }
  });
}
