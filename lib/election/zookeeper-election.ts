import { randomUUID } from 'node:crypto';
import type { Observable } from 'rxjs';
import type {
  OnlyLeaderFunction,
  OnlyLeaderOptions,
} from '../tasks/leader-task-options.interface.js';
import type { InstanceIdentity } from '../zookeeper/instance-node.js';
import { ensurePath } from '../zookeeper/node-paths.js';
import type { LeaseHolder, SessionLease } from '../zookeeper/session-lease.js';
import type {
  Connection,
  NodeContent,
  ZookeeperClient,
} from '../zookeeper/zookeeper-client.interface.js';
import {
  isConnectionError,
  isZookeeperError,
} from '../zookeeper/zookeeper.error.js';
import {
  nodePrefix,
  participantData,
  parseParticipant,
  sortedNodes,
  compareBySequence,
} from './election-node.js';
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
import { Release } from './release.js';
import { SerialLoop } from './serial-loop.js';

/** What becomes of leadership when the connection breaks. */
export type ConnectionLossPolicy = 'hold-lease' | 'step-down';

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
  /** Told of errors that no new connection will heal. */
  readonly onProblem: (election: string, error: unknown) => void;
}

/** This instance's entry in the election, on one session. */
interface Candidacy {
  readonly sessionId: string;
  /** Begins the name of our node: one for the session, and of no other. */
  readonly prefix: string;
  /** Connection on which the queue was last listed. */
  listedIn: number | undefined;
  /** A create is, or may be, under way: look before creating another node. */
  isCreateSent: boolean;
  /** Name of our node, once it is known. */
  node: string | undefined;
  fencingToken: number | undefined;
  /** Whether the others have been told, in our node, that we lead. */
  isAnnounced: boolean;
  /** What was seen on the present connection; undefined: look again. */
  view: View | undefined;
}

/** The queue as far as it concerns us. */
interface View {
  readonly epoch: number;
  /** Nodes before ours, the oldest first. */
  readonly ahead: readonly string[];
  isOwnNodeWatched: boolean;
  /** The predecessor, once it is watched. */
  predecessor:
    { readonly node: string; readonly content: NodeContent } | undefined;
}

/**
 * The election recipe on ZooKeeper: an ephemeral sequential node for each
 * participant, the oldest leads, everybody watches the one before.
 *
 * All of it is one step, {@link #reconcile}, that compares what is with what
 * should be, and is run by a {@link SerialLoop}: never two at a time. Events
 * only forget what they have made untrue and wake the loop. After every wait
 * the step makes sure that the world it looked at is still there.
 */
