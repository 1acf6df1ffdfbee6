import type { Observable } from 'rxjs';
import type {
  OnlyLeaderFunction,
  OnlyLeaderOptions,
} from '../interfaces/leader-task-options.interface.js';
import type { InstanceIdentity } from '../session/instance-node.js';
import type { LeaderElection } from './leader-election.js';
import type { Participant } from './leadership.interface.js';

/** What the elections of one application do beyond their public surface. */
export interface ManagedElection extends LeaderElection {
  /** {@link LeaderElection.leader$}, with gaps and announcements as well. */
  readonly sightings$: Observable<Participant | undefined>;
  /**
   * The wall-clock time, if this instance leads at this very moment: who asks
   * need not read the clock again.
   */
  leadsAtMs(): number | undefined;
  /** Whether this instance leads, after waiting for proof where that is due. */
  revalidate(): Promise<boolean>;
  /** Whether this instance leads, after asking ZooKeeper for its entry. */
  confirm(): Promise<boolean>;
  /** Has the entry tell what this instance does now; absent without entries. */
  restate?(): void;
  /**
   * Has this instance take no part, whatever the application enters, until it is
   * allowed to again; absent without entries.
   */
  keepAway?(isAway: boolean): void;
  /** Leaves for good, before the session ends; never rejects. */
  shutDown(): Promise<void>;
  /** Leaves for good, while the session goes on; never rejects. */
  dispose(): Promise<void>;
}

/** What leader tasks need of an election. */
export type TaskElection = Pick<
  ManagedElection,
  | 'name'
  | 'instanceId'
  | 'leadership'
  | 'leadership$'
  | 'isLeader'
  | 'leadsAtMs'
  | 'revalidate'
  | 'confirm'
  | 'participants'
>;

/** What every election is made of, with ZooKeeper or without. */
export interface ElectionParts {
  readonly name: string;
  readonly identity: InstanceIdentity;
  readonly drain: Drain;
  readonly guard: GuardFunction;
  /** Called when somebody waits for this instance to lead. */
  readonly onAwaited: () => void;
}

/** Ends what runs for the leader of an election; resolves within a bound. */
export type Drain = (election: string) => Promise<void>;

/** Puts a guard around a function; what the tasks lend to the elections. */
export type GuardFunction = <Args extends unknown[], Result>(
  election: ManagedElection,
  fn: (...args: Args) => Result,
  options: OnlyLeaderOptions,
) => OnlyLeaderFunction<Args, Result>;

/** A guard without tasks: there is nothing to wait for, just the question. */
export const plainGuard: GuardFunction = (election, fn) => {
  let isDisposed = false;
  return Object.assign(
    (...args: Parameters<typeof fn>) =>
      !isDisposed && election.isLeader() ? fn(...args) : undefined,
    {
      dispose: () => {
        isDisposed = true;
      },
    },
  );
};
