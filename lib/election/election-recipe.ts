import { randomUUID } from 'node:crypto';
import { settledWithin } from '../within.js';
import type { LeaseHolder, SessionLease } from '../zookeeper/session-lease.js';
import type {
  NodeContent,
  ZookeeperClient,
} from '../zookeeper/zookeeper-client.interface.js';
import {
  isConnectionError,
  ZookeeperError,
} from '../zookeeper/zookeeper.error.js';
import { newCandidacy, type Candidacy, type View } from './candidacy.js';
import {
  compareBySequence,
  nodePrefix,
  parseParticipant,
  parseResignRequest,
  sortedNodes,
} from './election-node.js';
import type { ElectionQueue, Listing } from './election-queue.js';
import type { LeadershipState } from './leadership-state.js';
import { Release } from './release.js';
import { retryDecision, SerialLoop } from './serial-loop.js';

/** A session that ends takes along what has not been removed by then. */
const LONGEST_LEAVE_MS = 1_000;

export interface ElectionRecipeOptions {
  readonly client: ZookeeperClient;
  readonly lease: SessionLease;
  readonly queue: ElectionQueue;
  readonly state: LeadershipState;
  /** Told of errors that no new connection will heal. */
  readonly onProblem: (error: unknown) => void;
  /** Told of somebody who wants the present term to end, once or more often. */
  readonly onResignRequested: (requestedBy: string) => void;
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
export class ElectionRecipe implements LeaseHolder {
  readonly #client: ZookeeperClient;
  readonly #lease: SessionLease;
  readonly #queue: ElectionQueue;
  readonly #state: LeadershipState;
  readonly #loop: SerialLoop;
  readonly #onResignRequested: (requestedBy: string) => void;
  #isEntered = false;
  #isEnding = false;
  #candidacy: Candidacy | undefined;
  /** One prefix for a session: what a lost reply left behind is found by it. */
  #prefix: { readonly sessionId: string; readonly prefix: string } | undefined;
  /** Under way while leadership is given up and our node has to go. */
  #release: Release | undefined;

  constructor(options: ElectionRecipeOptions) {
    this.#client = options.client;
    this.#lease = options.lease;
    this.#queue = options.queue;
    this.#state = options.state;
    this.#onResignRequested = options.onResignRequested;
    this.#loop = new SerialLoop(
      () => this.#reconcile(),
      (error) => {
        if (!isConnectionError(error)) {
          options.onProblem(error);
        }
        if (this.#isEnding) {
          // What we cannot remove goes with the session, which is next.
          this.#release?.settle();
        }
        return retryDecision(this.#client, error);
      },
    );
  }

  get isEntered(): boolean {
    return this.#isEntered;
  }

  /** Takes part from now on, unless it has been shut down. */
  enter(): void {
    this.#isEntered = !this.#isEnding;
    this.#loop.wake();
  }

  /** Takes no part any more, once the entry is released. */
  withdraw(): void {
    this.#isEntered = false;
  }

  /** {@link withdraw} for good: the session ends after that. */
  shutDown(): void {
    this.#isEntered = false;
    this.#isEnding = true;
  }

  /** Looks at what has become of the connection. */
  wake(): void {
    this.#loop.wake();
  }

  /** Our node has gone with the session, or goes when it comes back. */
  sessionLost(): void {
    this.#release?.settle();
  }

  /** The end: there is no session any more. */
  stop(): void {
    this.#loop.stop();
    this.#release?.settle();
  }

  /** Keeps our entry from being used until it is gone, see {@link release}. */
  beginRelease(): Release {
    this.#release = new Release(this.#release);
    this.#lease.release(this);
    return this.#release;
  }

  /**
   * Lets the entry go: nothing runs on behalf of this term any more. Resolves
   * when it is gone or, where the session ends next, after a moment.
   */
  async finishRelease(release: Release): Promise<void> {
    release.isDrained = true;
    if (!this.#candidacy || this.#client.connection.state !== 'connected') {
      // There is nothing on the server, or nothing that can be done about it
      // before the next connection.
      release.settle();
    }
    this.#loop.wake();
    await (this.#isEnding
      ? settledWithin([release.done], LONGEST_LEAVE_MS)
      : release.done);
  }

