import type { Observable } from 'rxjs';
import type {
  OnlyLeaderFunction,
  OnlyLeaderOptions,
} from '../interfaces/leader-task-options.interface.js';
import type { SessionLease } from '../session/session-lease.js';
import { ElectionQueue } from './election-queue.js';
import {
  ElectionRecipe,
  type ElectionRecipeOptions,
} from './election-recipe.js';
import { LeaderElection } from './leader-election.js';
import type { ElectionParts } from './managed-election.js';
import { LeaderObserver } from './leader-observer.js';
import { LeadershipState } from './leadership-state.js';
import type {
  Leadership,
  LeadershipTerm,
  Participant,
  ParticipantTasks,
  WaitForLeadershipOptions,
} from './leadership.interface.js';
import { readParticipants } from './participants.js';

export interface ZookeeperElectionOptions
  extends ElectionParts, ElectionRecipeOptions {
  /** Path of the election's node. */
  readonly path: string;
  /** What the entry of this instance lists; absent: nothing. */
  readonly tasks?: () => ParticipantTasks | undefined;
}

/** An election in which this instance takes part through ZooKeeper. */
export class ZookeeperElection extends LeaderElection {
  readonly #options: ZookeeperElectionOptions;
  readonly #lease: SessionLease;
  readonly #state: LeadershipState;
  readonly #recipe: ElectionRecipe;
  /** Made for the first who asks: most elections have nobody who does. */
  #observer: LeaderObserver | undefined;

  constructor(options: ZookeeperElectionOptions) {
    super();
    const { client, path, identity, name, isEnabled } = options;
    this.#options = options;
    this.#lease = options.lease;
    this.#state = new LeadershipState(
      name,
      identity.instanceId,
      isEnabled ? 'starting' : 'disabled',
    );
    this.#recipe = new ElectionRecipe(
      options,
      new ElectionQueue(client, path, identity, options.tasks),
      this.#state,
    );
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
    return this.#observe().leader$;
  }

  /** {@link leader$}, and in between: see {@link LeaderObserver.sightings$}. */
  get sightings$(): Observable<Participant | undefined> {
    return this.#observe().sightings$;
  }

  #observe(): LeaderObserver {
    if (this.#observer) {
      return this.#observer;
    }
    const { client, path, onLeaderSeen } = this.#options;
    const observer = new LeaderObserver(client, path, onLeaderSeen);
    this.#observer = observer;
    this.#state.changes$.subscribe({ complete: () => observer.close() });
    return observer;
  }

  isLeader(): boolean {
    return this.#state.isLeading && this.#lease.isValid();
  }

  leadsAtMs(): number | undefined {
    return this.#state.isLeading ? this.#lease.validAtMs() : undefined;
  }

  participants(): Promise<Participant[]> {
    const { client, path } = this.#options;
    return readParticipants(client, path);
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

  async confirm(): Promise<boolean> {
    return (await this.#recipe.confirm()) && this.isLeader();
  }

  enter(): void {
    this.#recipe.enter();
  }

  resign(): Promise<void> {
    return this.#recipe.resign();
  }

  withdraw(): Promise<void> {
    return this.#recipe.withdraw();
  }

  restate(): void {
    this.#recipe.restate();
  }

  onlyLeader<Args extends unknown[], Result>(
    fn: (...args: Args) => Result,
    options: OnlyLeaderOptions = {},
  ): OnlyLeaderFunction<Args, Result> {
    return this.#options.guard(this, fn, options);
  }

  /** Leaves the election for good; the session is closed after that. */
  shutDown(): Promise<void> {
    return this.#recipe.shutDown();
  }

  /** Leaves the election for good, while the session goes on. */
  dispose(): Promise<void> {
    return this.#recipe.dispose();
  }
}
