import type { ConnectionLossPolicy } from '../interfaces/zookeeper-leader-options.interface.js';
import type { InstanceIdentity } from '../session/instance-node.js';
import type { LeaderSession } from '../session/leader-session.js';
import type { ElectionReporter } from './election-reporter.js';
import type { Drain, ManagedElection } from './managed-election.js';

/** What takes part beside the elections: a group of partitions. */
export interface Companion {
  /** What is wrong with what it owns, or should own, in sentences. */
  readonly problems: readonly string[];
  /** Where several applications share what each should have alone. */
  readonly warnings?: readonly string[];
  /** Takes part, again after {@link withdraw}. */
  enter(): void;
  /** Gives up all that it has, and takes no part; never rejects. */
  withdraw(): Promise<void>;
  /** Leaves for good, before the session ends; never rejects. */
  shutDown(): Promise<void>;
}

/** What a companion is made of. */
export interface CompanionParts {
  readonly identity: InstanceIdentity;
  /** Undefined: there is no ZooKeeper. */
  readonly session: LeaderSession | undefined;
  readonly connectionLossPolicy: ConnectionLossPolicy;
  readonly isEnabled: boolean;
  readonly drain: Drain;
  readonly drainTimeoutMs: number;
  /** Logs what happens in the election at a path. */
  reporter(name: string, path: string): ElectionReporter;
  /** An election that needs no ZooKeeper; not listed, and not entered. */
  makeLocal(name: string): ManagedElection;
}

/** All companions of an application, from its start to its end. */
export class Companions {
  readonly #all = new Set<Companion>();
  #phase: 'starting' | 'running' | 'closing' = 'starting';
  #isAway = false;

  add(companion: Companion): void {
    this.#all.add(companion);
    if (this.#phase === 'running' && !this.#isAway) {
      companion.enter();
    } else if (this.#phase === 'closing') {
      void companion.shutDown();
    }
  }

  /** What is wrong, in sentences. */
  get problems(): string[] {
    return [...this.#all].flatMap(({ problems }) => problems);
  }

  get warnings(): string[] {
    return [...this.#all].flatMap(({ warnings = [] }) => warnings);
  }

  start(): void {
    this.#phase = 'running';
    if (!this.#isAway) {
      this.#all.forEach((each) => each.enter());
    }
  }

  /** Whether they stay out, as while this instance is drained. */
  set isAway(isAway: boolean) {
    this.#isAway = isAway;
    for (const companion of this.#all) {
      if (isAway) {
        void companion.withdraw();
      } else if (this.#phase === 'running') {
        companion.enter();
      }
    }
  }

  async shutDown(): Promise<void> {
    this.#phase = 'closing';
    await Promise.all([...this.#all].map((each) => each.shutDown()));
  }
}