export class ZookeeperElection extends LeaderElection implements LeaseHolder {
  readonly #options: ZookeeperElectionOptions;
  readonly #client: ZookeeperClient;
  readonly #lease: SessionLease;
  readonly #state: LeadershipState;
  readonly #loop: SerialLoop;
  readonly #observer: LeaderObserver;
  #isEntered = false;
  #candidacy: Candidacy | undefined;
  #prefix: { readonly sessionId: string; readonly prefix: string } | undefined;
  /** Under way while leadership is given up and our node has to go. */
  #release: Release | undefined;

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
    this.#observer = new LeaderObserver(options.client, options.path);
    this.#loop = new SerialLoop(
      () => this.#reconcile(),
      (error) => {
        if (!isConnectionError(error)) {
          options.onProblem(options.name, error);
          return 'retry';
        }
        // A broken connection comes back with an event; a single request that
        // was given up on a living connection does not.
        return this.#client.connection.state === 'connected' ? 'retry' : 'wait';
      },
    );
    this.#client.connection$.subscribe((connection) =>
      this.#connectionChanged(connection),
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
    return this.#observer.leader$;
  }

  isLeader(): boolean {
    return this.#state.isLeading && this.#lease.isValid();
  }

  participants(): Promise<Participant[]> {
    return readParticipants(this.#client, this.#options.path);
  }

  async waitForLeadership(
    options?: WaitForLeadershipOptions,
  ): Promise<LeadershipTerm> {
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
    if (this.#options.isEnabled && !this.#isEntered) {
      this.#isEntered = true;
      this.#loop.wake();
    }
  }

  async resign(): Promise<void> {
    if (this.#state.isLeading) {
      await this.#giveUp('resigned');
    } else {
      await this.#release?.done;
    }
  }

  async withdraw(): Promise<void> {
    if (this.#isEntered) {
      this.#isEntered = false;
      await this.#giveUp('withdrawn');
    } else {
      await this.#release?.done;
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
    this.#isEntered = false;
    await this.#giveUp('shutdown');
  }

  leaseLapsed(): void {
    if (this.#state.isLeading) {
      this.#state.follow('lease-expired');
    }
  }

  leaseGranted(): void {
    this.#loop.wake();
  }

  #connectionChanged({ state }: Connection): void {
    switch (state) {
      case 'connected':
        this.#loop.wake();
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
        // Our node has gone with the session, or goes when it comes back.
        this.#release?.settle();
        break;
      case 'closed':
        this.#loop.stop();
        this.#observer.close();
        this.#release?.settle();
        this.#state.complete('shutdown');
        break;
      case 'connecting':
        break;
    }
  }

  /** Ends the term, then what runs for it, then our entry. */
  async #giveUp(reason: LeadershipReason): Promise<void> {
    const wasLeading = this.#state.isLeading;
    const release = new Release(this.#release);
    this.#release = release;
    if (wasLeading && reason === 'resigned') {
      this.#state.follow(reason);
    } else if (this.#options.isEnabled) {
      this.#state.idle(reason);
    }
    this.#lease.release(this);
    await this.#options.drain(this.name);
    release.isDrained = true;
    if (!this.#candidacy || this.#client.connection.state !== 'connected') {
      // There is nothing on the server, or nothing that can be done about it
      // before the next connection.
      release.settle();
    }
    this.#loop.wake();
    await release.done;
  }

  /** One look at the election, and what follows from it. */
  async #reconcile(): Promise<void> {
    const { connection } = this.#client;
    if (connection.state !== 'connected') {
      return;
    }
    const { epoch } = connection;
    const sessionId = connection.sessionId as string;
    if (this.#candidacy && this.#candidacy.sessionId !== sessionId) {
      // Ephemeral nodes end with their session. One that is still listed is
      // about to go: it is not ours any more (CURATOR-696).
      this.#candidacy = undefined;
    }
    if (this.#release) {
      if (this.#release.isDrained) {
        await this.#leave(epoch);
      }
      return;
    }
    if (!this.#isEntered) {
      return;
    }
    const candidacy = (this.#candidacy ??= this.#newCandidacy(sessionId));
    if (candidacy.view?.epoch !== epoch) {
      candidacy.view = undefined;
      await this.#look(candidacy, epoch);
    }
    const { view } = candidacy;
    if (!view || this.#isPast(candidacy, epoch)) {
      return;
    }
    if (view.ahead.length === 0) {
      await this.#lead(candidacy, view);
    } else {
      await this.#follow(candidacy, view, view.ahead.at(-1) as string);
    }
  }

  /** Makes sure that we have exactly one node, and finds its place. */
  async #look(candidacy: Candidacy, epoch: number): Promise<void> {
    const needsSync = candidacy.listedIn !== epoch;
    candidacy.listedIn = epoch;
    const children = candidacy.isCreateSent
      ? await this.#list(needsSync)
      : await this.#join(candidacy);
    if (!children || this.#isPast(candidacy, epoch)) {
      return;
    }
    const nodes = sortedNodes(children.names);
    const own = nodes.filter(({ name }) => name.startsWith(candidacy.prefix));
    const ours = candidacy.node
      ? own.find(({ name }) => name === candidacy.node)
      : own[0];
    // Nodes of ours beyond the one are left over from creates whose reply was
    // lost. They would lead without anybody behind them.
    for (const { name } of own) {
      if (name !== ours?.name) {
        await this.#delete(name);
      }
    }
    if (!ours) {
      this.#nodeGone(candidacy);
      return;
    }
    candidacy.node = ours.name;
    const isLast = nodes.at(-1) === ours;
    if (children.isFresh && isLast) {
      // Elected in the round trip of its create: the parent's pzxid is at least
      // our czxid, below everybody's who comes after us, and above the token of
      // every term before (docs/safety.md).
      candidacy.fencingToken = children.pzxid;
    }
    candidacy.view = {
      epoch,
      ahead: nodes
        .filter((node) => compareBySequence(node, ours) < 0)
        .map(({ name }) => name),
      isOwnNodeWatched: false,
      predecessor: undefined,
    };
  }

  /** Creates our node and lists the others in one go. */
  async #join(candidacy: Candidacy): Promise<Listing | undefined> {
    const { path } = this.#options;
    const data = participantData(this.#options.identity);
    const prefix = `${path}/${candidacy.prefix}`;
    const attempt = async (
      preparation?: Promise<void>,
    ): Promise<Listing | undefined> => {
      const sentAt = this.#lease.now();
      candidacy.isCreateSent = true;
      // ZooKeeper answers one session's requests in the order in which they
      // were sent, so the listing contains the node.
      const [prepared, created, listed] = await Promise.allSettled([
        preparation,
        this.#client.create(prefix, data, 'ephemeral-sequential'),
        this.#client.getChildren(path),
      ]);
      if (created.status === 'rejected') {
        if (!isConnectionError(created.reason)) {
          candidacy.isCreateSent = false;
        }
        // What kept the parent from being created says more than its absence.
        throw prepared.status === 'rejected' ? prepared.reason : created.reason;
      }
      candidacy.node = created.value.slice(path.length + 1);
      this.#lease.extend(sentAt, candidacy.sessionId);
      if (listed.status === 'rejected') {
        throw listed.reason;
      }
      const { children, stat } = listed.value;
      return { names: children, pzxid: stat.pzxid, isFresh: true };
    };
    try {
      return await attempt();
    } catch (error) {
      if (!isZookeeperError(error, 'NO_NODE')) {
        throw error;
      }
      return attempt(ensurePath(this.#client, path, 'container'));
    }
  }

  /**
   * Lists the participants. A sync keeps a server that lags behind, to which we
   * have just been connected, from hiding our own node from us.
   */
  async #list(needsSync: boolean): Promise<Listing> {
    const { path } = this.#options;
    const [, listed] = await Promise.allSettled([
      needsSync ? this.#client.sync(path) : undefined,
      this.#client.getChildren(path),
    ]);
    if (listed.status === 'rejected') {
      if (isZookeeperError(listed.reason, 'NO_NODE')) {
        return { names: [], pzxid: 0, isFresh: false };
      }
      throw listed.reason;
    }
    const { children, stat } = listed.value;
    return { names: children, pzxid: stat.pzxid, isFresh: false };
  }

  /** Nobody is before us. */
  async #lead(candidacy: Candidacy, view: View): Promise<void> {
    if (candidacy.fencingToken === undefined) {
      await this.#watchOwnNode(candidacy, view);
    }
    if (this.#isPast(candidacy, view.epoch) || candidacy.view !== view) {
      return;
    }
    this.#lease.hold(this);
    if (!this.#lease.isValid() && !(await this.#lease.renew())) {
      return;
    }
    if (
      this.#isPast(candidacy, view.epoch) ||
      candidacy.view !== view ||
      candidacy.fencingToken === undefined
    ) {
      return;
    }
    if (!this.#state.isLeading) {
      candidacy.isAnnounced = false;
      this.#state.lead(candidacy.fencingToken, 'elected');
    }
    // Whoever was told may have resigned already.
    if (this.#state.isLeading) {
      await Promise.all([
        this.#announce(candidacy),
        view.isOwnNodeWatched ? undefined : this.#watchOwnNode(candidacy, view),
      ]);
    }
  }

  /** Somebody is before us: we watch the last of them, and our own node. */
  async #follow(
    candidacy: Candidacy,
    view: View,
    predecessor: string,
  ): Promise<void> {
    if (view.ahead.length === 1) {
      // Next in line: with a lease that is kept warm, the predecessor's end is
      // all that it takes to lead.
      this.#lease.hold(this);
    } else {
      this.#lease.release(this);
    }
    await Promise.all([
      view.isOwnNodeWatched ? undefined : this.#watchOwnNode(candidacy, view),
      view.predecessor
        ? undefined
        : this.#watchPredecessor(candidacy, view, predecessor),
    ]);
    if (
      this.#isPast(candidacy, view.epoch) ||
      candidacy.view !== view ||
      !view.predecessor
    ) {
      return;
    }
    const { node, content } = view.predecessor;
    this.#state.follow(
      'waiting',
      view.ahead.length === 1
        ? parseParticipant(node, content.data, content.stat)
        : undefined,
    );
  }

  async #watchPredecessor(
    candidacy: Candidacy,
    view: View,
    node: string,
  ): Promise<void> {
    const gone = (): void => {
      // Numbers only grow: nobody can have come in between, so what was behind
      // the predecessor is all that is left before us.
      candidacy.view =
        view.ahead.length === 1
          ? { ...view, ahead: [], predecessor: undefined }
          : undefined;
      this.#loop.wake();
    };
    try {
      const path = `${this.#options.path}/${node}`;
      // A read leaves no watch behind on a node that does not exist.
      const content = await this.#client.get(path, (event) => {
        if (candidacy.view !== view) {
          return;
        }
        if (event === 'deleted') {
          gone();
        } else {
          // It leads now, so that we may have become next in line.
          candidacy.view = undefined;
          this.#loop.wake();
        }
      });
      view.predecessor = { node, content };
    } catch (error) {
      if (!isZookeeperError(error, 'NO_NODE')) {
        throw error;
      }
      if (candidacy.view === view) {
        gone();
      }
    }
  }

  async #watchOwnNode(candidacy: Candidacy, view: View): Promise<void> {
    const path = `${this.#options.path}/${candidacy.node}`;
    view.isOwnNodeWatched = true;
    try {
      const { stat } = await this.#client.get(path, (event) => {
        if (this.#candidacy !== candidacy || !candidacy.view) {
          return;
        }
        if (event === 'deleted') {
          this.#nodeGone(candidacy);
        } else {
          candidacy.view.isOwnNodeWatched = false;
        }
        this.#loop.wake();
      });
      if (stat.ephemeralOwner !== candidacy.sessionId) {
        this.#nodeGone(candidacy);
        return;
      }
      candidacy.fencingToken ??= stat.czxid;
    } catch (error) {
      view.isOwnNodeWatched = false;
      if (!isZookeeperError(error, 'NO_NODE')) {
        throw error;
      }
      this.#nodeGone(candidacy);
    }
  }

  /** Tells in our node that we lead: its watcher is next in line from now on. */
  async #announce(candidacy: Candidacy): Promise<void> {
    const leadership = this.#state.current;
    if (candidacy.isAnnounced || leadership.role !== 'leader') {
      return;
    }
    candidacy.isAnnounced = true;
    try {
      await this.#client.set(
        `${this.#options.path}/${candidacy.node}`,
        participantData(this.#options.identity, leadership.term),
      );
    } catch (error) {
      candidacy.isAnnounced = false;
      if (!isZookeeperError(error, 'NO_NODE')) {
        throw error;
      }
      this.#nodeGone(candidacy);
    }
  }

  #newCandidacy(sessionId: string): Candidacy {
    if (this.#prefix?.sessionId !== sessionId) {
      this.#prefix = { sessionId, prefix: nodePrefix(randomUUID()) };
    }
    return {
      ...this.#prefix,
      listedIn: undefined,
      isCreateSent: false,
      node: undefined,
      fencingToken: undefined,
      isAnnounced: false,
      view: undefined,
    };
  }

  /** Somebody else has removed our node. We queue again. */
  #nodeGone(candidacy: Candidacy): void {
    if (this.#candidacy === candidacy) {
      this.#candidacy = undefined;
      if (this.#state.isLeading) {
        this.#state.follow('node-deleted');
      }
      this.#loop.wake();
    }
  }

  /** Removes our entry; comes back to it until that is certain. */
  async #leave(epoch: number): Promise<void> {
    const candidacy = this.#candidacy;
    if (candidacy?.isCreateSent) {
      if (candidacy.node) {
        await this.#delete(candidacy.node);
        candidacy.node = undefined;
      }
      // A create whose reply was lost may have left another one behind.
      const { names } = await this.#list(candidacy.listedIn !== epoch);
      for (const { name } of sortedNodes(names)) {
        if (name.startsWith(candidacy.prefix)) {
          await this.#delete(name);
        }
      }
      if (this.#client.connection.epoch !== epoch) {
        return;
      }
    }
    this.#candidacy = undefined;
    this.#release?.settle();
    this.#release = undefined;
    this.#loop.wake();
  }

  async #delete(node: string): Promise<void> {
    try {
      await this.#client.delete(`${this.#options.path}/${node}`);
    } catch (error) {
      if (!isZookeeperError(error, 'NO_NODE')) {
        throw error;
      }
    }
  }

  /** Whether the world has changed under a step that began in `epoch`. */
  #isPast(candidacy: Candidacy, epoch: number): boolean {
    const { connection } = this.#client;
    return (
      this.#candidacy !== candidacy ||
      this.#release !== undefined ||
      connection.state !== 'connected' ||
      connection.epoch !== epoch
    );
  }
}

interface Listing {
  readonly names: readonly string[];
  readonly pzxid: number;
  /** Whether it was sent together with our create. */
  readonly isFresh: boolean;
}
