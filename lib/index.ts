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
} from './decorators/inject-leader-election.decorator.js';
export {
  OnDeposed,
  OnElected,
} from './decorators/leadership-hooks.decorator.js';
export { LeaderGuard } from './guard/leader.guard.js';
export type {
  Leadership,
  LeadershipReason,
  LeadershipTerm,
  Participant,
  ParticipantTasks,
  WaitForLeadershipOptions,
} from './election/leadership.interface.js';

// Partitions
export { Partitions } from './partitions/partitions.js';
export {
  PartitionSet,
  type OwnedPartition,
} from './partitions/partition-set.js';

// Leader tasks
export { OnlyLeader } from './tasks/only-leader.decorator.js';
export { currentLeaderTask } from './tasks/task-run.js';
export {
  LeaderTasks,
  type PauseTaskOptions,
  type ResumeTaskOptions,
  type RunOnLeaderOptions,
} from './tasks/leader-tasks.js';
export type {
  LeaderTaskCounts,
  LeaderTaskContext,
  LeaderTaskInfo,
  LeaderTaskRun,
  LeaderTaskSchedule,
  RequestedRun,
  TaskPause,
  RunTrigger,
  SkipReason,
} from './tasks/leader-task-info.interface.js';
export type { LeaderTaskEvent, SkippedTask } from './tasks/task-events.js';
export type {
  InterruptedRunPolicy,
  LeaderTaskOptions,
  MissedTicksPolicy,
  OnlyLeaderFunction,
  OnlyLeaderOptions,
  RunLedgerOptions,
  TaskOverlap,
  TaskRetryOptions,
} from './interfaces/leader-task-options.interface.js';

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
