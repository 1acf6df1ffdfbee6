// The module and its options
export { ZookeeperLeaderModule } from './zookeeper-leader.module.js';
export type {
  ConnectionLossPolicy,
  GuardianOptions,
  ZookeeperCredentials,
  ZookeeperDigestMd5Login,
  ZookeeperLeaderModuleOptions,
  ZookeeperSaslMechanism,
  ZookeeperSaslOptions,
} from './interfaces/zookeeper-leader-options.interface.js';
export type { ZookeeperClientFactory } from './zookeeper/client-factory.interface.js';
export type {
  TlsMaterial,
  TlsMaterialSource,
  ZookeeperTlsOptions,
} from './zookeeper/connection/tls-options.interface.js';
export type {
  SaslContext,
  SaslResponder,
} from './zookeeper/handshake/sasl-login.js';

// Elections
export { LeaderElection } from './election/leader-election.js';
export { LeaderElections } from './election/leader-elections.js';
export {
  InjectLeaderElection,
  getLeaderElectionToken,
} from './election/inject-leader-election.decorator.js';
export { OnDeposed, OnElected } from './election/leadership-hooks.decorator.js';
export { LeaderGuard } from './election/leader.guard.js';
export type {
  Leadership,
  LeadershipReason,
  LeadershipTerm,
  Participant,
  WaitForLeadershipOptions,
} from './election/leadership.interface.js';

// Leader tasks
export { OnlyLeader } from './tasks/only-leader.decorator.js';
export {
  currentLeaderTask,
  type LeaderTaskContext,
} from './tasks/current-leader-task.js';
export { LeaderTasks } from './tasks/leader-tasks.js';
export type {
  LeaderTaskCounts,
  LeaderTaskInfo,
  LeaderTaskRun,
  LeaderTaskSchedule,
} from './tasks/leader-task-info.interface.js';
export type {
  LeaderTaskEvent,
  RunTrigger,
  SkippedTask,
  SkipReason,
} from './tasks/leader-task-event.interface.js';
export type {
  InterruptedRunPolicy,
  LeaderTaskOptions,
  MissedTicksPolicy,
  OnlyLeaderFunction,
  OnlyLeaderOptions,
  RunLedgerOptions,
  TaskOverlap,
  TaskRetryOptions,
} from './tasks/leader-task-options.interface.js';

// Errors
export { LeaderTaskError } from './tasks/leader-task.error.js';
export {
  LeaderElectionError,
  LeadershipLostError,
} from './election/election.error.js';
export {
  ZookeeperError,
  type ZookeeperErrorCode,
} from './zookeeper/zookeeper.error.js';
