/** Name of the election that is used where none is named. */
export const DEFAULT_ELECTION = 'default';

/** Injection token of the options as the user gave them. */
export const ZOOKEEPER_LEADER_OPTIONS = Symbol(
  'nestjs-zookeeper-leader:options',
);

/** Injection token of the options after validation, with defaults filled in. */
export const RESOLVED_OPTIONS = Symbol(
  'nestjs-zookeeper-leader:resolved-options',
);

/** Context of the library's log lines. */
export const LOG_CONTEXT = 'ZookeeperLeader';
