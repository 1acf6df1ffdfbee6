import { skip, type Observable } from 'rxjs';
import { LibraryLogger } from '../library-logger.js';
import { electionProblems } from '../instance-problems.js';
import type { InstanceIdentity } from '../session/instance-node.js';
import { openSession, type LeaderSession } from '../session/leader-session.js';
import { DEFAULT_ELECTION } from '../zookeeper-leader.constants.js';
import {
  checkElectionName,
  type ResolvedOptions,
} from '../zookeeper-leader.options.js';
import {
  disposeInUseMessage,
  unknownElectionMessage,
} from '../zookeeper-leader.messages.js';
import {
  Companions,
  type Companion,
  type CompanionParts,
} from './companions.js';
import type { LeaderElection } from './leader-election.js';
import type { Participant, ParticipantTasks } from './leadership.interface.js';
import { LeadershipLog } from './leadership-log.js';
import {
  plainGuard,
  type Drain,
  type ElectionParts,
  type GuardFunction,
  type ManagedElection,
} from './managed-election.js';
import { StandaloneElection } from './standalone-election.js';
import { ZookeeperElection } from './zookeeper-election.js';

/**
 * Called when an election comes into use. The function it returns is called when
 * the election is disposed of.
 */
export type ElectionListener = (
  election: ManagedElection,
) => (() => void) | void;

/** What this instance does in its elections, and whether those that lead do it. */
export interface Work {
  /** What the entry in an election lists. */
  tasksOf(election: string): ParticipantTasks;
  /** Another instance is first in line; it leads if it says since when. */
  leaderSeen(election: string, leader: Participant): void;
  /**
   * Where instances wait behind a leader that does not do their work, as far as
   * this instance knows: sentences by the name of the election.
   */
  readonly warnings: ReadonlyMap<string, readonly string[]>;
}

interface Entry {
  readonly election: ManagedElection;
  /** What of the library cannot do without it: the first that asked. */
  usedBy: string | undefined;
  /** False: made for callers that may never use it. */
  isInUse: boolean;
  /** Whether it has been entered on behalf of the application. */
  isEntered: boolean;
  readonly onDispose: (() => void)[];
}

/**
 * All elections of an application: they share one session and one lease.
 *
 * @example
 * ```ts
 * constructor(private readonly elections: LeaderElections) {}
 *
 * shardLeader(shard: number): LeaderElection {
 *   return this.elections.get(`shard-${shard}`);
 * }
 * ```
 *
 * @publicApi
 */
export class LeaderElections {
  readonly #options: ResolvedOptions;
  readonly #elections = new Map<string, Entry>();
  /** Being disposed of: what runs for them is waited for at the end, too. */
  readonly #leaving = new Set<ManagedElection>();
  readonly #drains = new Set<Drain>();
  readonly #logger = new LibraryLogger();
  readonly #log: LeadershipLog;
  readonly #listeners = new Set<ElectionListener>();
  /** @internal */
  readonly identity: InstanceIdentity;
  /**
   * The session and its paths; undefined without ZooKeeper.
   *
   * @internal
   */
  readonly session: LeaderSession | undefined;
  /**
   * The session that an election is assigned to, now and after every change;
   * undefined without the option `balance`.
   *
   * @internal
   */
  favouriteOf:
    ((election: string) => Observable<string | undefined>) | undefined;
  /** @internal */
  readonly companions = new Companions();
  readonly #isFake: boolean;
  readonly #makeLocal: (parts: ElectionParts) => ManagedElection;
  #phase: 'starting' | 'running' | 'closing' = 'starting';
  #guardFunction: GuardFunction = plainGuard;
  #work: Work | undefined;

