/**
 * Why the leadership of an election is what it is.
 *
 * - `elected`: this instance's turn has come;
 * - `standalone`: there is no ZooKeeper, this instance always leads;
 * - `waiting`: others are before this instance;
 * - `starting`: the election has not been entered yet;
 * - `session-lost`: ZooKeeper expired the session, or has been out of reach for
 *   as long as a session lives;
 * - `suspended`: the connection broke, and the policy is `step-down`;
 * - `lease-expired`: no write was acknowledged for two thirds of the session
 *   timeout, so leadership can no longer be taken for granted;
 * - `refused`: ZooKeeper has refused what this instance needs for longer than a
 *   session timeout, as the log says. The instance makes way for others and comes
 *   back later;
 * - `node-deleted`: somebody removed this instance's election node;
 * - `outranked`: this instance has made way for one with a higher `priority`;
 * - `unassigned`: the partition, or with the option `balance` the election, is
 *   assigned to another instance now;
 * - `resigned`, `withdrawn`: by {@link LeaderElection.resign} or
 *   {@link LeaderElection.withdraw};
 * - `disabled`: the module was configured with `enabled: false`;
 * - `shutdown`: the application is closing.
 *
 * @publicApi
 */
export type LeadershipReason =
  | 'elected'
  | 'standalone'
  | 'waiting'
  | 'starting'
  | 'session-lost'
  | 'suspended'
  | 'lease-expired'
  | 'refused'
  | 'node-deleted'
  | 'outranked'
  | 'unassigned'
  | 'resigned'
  | 'withdrawn'
  | 'disabled'
  | 'shutdown';

/**
 * One uninterrupted period of leading.
 *
 * @publicApi
 */
export interface LeadershipTerm {
  /** Name of the election. */
  readonly election: string;
  /** The instance that leads: this one. */
  readonly instanceId: string;
  /**
   * Greater than the token of every term that another instance had before. With
   * it, a resource can refuse the late writes of a former leader. An instance
   * that leads again on the node it has kept all the while has the same token:
   * nobody has led in between. Negative with the option `standalone`.
   *
   * ZooKeeper's transaction ids are 64 bit numbers made of an epoch and a
   * counter; they stay exact as a JavaScript number for 2^21 epochs.
   */
  readonly fencingToken: number;
  /** When the term began, by this instance's wall clock. */
  readonly since: Date;
  /** Aborts, with a {@link LeadershipLostError}, when the term ends. */
  readonly signal: AbortSignal;
}

/**
 * The leader tasks that an instance brings to an election, as its entry lists them.
 *
 * @publicApi
 */
export interface ParticipantTasks {
  /**
   * In the order of their UTF-16 code units. Only the first ones, if they are more
   * than 50 or take more than 1,000 bytes.
   */
  readonly names: readonly string[];
  /** Present if `names` does not have all of them. */
  readonly more?: {
    /** How many are left out. */
    readonly count: number;
    /** Equal for equal names: two lists can be compared by it. */
    readonly digest: string;
  };
}

/**
 * An instance's entry in an election.
 *
 * @publicApi
 */
export interface Participant {
  /** Name of the participant's znode. */
  readonly node: string;
  /** Id of the instance, as it calls itself. */
  readonly instanceId: string;
  /** Host name of the instance, where it told. */
  readonly host?: string;
  /** Process id of the instance, where it told. */
  readonly pid?: number;
  /** The module option `priority` of the instance, where that is not 0. */
  readonly priority?: number;
  /** Name of its application: the option `application`, where it told. */
  readonly application?: string;
  /** Its leader tasks in this election, those without partitions, where it told. */
  readonly tasks?: ParticipantTasks;
  /** Fencing token of its term; of one that waits, the least that it will have. */
  readonly fencingToken: number;
  /** When it entered the election, by ZooKeeper's clock. */
  readonly joinedAt: Date;
  /** When its present term began, by its own clock; leaders only. */
  readonly leaderSince?: Date;
}

interface LeadershipBase {
  /** Name of the election. */
  readonly election: string;
  /** Why it is so. */
  readonly reason: LeadershipReason;
  /** Since when, by this instance's wall clock. */
  readonly since: Date;
}

/**
 * This instance's part in an election:
 * - `leader`: it leads;
 * - `follower`: it waits for its turn;
 * - `idle`: it takes no part, because it is not connected, has withdrawn, is
 *   disabled or is closing.
 *
 * @publicApi
 */
export type Leadership =
  | (LeadershipBase & {
      readonly role: 'leader';
      readonly term: LeadershipTerm;
    })
  | (LeadershipBase & {
      readonly role: 'follower';
      /** The leader, where this instance knows it: next in line it does. */
      readonly leader?: Participant;
    })
  | (LeadershipBase & { readonly role: 'idle' });

/**
 * Options of {@link LeaderElection.waitForLeadership}.
 *
 * @publicApi
 */
export interface WaitForLeadershipOptions {
  /** Stops waiting when it aborts; the promise rejects with its reason. */
  readonly signal?: AbortSignal;
  /** Milliseconds to wait at most; the promise then rejects. Default: no limit. */
  readonly timeoutMs?: number;
}
