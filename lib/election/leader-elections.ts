import { Logger } from '@nestjs/common';
import type { Observable } from 'rxjs';
import {
  InstanceNode,
  type InstanceIdentity,
} from '../zookeeper/instance-node.js';
import { KeeperClient } from '../zookeeper/keeper-client.js';
import { systemClock } from '../zookeeper/clock.js';
import { NodePaths } from '../zookeeper/node-paths.js';
import { SessionLease } from '../zookeeper/session-lease.js';
import type { ZookeeperClient } from '../zookeeper/zookeeper-client.interface.js';
import {
  DEFAULT_ELECTION,
  LOG_CONTEXT,
} from '../zookeeper-leader.constants.js';
import {
  checkElectionName,
  type ResolvedOptions,
} from '../zookeeper-leader.options.js';
import { unknownElectionMessage } from '../zookeeper-leader.messages.js';
import { plainGuard, type GuardFunction } from './guard-function.js';
import type { LeaderElection } from './leader-election.js';
import type { Participant } from './leadership.interface.js';
import { LeadershipLog } from './leadership-log.js';
import { StandaloneElection } from './standalone-election.js';
import { ZookeeperElection } from './zookeeper-election.js';

/** What the elections of one application do beyond their public surface. */
export interface ManagedElection extends LeaderElection {
  /** {@link LeaderElection.leader$}, told of gaps and announcements as well. */
  readonly sightings$: Observable<Participant | undefined>;
  /**
   * The wall-clock time, if this instance leads at this very moment: who asks
   * need not read the clock again.
   */
  leadsAtMs(): number | undefined;
  /** Whether this instance leads, after waiting for proof where that is due. */
  revalidate(): Promise<boolean>;
  /** Leaves for good; never rejects. */
  shutDown(): Promise<void>;
}

/** What all elections of an application share. */
export interface LeaderSession {
  readonly client: ZookeeperClient;
  readonly lease: SessionLease;
  readonly paths: NodePaths;
}

/** What an election that needs no ZooKeeper is made of. */
export interface LocalElectionParts {
  readonly name: string;
  readonly identity: InstanceIdentity;
  readonly drain: Drain;
  readonly guard: GuardFunction;
}

