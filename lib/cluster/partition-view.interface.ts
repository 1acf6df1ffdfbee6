/** Who owns a partition, as ZooKeeper has it. */
export interface PartitionOwner {
  readonly instanceId: string;
  /** Its place in `members`: two sessions may have one instance id. */
  readonly member: number;
  /** Absent until it has been read; of many partitions, it is not read. */
  readonly fencingToken?: number;
  /** Since when, by the clock of ZooKeeper; absent with the token. */
  readonly since?: Date;
}

/** A partition that nobody owns. */
export interface UnownedPartition {
  readonly partition: number;
  /** Since when it has been seen without an owner, from here. */
  readonly since: Date;
  /** Who should own it. */
  readonly assignedTo?: string;
  /** A node that no session owns is in the way: somebody has to delete it. */
  readonly isBlocked: boolean;
}

/** An instance that shares the partitions of a group. */
export interface PartitionMember {
  readonly instanceId: string;
  /** False: it leaves, and has not given up all that it owns. */
  readonly isMember: boolean;
  readonly weight: number;
  /** The number of partitions that its application works with. */
  readonly partitions: number;
  readonly owned: number;
  readonly assigned: number;
  /** What it would own in perfect balance; not rounded. */
  readonly share: number;
}

/** The partitions of one name, as ZooKeeper has them. */
export interface PartitionGroupView {
  readonly group: string;
  readonly partitions: number;
  /** The number that takes its place when nothing of this one is owned. */
  readonly nextPartitions?: number;
  /** How often the assignment has changed; absent while there is none. */
  readonly round?: number;
  /** By the number of the partition; undefined: nobody. */
  readonly owners: readonly (PartitionOwner | undefined)[];
  /** Empty also if no instance takes part: then nothing is expected. */
  readonly unowned: readonly UnownedPartition[];
  /** The oldest first. */
  readonly members: readonly PartitionMember[];
  /** The largest difference from a share; in balance, it is less than 1. */
  readonly imbalance: number;
  /** Where several applications share the partitions, in sentences. */
  readonly warnings: readonly string[];
  /** Partitions whose owner has come in the last minute. */
  readonly movedLately: number;
}
