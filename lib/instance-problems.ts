import type { LeaderElections } from './election/leader-elections.js';
import type { ConnectionRecord } from './session/connection-record.js';
import {
  isZookeeperError,
  type ZookeeperErrorCode,
} from './zookeeper/zookeeper.error.js';

/** For how long an instance may be without a connection and still be healthy. */
export const DEFAULT_MAX_DISCONNECTED_MS = 60_000;

/** What no later attempt heals: somebody has to mend it. */
const NEEDS_REPAIR = [
  'AUTH_FAILED',
  'TLS_FAILED',
  'KEEPER_UNAVAILABLE',
] as const satisfies readonly ZookeeperErrorCode[];

/**
 * What is wrong with this instance, in sentences. Health, metrics and the
 * dashboard all ask here: they never disagree.
 */
export function instanceProblems(
  elections: LeaderElections,
  connection: ConnectionRecord,
  maxDisconnectedMs = DEFAULT_MAX_DISCONNECTED_MS,
): string[] {
  const problems: string[] = [];
  const { problem, disconnectedMs } = connection;
  if (isZookeeperError(problem, ...NEEDS_REPAIR)) {
    problems.push(problem.message);
  } else if (disconnectedMs > maxDisconnectedMs) {
    problems.push(
      `no connection to ZooKeeper for ${Math.round(disconnectedMs)} ms`,
    );
  }
  return [...problems, ...electionProblems(elections)];
}

/** The part of {@link instanceProblems} that is not about the connection. */
export function electionProblems(elections: LeaderElections): string[] {
  const lapsed = elections.all.filter(
    (each) => each.leadership.role === 'leader' && !each.isLeader(),
  );
  return [
    ...lapsed.map(
      ({ name }) => `the lease of the leadership of "${name}" has run out`,
    ),
    ...elections.companions.problems,
    ...[...elections.problems].map(
      ([name, why]) =>
        `this instance cannot take part in the election "${name}": ${why}`,
    ),
  ];
}