/** Ends what runs for the leader of an election; resolves within a bound. */
export type Drain = (election: string) => Promise<void>;

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
  readonly #identity: InstanceIdentity;
  readonly #elections = new Map<string, ManagedElection>();
  /** Made for whoever may ask for them, and not in use so far. */
  readonly #offered = new Map<string, ManagedElection>();
  readonly #drains = new Set<Drain>();
  readonly #log: LeadershipLog;
  readonly #followers = new Set<(election: ManagedElection) => void>();
  readonly #session: LeaderSession | undefined;
  readonly #isFake: boolean;
  readonly #makeLocal: (parts: LocalElectionParts) => ManagedElection;
  /** Those that have been entered on behalf of the application. */
  readonly #entered = new Set<ManagedElection>();
  #phase: 'starting' | 'running' | 'closing' = 'starting';
  #guardFunction: GuardFunction = plainGuard;

  /** @internal */
  constructor(
    options: ResolvedOptions,
    identity: InstanceIdentity,
    version: string,
    makeLocal?: (parts: LocalElectionParts) => ManagedElection,
  ) {
    this.#options = options;
    this.#identity = identity;
    this.#isFake = makeLocal !== undefined;
    this.#makeLocal =
      makeLocal ??
      ((parts) =>
        new StandaloneElection(
          parts.name,
          parts.identity,
          parts.drain,
          parts.guard,
        ));
    const logger = new Logger(LOG_CONTEXT);
    this.#log = new LeadershipLog(logger, identity.instanceId);
    if (!options.standalone && !makeLocal) {
      this.#session = openSession(options, identity, version, logger);
    }
  }

  /** Id of this instance. */
  get instanceId(): string {
    return this.#identity.instanceId;
  }

  /** Names of the elections that are in use, in no order. */
  get names(): string[] {
    return [...this.#elections.keys()];
  }

  /**
   * The election of that name; the default election without one. An election
   * that is not in use yet is entered, at once or when the application has
   * started.
   *
   * @throws {TypeError} if it is no name, or not among the option `elections`
   */
  get(name: string = DEFAULT_ELECTION): LeaderElection {
    const election = this.find(name, 'LeaderElections.get()');
    if (this.#phase === 'running') {
      this.#enterOnce(election);
    }
    return election;
  }

  /**
   * {@link get}, for the library's own use: does not enter.
   *
   * @internal
   */
  find(name: string, usedBy: string): ManagedElection {
    const existing = this.#elections.get(name);
    if (existing) {
      return existing;
    }
    const election = this.#offered.get(name) ?? this.#make(name, usedBy);
    this.#offered.delete(name);
    this.#elections.set(name, election);
    if (!this.#isFake) {
      this.#log.follow(election);
    }
    for (const listener of this.#followers) {
      listener(election);
    }
    if (this.#phase === 'closing') {
      void election.shutDown();
    }
    return election;
  }

  /**
   * {@link find} for an election that the application may never use: it comes
   * into use when something enters it, guards a function with it or waits for
   * its leadership.
   *
   * @internal
   */
  offer(name: string, usedBy: string): ManagedElection {
    if (!this.#session) {
      // There is nothing to enter: this instance leads them all, or a test says.
      return this.find(name, usedBy);
    }
    const known = this.#elections.get(name) ?? this.#offered.get(name);
    if (known) {
      return known;
    }
    const election = this.#make(name, usedBy);
    this.#offered.set(name, election);
    election.leadership$.subscribe(({ role }) => {
      if (role !== 'idle') {
        this.find(name, usedBy);
      }
    });
    return election;
  }

  /**
   * Whether nothing is wrong with this instance: false while it calls itself a
   * leader without the proof that it still is one, as after a stall. A follower
   * is healthy, and so is an instance that has not been started or connected.
   */
  get isHealthy(): boolean {
    return [...this.#elections.values()].every(
      (election) =>
        election.leadership.role !== 'leader' || election.isLeader(),
    );
  }

  /**
   * The session and its paths; undefined without ZooKeeper.
   *
   * @internal
   */
  get session(): LeaderSession | undefined {
    return this.#session;
  }

  /**
   * What keeps an election from being held and no new connection will heal, by
   * the election's name.
   *
   * @internal
   */
  get problems(): ReadonlyMap<string, string> {
    return this.#log.problems;
  }

  /**
   * Calls `listener` with every election, now and when it comes into use.
   * Returns a function that ends that.
   *
   * @internal
   */
  follow(listener: (election: ManagedElection) => void): () => void {
    this.#followers.add(listener);
    for (const election of this.#elections.values()) {
      listener(election);
    }
    return () => this.#followers.delete(listener);
  }

  /**
   * Lends the elections what the tasks can do.
   *
   * @internal
   */
  useTasks(guardFunction: GuardFunction): void {
    this.#guardFunction = guardFunction;
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
      if (this.#elections.size === 0) {
        this.find(DEFAULT_ELECTION, 'the module');
      }
      if (!this.#options.enabled) {
        this.#log.disabled();
      }
      for (const election of this.#elections.values()) {
        this.#enterOnce(election);
      }
    }
    // Also where this instance takes no part: it may ask who leads.
    await this.#session?.client.start();
  }

  /**
   * Leaves all elections and closes the session. Never rejects.
   *
   * @internal
   */
  async shutDown(): Promise<void> {
    this.#phase = 'closing';
    const all = [...this.#elections.values(), ...this.#offered.values()];
    await Promise.all(all.map((election) => election.shutDown()));
    await this.#session?.client.close();
  }

  /** What the application has left since then it enters again itself. */
  #enterOnce(election: ManagedElection): void {
    if (!this.#entered.has(election)) {
      this.#entered.add(election);
      election.enter();
    }
  }

  /**
   * @throws {TypeError} if it is no name, or not among the option `elections`
   */
  #make(name: string, usedBy: string): ManagedElection {
    checkElectionName(name, `election of ${usedBy}`);
    const known = this.#options.elections;
    if (known && !known.includes(name)) {
      throw new TypeError(unknownElectionMessage(name, known, usedBy));
    }
    const drain = this.#drain;
    const guard: GuardFunction = (...args) => {
      this.get(name);
      return this.#guardFunction(...args);
    };
    if (!this.#session) {
      const identity = this.#identity;
      return this.#makeLocal({ name, identity, drain, guard });
    }
    const { client, lease, paths } = this.#session;
    return new ZookeeperElection({
      name,
      path: paths.election(name),
      client,
      lease,
      identity: this.#identity,
      connectionLossPolicy: this.#options.connectionLossPolicy,
      isEnabled: this.#options.enabled,
      drain,
      guard,
      onAwaited: () => this.get(name),
      onProblem: (election, error) => this.#log.problem(election, error),
      onResignRequested: (election, requestedBy) =>
        this.#log.resignRequested(election, requestedBy),
    });
  }

  readonly #drain: Drain = async (election) => {
    await Promise.all([...this.#drains].map((drain) => drain(election)));
  };
}

function openSession(
  options: ResolvedOptions,
  identity: InstanceIdentity,
  version: string,
  logger: Logger,
): LeaderSession {
  const paths = new NodePaths(options.basePath);
  const client: ZookeeperClient = new KeeperClient({
    servers: options.servers,
    sessionTimeoutMs: options.sessionTimeoutMs,
    maxStallMs: options.maxStallMs,
    ...(options.credentials && {
      protection: { credentials: options.credentials, paths },
    }),
    onNotice: ({ level, text }) => logger[level](text),
  });
  const instanceNode = new InstanceNode(client, paths, identity, version);
  const lease = new SessionLease({
    client,
    clock: systemClock,
    requestedSessionTimeoutMs: options.sessionTimeoutMs,
    maxStallMs: options.maxStallMs,
    writeHeartbeat: () => instanceNode.write(),
  });
  warnOfGrantedTimeout(client.connection$, options.sessionTimeoutMs, logger);
  return { client, lease, paths };
}

/** A server grants what its own bounds allow, not what was asked for. */
function warnOfGrantedTimeout(
  connection$: ZookeeperClient['connection$'],
  requestedMs: number,
  logger: Logger,
): void {
  let reportedMs = requestedMs;
  (connection$ as Observable<{ sessionTimeoutMs?: number }>).subscribe(
    ({ sessionTimeoutMs }) => {
      if (sessionTimeoutMs !== undefined && sessionTimeoutMs !== reportedMs) {
        reportedMs = sessionTimeoutMs;
        logger.warn(
          `ZooKeeper granted a session timeout of ${sessionTimeoutMs} ms instead ` +
            `of the ${requestedMs} ms of the option sessionTimeoutMs: its bounds ` +
            'are minSessionTimeout and maxSessionTimeout, by default 2 and 20 ' +
            'times its tickTime',
        );
      }
    },
  );
}
