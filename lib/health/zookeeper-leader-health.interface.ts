import type {
  Leadership,
  LeadershipReason,
} from '../election/leadership.interface.js';
import type { ConnectionState } from '../zookeeper/zookeeper-client.interface.js';

/**
 * An election in the details of a health check. Times are ISO 8601 texts.
 *
 * @publicApi
 */
export interface ElectionHealth {
  /** This instance's part in the election. */
  readonly role: Leadership['role'];
  readonly reason: LeadershipReason;
  readonly since: string;
  /** The leader's instance id; null if there is none, or none is known. */
  readonly leader: string | null;
  /** When the leader's term began, where it told. */
  readonly leaderSince?: string;
  /** The leader's fencing token. */
  readonly fencingToken?: number;
}

/**
 * The partitions of one name in the details of a health check.
 *
 * @publicApi
 */
export interface PartitionsHealth {
  /** How many there are. */
  readonly partitions: number;
  /** How many this instance owns. */
  readonly owned: number;
  /** How many it should own. */
  readonly assigned: number;
}

/**
 * The details of a health check. Times are ISO 8601 texts.
 *
 * @publicApi
 */
export interface ZookeeperLeaderHealth {
  readonly instanceId: string;
  /** State of the connection; `standalone` without ZooKeeper. */
  readonly state: ConnectionState | 'standalone';
  /** Since when the connection is in that state. */
  readonly since: string;
  /**
   * When the last write that ZooKeeper has acknowledged was sent. Only who leads
   * or is next in line writes at regular intervals.
   */
  readonly lastContact?: string;
  /** Milliseconds for which this instance may still lead without contact. */
  readonly leaseRemainingMs?: number;
  readonly elections: Readonly<Record<string, ElectionHealth>>;
  /** By name; absent if this instance shares none. */
  readonly partitions?: Readonly<Record<string, PartitionsHealth>>;
  /** What is wrong; absent while nothing is. */
  readonly problems?: readonly string[];
  /**
   * What is wrong with the deployment, not with this instance: a leader that is of
   * another application, or lacks tasks of instances that wait. Absent while nothing
   * is. The instance stays up: a rolling deployment passes through this.
   */
  readonly warnings?: readonly string[];
}