  /** @internal */
  constructor(
    options: ResolvedOptions,
    identity: InstanceIdentity,
    version: string,
    makeLocal?: (parts: ElectionParts) => ManagedElection,
  ) {
    this.#options = options;
    this.identity = identity;
    this.#isFake = makeLocal !== undefined;
    this.#makeLocal = makeLocal ?? ((parts) => new StandaloneElection(parts));
    const logger = this.#logger;
    this.#log = new LeadershipLog(
      logger,
      identity.instanceId,
      () => this.session?.lease,
    );
    if (!options.standalone && !makeLocal) {
      this.session = openSession(options, identity, version, logger);
    }
  }

  /** Id of this instance. */
  get instanceId(): string {
    return this.identity.instanceId;
  }

  /** Names of the elections that are in use, in no order. */
  get names(): string[] {
    return this.all.map(({ name }) => name);
  }

  /**
   * The elections that are in use, in no order.
   *
   * @internal
   */
  get all(): ManagedElection[] {
    return this.#inUse.map(({ election }) => election);
  }

  /**
   * The election of that name; the default election without one. An election
   * that is not in use yet is entered, at once or when the application has
   * started.
   *
   * @throws {TypeError} if it is no name, or not among the option `elections`
   */
  get(name: string = DEFAULT_ELECTION): LeaderElection {
    this.#checkListed(name, 'LeaderElections.get()');
    const { election } = this.#find(name);
    this.#comeIntoUse(name);
    return election;
  }

  /**
   * Leaves an election that was made by {@link get} and forgets it: its
   * `leadership$` completes, and {@link get} makes another one. Resolves like
   * {@link LeaderElection.withdraw}; does nothing if there is none.
   *
   * @throws {TypeError} (rejects) for an election that a decorator uses, and for
   * the default election
   *
   * @example
   * ```ts
   * const election = this.elections.get(`import-${id}`);
   * await election.waitForLeadership();
   * await this.import(id);
   * await this.elections.dispose(election.name);
   * ```
   */
  async dispose(name: string): Promise<void> {
    const entry = this.#elections.get(name);
    if (!entry) {
      return;
    }
    if (entry.usedBy !== undefined) {
      throw new TypeError(disposeInUseMessage(name, entry.usedBy));
    }
    const { election } = entry;
    this.#elections.delete(name);
    this.#leaving.add(election);
    await election.dispose();
    this.#leaving.delete(election);
    entry.onDispose.forEach((forget) => forget());
  }

  /**
   * {@link get}, for the library's own use: does not enter.
   *
   * @internal
   */
  find(name: string, usedBy: string): ManagedElection {
    this.#checkListed(name, usedBy);
    const entry = this.#find(name);
    entry.usedBy ??= usedBy;
    this.#use(entry);
    return entry.election;
  }

  #find(name: string): Entry {
    const existing = this.#elections.get(name);
    if (existing) {
      return existing;
    }
    const entry: Entry = {
      election: this.#make(name),
      usedBy: undefined,
      isInUse: false,
      isEntered: false,
      onDispose: [],
    };
    this.#elections.set(name, entry);
    return entry;
  }

  /** Has the election log, be listed and be followed from now on. */
  #use(entry: Entry): void {
    if (entry.isInUse) {
      return;
    }
    entry.isInUse = true;
    const { election } = entry;
    if (!this.#isFake) {
      this.#log.follow(election);
    }
    for (const listener of this.#listeners) {
      this.#tell(listener, entry);
    }
    if (this.#phase === 'closing') {
      void election.shutDown();
    }
  }

  get #inUse(): Entry[] {
    return [...this.#elections.values()].filter(({ isInUse }) => isInUse);
  }

  /** Something needs the election: it is entered, at once or at the start. */
  #comeIntoUse(name: string): void {
    const entry = this.#elections.get(name);
    if (entry) {
      this.#use(entry);
      if (this.#phase === 'running') {
        this.#enterOnce(entry);
      }
    }
  }

  /**
   * {@link find} for an election that the application may never use, because its
   * class is only imported: it comes into use when something enters it, guards a
   * function with it or waits for its leadership.
   *
   * @throws {TypeError} if it is no name
   * @internal
   */
  offer(name: string, usedBy: string): ManagedElection {
    checkElectionName(name, `election of ${usedBy}`);
    const isNew = !this.#elections.has(name);
    const entry = this.#find(name);
    entry.usedBy ??= usedBy;
    if (isNew) {
      // A fake one may lead from the beginning.
      entry.election.leadership$.pipe(skip(1)).subscribe(({ role }) => {
        if (role !== 'idle') {
          this.#use(entry);
        }
      });
    }
    return entry.election;
  }

  /**
   * Whether nothing is wrong with this instance: false while it calls itself a
   * leader without the proof that it still is one, as after a stall, and while
   * it cannot do its part in an election, as without permission. A follower is
   * healthy, and so is an instance that has not been started or connected.
   */
  get isHealthy(): boolean {
    return electionProblems(this).length === 0;
  }

  /**
   * Has a companion take part for as long as the application runs.
   *
   * @internal
   */
  accompany<Made extends Companion>(
    make: (parts: CompanionParts) => Made,
  ): Made {
    const { connectionLossPolicy, enabled, drainTimeoutMs } = this.#options;
    const companion = make({
      identity: this.identity,
      session: this.session,
      connectionLossPolicy,
      isEnabled: enabled,
      drain: this.#drain,
      drainTimeoutMs,
      reporter: (name, path) => this.#log.reporter(name, path),
      makeLocal: (name) =>
        this.#isFake
          ? this.find(name, 'partitions')
          : this.#makeLocal(this.#parts(name, plainGuard)),
    });
    this.companions.add(companion);
    return companion;
  }

  /**
   * What keeps this instance from doing its part in an election and no new
   * connection will heal, by the election's name.
   *
   * @internal
   */
  get problems(): ReadonlyMap<string, string> {
    return this.#log.problems;
  }

  /**
   * See {@link Work.warnings}. Nothing is wrong with the instance itself.
   *
   * @internal
   */
  get warnings(): Work['warnings'] {
    return this.#work?.warnings ?? new Map();
  }

  /**
   * Calls `listener` with every election, now and when it comes into use.
   * Returns a function that ends that.
   *
   * @internal
   */
  follow(listener: ElectionListener): () => void {
    this.#listeners.add(listener);
    for (const entry of this.#inUse) {
      this.#tell(listener, entry);
    }
    return () => this.#listeners.delete(listener);
  }

  #tell(listener: ElectionListener, entry: Entry): void {
    const forget = listener(entry.election);
    if (forget) {
      entry.onDispose.push(forget);
    }
  }

  /**
   * Lends the elections what the tasks can do.
   *
   * @internal
   */
  useTasks(guardFunction: GuardFunction, work: Work): void {
    this.#guardFunction = guardFunction;
    this.#work = work;
  }

  /**
   * Has the entry in an election tell what this instance does now.
   *
   * @internal
   */
  restate(election: string): void {
    this.#elections.get(election)?.election.restate?.();
  }

  /** @internal */
  addDrain(drain: Drain): void {
    this.#drains.add(drain);
  }

  /**
   * Connects and enters all elections in use. Rejects only when this machine
   * lacks what it takes; ZooKeeper itself may come later.
   *
   * @internal
   */
  async start(): Promise<void> {
    if (this.#phase === 'starting') {
      this.#phase = 'running';
      if (this.#inUse.length === 0) {
        this.find(DEFAULT_ELECTION, 'the module');
      }
      if (!this.#options.enabled) {
        this.#log.disabled();
      }
      for (const entry of this.#inUse) {
        this.#enterOnce(entry);
      }
      this.companions.start();
    }
    // Also where this instance takes no part: it may ask who leads.
    await this.session?.client.start();
  }

  /**
   * Leaves all elections and closes the session. Never rejects.
   *
   * @internal
   */
  async shutDown(): Promise<void> {
    this.#phase = 'closing';
    const elections = [...this.#elections.values()].map(
      (each) => each.election,
    );
    await Promise.all([
      ...[...elections, ...this.#leaving].map((each) => each.shutDown()),
      this.companions.shutDown(),
    ]);
    await this.session?.client.close();
  }

  /** After {@link LeaderElection.withdraw} the application enters again itself. */
  #enterOnce(entry: Entry): void {
    if (!entry.isEntered) {
      entry.isEntered = true;
      entry.election.enter();
    }
  }

  /**
   * @throws {TypeError} if it is no name, or not among the option `elections`
   */
  #checkListed(name: string, usedBy: string): void {
    checkElectionName(name, `election of ${usedBy}`);
    const known = this.#options.elections;
    if (known && !known.includes(name)) {
      throw new TypeError(unknownElectionMessage(name, known, usedBy));
    }
  }

  #make(name: string): ManagedElection {
    const parts = this.#parts(
      name,
      (...args) => {
        this.#comeIntoUse(name);
        return this.#guardFunction(...args);
      },
      () => this.#comeIntoUse(name),
    );
    if (!this.session) {
      return this.#makeLocal(parts);
    }
    // Named one by one: what is spread has a shape of its own, a third of a KiB.
    const { identity, drain, guard, onAwaited } = parts;
    const { client, lease, paths } = this.session;
    const { connectionLossPolicy, enabled, priority } = this.#options;
    const path = paths.election(name);
    return new ZookeeperElection({
      name,
      identity,
      drain,
      guard,
      onAwaited,
      path,
      client,
      lease,
      connectionLossPolicy,
      isEnabled: enabled,
      priority,
      favourite$:
        name === DEFAULT_ELECTION ? undefined : this.favouriteOf?.(name),
      tasks: () => this.#work?.tasksOf(name),
      reporter: this.#log.reporter(name, path),
      onLeaderSeen: (leader) => this.#work?.leaderSeen(name, leader),
    });
  }

  #parts(
    name: string,
    guard: GuardFunction,
    onAwaited: () => void = () => undefined,
  ): ElectionParts {
    return {
      name,
      identity: this.identity,
      drain: this.#drain,
      guard,
      onAwaited,
    };
  }

  readonly #drain: Drain = async (election) => {
    await Promise.allSettled([...this.#drains].map((drain) => drain(election)));
  };
}
