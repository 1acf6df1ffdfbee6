import type { Observable } from 'rxjs';
import { BaseElection } from './base-election.js';
import { ElectionQueue } from './election-queue.js';
import {
  ElectionRecipe,
  type ElectionRecipeOptions,
} from './election-recipe.js';
import { observeLeader, type ObservedLeader } from './leader-observer.js';
import { LeadershipState } from './leadership-state.js';
import type { Participant, ParticipantTasks } from './leadership.interface.js';
import type { ElectionParts } from './managed-election.js';
import { readParticipants } from './participants.js';

export interface ZookeeperElectionOptions
  extends ElectionParts, ElectionRecipeOptions {
  /** Path of the election's node. */
  readonly path: string;
  /** What the entry of this instance lists; absent: nothing. */
  readonly tasks?: () => ParticipantTasks | undefined;
}

/** An election in which this instance takes part through ZooKeeper. */
export class ZookeeperElection extends BaseElection {
  readonly #options: ZookeeperElectionOptions;
  readonly #recipe: ElectionRecipe;
  /** Made for the first who asks: most elections have nobody who does. */
  #leader: ObservedLeader | undefined;

  constructor(options: ZookeeperElectionOptions) {
    const { client, path, identity, name, isEnabled, lease, tasks } = options;
    const state = new LeadershipState(
      name,
      identity.instanceId,
      isEnabled ? 'starting' : 'disabled',
      lease,
    );
    super(options, state);
    this.#options = options;
    this.#recipe = new ElectionRecipe(
      options,
      new ElectionQueue(client, path, identity, tasks),
      state,
    );
  }

  get leader$(): Observable<Participant | undefined> {
    return this.#observe().leader$;
  }

  /** See {@link ObservedLeader.sightings$}. */
  get sightings$(): Observable<Participant | undefined> {
    return this.#observe().sightings$;
  }

  #observe(): ObservedLeader {
    this.#leader ??= observeLeader(this.#options, this.leadership$);
    return this.#leader;
  }

  participants(): Promise<Participant[]> {
    const { client, path } = this.#options;
    return readParticipants(client, path);
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

  keepAway(isAway: boolean): void {
    this.#recipe.keepAway(isAway);
  }

  restate(): void {
    this.#recipe.restate();
  }

  shutDown(): Promise<void> {
    return this.#recipe.shutDown();
  }

  dispose(): Promise<void> {
    return this.#recipe.dispose();
  }
}