  /** Resolves when no release is under way. */
  async released(): Promise<void> {
    await this.#release?.done;
  }

  leaseLapsed(): void {
    if (this.#state.isLeading) {
      this.#state.follow('lease-expired');
      this.#loop.wake();
    }
  }

  leaseGranted(): void {
    this.#loop.wake();
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
    const candidacy = (this.#candidacy ??= newCandidacy(
      sessionId,
      this.#prefixOf(sessionId),
    ));
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
    const isJoining = !candidacy.isCreateSent;
    const children = isJoining
      ? await this.#join(candidacy)
      : await this.#queue.list(needsSync);
    if (this.#isPast(candidacy, epoch)) {
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
        await this.#queue.delete(name);
      }
    }
    if (!ours) {
      this.#nodeGone(candidacy);
      return;
    }
    candidacy.node = ours.name;
    if (this.#client.closedNodes && !candidacy.isSealed) {
      const isSealed = await this.#queue.seal(candidacy);
      if (this.#isPast(candidacy, epoch)) {
        return;
      }
      if (!isSealed) {
        this.#nodeGone(candidacy);
        return;
      }
    }
    const isLast = nodes.at(-1) === ours;
    if (isJoining && isLast) {
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
      hasYielded: false,
      predecessor: undefined,
    };
  }

  async #join(candidacy: Candidacy): Promise<Listing> {
    const sentAt = this.#lease.now();
    const listing = await this.#queue.join(candidacy);
    this.#lease.extend(sentAt, candidacy.sessionId);
    return listing;
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
      throw this.#lease.problem ?? tooSlow();
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
    const quiet = view.hasYielded ? undefined : this.#client.whenQuiet();
    if (quiet) {
      // Other elections may be joining: they lead first, and then all tell.
      view.hasYielded = true;
      void quiet.then(() => this.#loop.wake());
      return;
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
    const content = await this.#queue.watch(node, (event) => {
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
    if (content) {
      view.predecessor = { node, content };
    } else if (candidacy.view === view) {
      gone();
    }
  }

  async #watchOwnNode(candidacy: Candidacy, view: View): Promise<void> {
    view.isOwnNodeWatched = true;
    let content: NodeContent | undefined;
    try {
      content = await this.#queue.watch(candidacy.node as string, (event) => {
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
    } catch (error) {
      view.isOwnNodeWatched = false;
      throw error;
    }
    if (content?.stat.ephemeralOwner === candidacy.sessionId) {
      candidacy.fencingToken ??= content.stat.czxid;
      this.#heedResignRequest(content.data);
    } else {
      this.#nodeGone(candidacy);
    }
  }

  /** Others write into our node if they want us to make way. */
  #heedResignRequest(data: string): void {
    const leadership = this.#state.current;
    const request = parseResignRequest(data);
    if (
      leadership.role === 'leader' &&
      request?.fencingToken === leadership.term.fencingToken &&
      request.leaderSince === leadership.term.since.toISOString()
    ) {
      this.#onResignRequested(request.requestedBy);
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
      if (
        !(await this.#queue.announce(candidacy.node as string, leadership.term))
      ) {
        this.#nodeGone(candidacy);
      }
    } catch (error) {
      candidacy.isAnnounced = false;
      throw error;
    }
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
        await this.#queue.delete(candidacy.node);
        candidacy.node = undefined;
      }
      if (candidacy.view?.epoch !== epoch) {
        // A create whose reply was lost may have left another one behind.
        const { names } = await this.#queue.list(candidacy.listedIn !== epoch);
        for (const { name } of sortedNodes(names)) {
          if (name.startsWith(candidacy.prefix)) {
            await this.#queue.delete(name);
          }
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

  #prefixOf(sessionId: string): string {
    if (this.#prefix?.sessionId !== sessionId) {
      this.#prefix = { sessionId, prefix: nodePrefix(randomUUID()) };
    }
    return this.#prefix.prefix;
  }
}

/** The next heartbeat may be answered sooner: to be tried again. */
function tooSlow(): ZookeeperError {
  return new ZookeeperError(
    'TIMEOUT',
    'a heartbeat was answered when its lease had already run out',
  );
}
