import type { Participant } from '../election/leadership.interface.js';
import type { AuditEntry } from '../operations/audit-log.js';
import type { Drain } from '../operations/drain.js';
import type {
  LeaderTaskRun,
  TaskPause,
} from '../tasks/leader-task-info.interface.js';
import type { PartitionGroupView } from './partition-view.interface.js';

/** An election as ZooKeeper has it. */
export interface ElectionView {
  readonly election: string;
  /** The first ones in succession order; who leads says since when. */
  readonly participants: readonly Participant[];
  /** Of all participants, those included that are not listed. */
  readonly participantCount: number;
  /** With the option `balance`: the participant that is to lead, by its id. */
  readonly assignedTo?: string;
  /** Where the leader does not do the work of those that wait, in sentences. */
  readonly warnings: readonly string[];
}

/** The run ledger of a task as ZooKeeper has it. */
export interface LedgerView {
  readonly task: string;
  /** Every tick up to this one has been decided. */
  readonly decidedTick?: Date;
  /** The newest first. */
  readonly runs: readonly LeaderTaskRun[];
  /** Why it cannot be read. */
  readonly problem?: string;
  /** Present while the task is paused. */
  readonly pause?: TaskPause;
}

/** An instance that is connected to ZooKeeper. */
export interface InstanceView {
  readonly instanceId: string;
  readonly host?: string;
  readonly pid?: number;
  /** Name of its application. */
  readonly application?: string;
  /** Of the library. */
  readonly version?: string;
  /** When it was started, by its own clock. */
  readonly since?: Date;
}

/** All that the library keeps below a base path. */
export interface ClusterView {
  /** False until everything has been read once. */
  readonly isComplete: boolean;
  /**
   * Whether enough has been read to say what is wrong: the terms of the owners of
   * partitions come last, because there may be many.
   */
  readonly hasVerdict: boolean;
  /** Why not all of it can be read, as without permission. */
  readonly problem?: string;
  /** Whether there is more than is listed. */
  readonly isTruncated: boolean;
  readonly elections: readonly ElectionView[];
  readonly partitions: readonly PartitionGroupView[];
  readonly ledgers: readonly LedgerView[];
  readonly instances: readonly InstanceView[];
  /** Instances that have been drained, connected or not. */
  readonly drains: readonly Drain[];
  /** What people have done, the oldest first. */
  readonly audit: readonly AuditEntry[];
}

/** Who leads: the first participant, once it has said so. */
export function leaderOf({
  participants,
}: Pick<ElectionView, 'participants'>): Participant | undefined {
  const [first] = participants;
  return first?.leaderSince && first;
}
