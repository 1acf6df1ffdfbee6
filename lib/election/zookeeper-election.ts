import type { Observable } from 'rxjs';
import type {
  OnlyLeaderFunction,
  OnlyLeaderOptions,
} from '../interfaces/leader-task-options.interface.js';
import type { ConnectionLossPolicy } from '../interfaces/zookeeper-leader-options.interface.js';
import type { InstanceIdentity } from '../zookeeper/instance-node.js';
import type { SessionLease } from '../zookeeper/session-lease.js';
import type {
  Connection,
  ZookeeperClient,
} from '../zookeeper/zookeeper-client.interface.js';
import { ElectionQueue } from './election-queue.js';
import { ElectionRecipe } from './election-recipe.js';
import type { GuardFunction } from './guard-function.js';
import { LeaderElection } from './leader-election.js';
import { LeaderObserver } from './leader-observer.js';
import { LeadershipState } from './leadership-state.js';
import type {
  Leadership,
  LeadershipReason,
  LeadershipTerm,
  Participant,
  WaitForLeadershipOptions,
} from './leadership.interface.js';
import { readParticipants } from './participants.js';

export interface ZookeeperElectionOptions {
  readonly name: string;
  /** Path of the election's node. */
  readonly path: string;
  readonly client: ZookeeperClient;
  readonly lease: SessionLease;
  readonly identity: InstanceIdentity;
  readonly connectionLossPolicy: ConnectionLossPolicy;
  /** False: never takes part. */
  readonly isEnabled: boolean;
  /** Ends what runs on behalf of the leader, before another one leads. */
  readonly drain: (election: string) => Promise<void>;
  readonly guard: GuardFunction;
  /** Called when somebody waits for this instance to lead. */
  readonly onAwaited: () => void;
  /** Told of errors that no new connection will heal. */
  readonly onProblem: (election: string, error: unknown) => void;
  /** Told of who asked, through ZooKeeper, that this instance resign. */
  readonly onResignRequested: (election: string, requestedBy: string) => void;
}

/** An election in which this instance takes part through ZooKeeper. */
export class ZookeeperElection extends LeaderElection {
  readonly #options: ZookeeperElectionOptions;
  readonly #client: ZookeeperClient;
  readonly #lease: SessionLease;
  readonly #state: LeadershipState;
  readonly #recipe: ElectionRecipe;
  /** Most elections have nobody who asks who leads them. */
  #lazyObserver: LeaderObserver | undefined;

  constructor(options: ZookeeperElectionOptions) {
    super();
    this.#options = options;
    this.#client = options.client;
    this.#lease = options.lease;
    this.#state = new LeadershipState(
      options.name,
      options.identity.instanceId,
      options.isEnabled ? 'starting' : 'disabled',
    );
    this.#recipe = new ElectionRecipe({
      client: options.client,
      lease: options.lease,
      queue: new ElectionQueue(options.client, options.path, options.identity),
      state: this.#state,
      onProblem: (error) => options.onProblem(options.name, error),
      onResignRequested: (requestedBy) => {
        options.onResignRequested(options.name, requestedBy);
        void this.resign();
      },
    });
    this.#client.connection$.subscribe({
      next: (connection) => this.#connectionChanged(connection),
      // All that an election hears that comes into use after the end.
      complete: () => this.#ended(),
    });
  }

  get name(): string {
    return this.#options.name;
  }

  get instanceId(): string {
    return this.#options.identity.instanceId;
  }

  get leadership(): Leadership {
    return this.#state.current;
  }

  get leadership$(): Observable<Leadership> {
    return this.#state.changes$;
  }

  get leader$(): Observable<Participant | undefined> {
    return this.#observer.leader$;
  }

  /** {@link leader$}, and in between: see {@link LeaderObserver.sightings$}. */
  get sightings$(): Observable<Participant | undefined> {
    return this.#observer.sightings$;
  }

  isLeader(): boolean {
    return this.#state.isLeading && this.#lease.isValid();
  }

  leadsAtMs(): number | undefined {
    return this.#state.isLeading ? this.#lease.validAtMs() : undefined;
  }

  participants(): Promise<Participant[]> {
    return readParticipants(this.#client, this.#options.path);
  }

  async waitForLeadership(
    options?: WaitForLeadershipOptions,
  ): Promise<LeadershipTerm> {
    this.#options.onAwaited();
    await this.revalidate();
    return this.#state.waitForTerm(() => this.isLeader(), options);
  }

  /**
   * Whether this instance leads; where that depends on a heartbeat that could
   * not be sent in time, as after a stall, after waiting for a fresh one.
   */
  async revalidate(): Promise<boolean> {
    if (this.#state.isLeading && !this.#lease.isValid()) {
      await this.#lease.renewWithinBound();
    }
    return this.isLeader();
  }

  enter(): void {
    if (this.#options.isEnabled && !this.#recipe.isEntered) {
      this.#recipe.enter();
    }
  }

  async resign(): Promise<void> {
    if (this.#state.isLeading) {
      await this.#giveUp('resigned');
    } else {
      await this.#recipe.released();
    }
  }

  async withdraw(): Promise<void> {
    if (this.#recipe.isEntered) {
      this.#recipe.withdraw();
      await this.#giveUp('withdrawn');
    } else {
      await this.#recipe.released();
    }
  }

  onlyLeader<Args extends unknown[], Result>(
    fn: (...args: Args) => Result,
    options: OnlyLeaderOptions = {},
  ): OnlyLeaderFunction<Args, Result> {
    return this.#options.guard(this, fn, options);
  }

  /** Leaves the election for good; the session is closed after that. */
  async shutDown(): Promise<void> {
    this.#recipe.shutDown();
    await this.#giveUp('shutdown');
  }

  get #observer(): LeaderObserver {
    if (!this.#lazyObserver) {
      this.#lazyObserver = new LeaderObserver(this.#client, this.#options.path);
      if (this.#client.connection.state === 'closed') {
        this.#lazyObserver.close();
      }
    }
    return this.#lazyObserver;
  }

  #connectionChanged({ state }: Connection): void {
    switch (state) {
      case 'connected':
        this.#recipe.wake();
        break;
      case 'suspended':
        if (
          this.#state.isLeading &&
          this.#options.connectionLossPolicy === 'step-down'
        ) {
          this.#state.follow('suspended');
        }
        break;
      case 'lost':
        if (this.#state.current.role !== 'idle') {
          this.#state.idle('session-lost');
        }
        this.#recipe.sessionLost();
        break;
      case 'closed':
        this.#ended();
        break;
      case 'connecting':
        break;
    }
  }

  #ended(): void {
    this.#recipe.stop();
    this.#lazyObserver?.close();
    this.#state.complete('shutdown');
  }

  /** Ends the term, then what runs for it, then our entry. */
  async #giveUp(reason: LeadershipReason): Promise<void> {
    const wasLeading = this.#state.isLeading;
    const release = this.#recipe.beginRelease();
    if (wasLeading && reason === 'resigned') {
      this.#state.follow(reason);
    } else if (this.#options.isEnabled) {
      this.#state.idle(reason);
    }
    await this.#options.drain(this.name);
    await this.#recipe.finishRelease(release);
  }
}
