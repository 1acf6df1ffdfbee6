import { randomUUID } from 'node:crypto';
import type { Observable, Subscription } from 'rxjs';
import type { ConnectionLossPolicy } from '../interfaces/zookeeper-leader-options.interface.js';
import { messageOf } from '../message-of.js';
import { settledWithin } from '../within.js';
import type { LeaseHolder, SessionLease } from '../session/session-lease.js';
import { Deferred } from '../deferred.js';
import type {
  Connection,
  NodeContent,
  ZookeeperClient,
} from '../zookeeper/zookeeper-client.interface.js';
import { isConnectionError } from '../zookeeper/zookeeper.error.js';
import { Candidacy, type View } from './candidacy.js';
import { Claims } from './claims.js';
import { endsTerms } from '../session/connection-loss.js';
import {
  isOwnedBySession,
  nodePrefix,
  parseParticipant,
  parseResignRequest,
} from './election-node.js';
import type { ElectionQueue } from './election-queue.js';
import type { ElectionReporter } from './election-reporter.js';
import type { Drain } from './managed-election.js';
import type { LeadershipState } from './leadership-state.js';
import type { LeadershipReason, Participant } from './leadership.interface.js';
import { longestRetryMs, SerialLoop } from '../session/serial-loop.js';
import { StepFailures } from '../session/step-failures.js';

/** A session that ends takes along what has not been removed by then. */
const LONGEST_LEAVE_MS = 1_000;

const QUEUES_AGAIN: ReadonlySet<LeadershipReason> = new Set([
  'resigned',
  'outranked',
  'unassigned',
]);

export interface ElectionRecipeOptions {
  readonly name: string;
  readonly client: ZookeeperClient;
  readonly lease: SessionLease;
  readonly connectionLossPolicy: ConnectionLossPolicy;
  /** False: never takes part. */
  readonly isEnabled: boolean;
  /** Takes leadership over from lower ones. */
  readonly priority: number;
  /** The session that the election is assigned to; undefined: it is not balanced. */
  readonly favourite$: Observable<string | undefined> | undefined;
  /** Ends what runs on behalf of the leader, before another one leads. */
  readonly drain: Drain;
  readonly reporter: ElectionReporter;
  /** Called with the first in line; it leads if it says since when. */
  readonly onLeaderSeen?: (leader: Participant) => void;
}

/**
 * A leadership being given up; several requests to do so share one end. Settles
 * when our entry in the election is gone, or waiting makes no sense.
 */
class Release extends Deferred {
  /** How many still wait for what ran for the leader: the entry stays. */
  draining = 0;
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
  readonly #options: ElectionRecipeOptions;
  readonly #client: ZookeeperClient;
  readonly #lease: SessionLease;
  readonly #queue: ElectionQueue;
  readonly #state: LeadershipState;
  readonly #loop: SerialLoop;
  readonly #failures = new StepFailures();
  readonly #subscription: Subscription | undefined;
  readonly #strays = new Set<string>();
  #isEntered = false;
  /** Stays out, whatever the application has entered. */
  #isAway = false;
  /** `disposing`: the entry has to go; `closing`: the session goes. */
  #ending: 'disposing' | 'closing' | undefined;
  #candidacy: Candidacy | undefined;
  /** One prefix for a session: what a lost reply left behind is found by it. */
  #prefix: { readonly sessionId: string; readonly prefix: string } | undefined;
  /** Under way while leadership is given up and our node has to go. */
  #release: Release | undefined;
  readonly #claims: Claims;
  /** Whether our entry tells less than this instance does, or more. */
  #isOutdated = false;
  /** Runs while this instance stays away, having made way for others. */
  #pause: NodeJS.Timeout | undefined;

  constructor(
    options: ElectionRecipeOptions,
    queue: ElectionQueue,
    state: LeadershipState,
  ) {
    this.#options = options;
    this.#client = options.client;
    this.#lease = options.lease;
    this.#queue = queue;
    this.#state = state;
    this.#loop = new SerialLoop(
      () => this.#reconcile(),
      (error) => this.#failed(error),
    );
    this.#claims = new Claims({
      queue,
      reporter: options.reporter,
      sessionTimeoutMs: () => this.#lease.sessionTimeoutMs,
      onDue: () => this.#loop.wake(),
    });
    this.#subscription = this.#client.connection$.subscribe({
      next: (connection) => this.#connectionChanged(connection),
      complete: () => this.#end('shutdown'),
    });
    this.#subscription.add(
      options.favourite$?.subscribe((favourite) => {
        this.#claims.favourite = favourite;
        this.#loop.wake();
      }),
    );
  }

  /** Takes part from now on, unless it has ended or never does. */
  enter(): void {
    if (this.#options.isEnabled && !this.#isEntered && !this.#ending) {
      this.#isEntered = true;
      this.#loop.wake();
    }
  }

  /** See {@link ManagedElection.keepAway}. */
  keepAway(isAway: boolean): void {
    this.#isAway = isAway;
    if (isAway && !this.#ending) {
      void this.#giveUp('withdrawn');
    } else {
      this.#loop.wake();
    }
  }

  /** This instance does something else than its entry tells. */
  restate(): void {
    this.#isOutdated = true;
    this.#loop.wake();
  }

  async resign(): Promise<void> {
    if (!this.#state.isLeading) {
      return this.#released();
    }
    // It does not take leadership back at once.
    this.#claims.uptime.end();
    await this.#giveUp('resigned');
  }

  async withdraw(): Promise<void> {
    const wasEntered = this.#isEntered;
    this.#takeNoPart();
    await (wasEntered ? this.#giveUp('withdrawn') : this.#released());
  }

  /** Leaves for good; the session is closed next. */
  async shutDown(): Promise<void> {
    this.#takeNoPart();
    this.#ending = 'closing';
    await this.#giveUp('shutdown');
  }

  /** Leaves for good, while the session goes on. */
  async dispose(): Promise<void> {
    this.#takeNoPart();
    this.#ending ??= 'disposing';
    await this.#giveUp('withdrawn');
    this.#state.complete('withdrawn');
    if (!this.#candidacy) {
      this.#end('withdrawn');
    }
  }

  /** Whether our entry is there, by ZooKeeper's own word. */
  async confirm(): Promise<boolean> {
    const candidacy = this.#candidacy;
    return candidacy !== undefined && (await candidacy.isThere());
  }

  leaseLapsed(): void {
    this.#state.depose('lease-expired');
    this.#loop.wake();
  }

  leaseGranted(): void {
    this.#loop.wake();
  }

  #connectionChanged(connection: Connection): void {
    const { state } = connection;
    this.#claims.uptime[state === 'connected' ? 'connected' : 'disconnected']();
    if (state === 'connected') {
      this.#loop.wake();
    } else if (endsTerms(this.#options.connectionLossPolicy, connection)) {
      this.#state.depose('suspended');
    } else if (state === 'lost') {
      if (this.#state.current.role !== 'idle') {
        this.#state.idle('session-lost');
      }
      this.#claims.uptime.end();
      // Our node has gone with the session, or goes when it comes back.
      this.#release?.resolve();
    } else if (state === 'closed') {
      this.#end('shutdown');
    }
  }

  #takeNoPart(): void {
    this.#isEntered = false;
    clearTimeout(this.#pause);
    this.#pause = undefined;
  }

  #end(reason: LeadershipReason): void {
    this.#takeNoPart();
    this.#loop.stop();
    this.#lease.release(this);
    this.#drop();
    this.#release?.resolve();
    // Undefined where the connection had ended before it began.
    this.#subscription?.unsubscribe();
    this.#state.complete(reason);
  }

  /** Ends the term, then what runs for it, then our entry. */
  async #giveUp(reason: LeadershipReason): Promise<void> {
    const release = (this.#release ??= new Release());
    release.draining += 1;
    this.#lease.release(this);
    if (QUEUES_AGAIN.has(reason)) {
      this.#state.depose(reason);
    } else if (this.#options.isEnabled) {
      this.#state.idle(reason);
    }
    const { name, drain } = this.#options;
    await drain(name);
    release.draining -= 1;
    if (!this.#candidacy || this.#client.connection.state !== 'connected') {
      // There is nothing on the server, or nothing that can be done about it
      // before the next connection.
      release.resolve();
    }
    this.#loop.wake();
    await this.#released();
  }

  /** Resolves when no release is under way, or waiting makes no sense. */
  async #released(): Promise<void> {
    if (this.#release) {
      await settledWithin(
        [this.#release.promise],
        this.#ending === 'closing'
          ? LONGEST_LEAVE_MS
          : 2 * this.#lease.sessionTimeoutMs,
      );
    }
  }

  /** Decides what becomes of a step that has failed. */
  #failed(error: unknown): number | undefined {
    const longestMs = longestRetryMs(this.#client, error);
    if (longestMs === undefined) {
      // The next connection heals it.
      this.#failures.clear();
      return undefined;
    }
    this.#failures.add();
    const isLasting = !isConnectionError(error);
    if (this.#ending === 'closing') {
      // What we cannot remove goes with the session, which is next.
      this.#release?.resolve();
      return longestMs;
    }
    // One request may always get lost on a connection that is about to break.
    if (isLasting || this.#failures.count > 1) {
      this.#options.reporter.problem(error, this.#isEntered);
    }
    if (isLasting && this.#candidacy?.mayExist) {
      this.#letOthersGoFirst(messageOf(error));
      return this.#lease.sessionTimeoutMs / 8;
    }
    return longestMs;
  }

  /**
   * Our entry stands before those of others, and we cannot do what it takes. It
   * goes when that has lasted for a session timeout; if it cannot be removed,
   * with the session.
   */
  #letOthersGoFirst(why: string): void {
    const { sessionTimeoutMs } = this.#lease;
    const { durationMs } = this.#failures;
    const { reporter } = this.#options;
    if (this.#release) {
      if (durationMs > sessionTimeoutMs / 4) {
        void this.#client.replaceSession(reporter.sessionGivenUp(why));
      }
    } else if (
      durationMs > sessionTimeoutMs &&
      !(this.#state.isLeading && this.#lease.isValid())
    ) {
      const pauseMs = this.#failures.makeWay(sessionTimeoutMs);
      this.#claims.uptime.end();
      reporter.madeWay(why, pauseMs);
      this.#pause = setTimeout(() => {
        this.#pause = undefined;
        this.#loop.wake();
      }, pauseMs);
      void this.#giveUp('refused');
    }
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
      this.#drop();
    }
    if (this.#release) {
      if (this.#release.draining === 0) {
        await this.#leave(epoch);
      }
      return;
    }
    if (!this.#mayAct) {
      return;
    }
    if (!this.#candidacy && this.#failures.hasMadeWay) {
      await this.#lease.prove();
      if (this.#client.connection !== connection || !this.#mayAct) {
        return;
      }
    }
    const candidacy = (this.#candidacy ??= this.#newCandidacy(sessionId));
    if (candidacy.view?.epoch !== epoch) {
      await candidacy.look(epoch);
    }
    const { view } = candidacy;
    if (!view || !this.#isCurrent(view)) {
      return;
    }
    await (view.ahead.length === 0
      ? this.#lead(candidacy, view)
      : this.#follow(candidacy, view));
    if (this.#isCurrent(view)) {
      this.#failures.clear();
      this.#options.reporter.healed();
      await this.#bringUpToDate(candidacy, view);
    }
  }

  /** What an entry tells is for people: it fails no step. */
  async #bringUpToDate(candidacy: Candidacy, view: View): Promise<void> {
    if (this.#isOutdated) {
      this.#isOutdated = false;
      try {
        await candidacy.restate(view.epoch);
      } catch {
        // Somebody else has written to it, and our watch says so; or the
        // connection is about to break.
        this.#isOutdated = true;
      }
    }
  }

  /** Nobody is before us. */
  async #lead(candidacy: Candidacy, view: View): Promise<void> {
    if (candidacy.fencingToken === undefined) {
      await candidacy.readOwn(view.epoch);
    }
    if (!this.#isCurrent(view)) {
      return;
    }
    this.#lease.hold(this);
    await this.#lease.prove();
    const { fencingToken } = candidacy;
    if (!this.#isCurrent(view) || fencingToken === undefined) {
      return;
    }
    this.#state.lead(fencingToken, 'elected');
    const { current } = this.#state;
    // A subscriber may have resigned already.
    if (current.role === 'leader' && this.#isCurrent(view)) {
      const [, own] = await Promise.all([
        candidacy.announce(current.term),
        candidacy.readOwn(view.epoch),
      ]);
      this.#heedResignRequest(own?.data);
      await this.#heedClaim(candidacy, view, own);
    }
  }

  /** Somebody is before us: we watch the last of them, and our own node. */
  async #follow(candidacy: Candidacy, view: View): Promise<void> {
    const isNext = view.ahead.length === 1;
    if (isNext) {
      // With a lease that is kept warm, the predecessor's end is all that it
      // takes to lead.
      this.#lease.hold(this);
    } else {
      this.#lease.release(this);
    }
    const [content, own] = await Promise.all([
      view.predecessor?.read(view.epoch),
      candidacy.readOwn(view.epoch),
    ]);
    if (!this.#isCurrent(view)) {
      return;
    }
    const predecessor = view.ahead.at(-1) as string;
    if (!content) {
      candidacy.predecessorGone(view);
    } else if (!isOwnedBySession(content.stat)) {
      this.#strays.add(predecessor);
      this.#options.reporter.stray(predecessor);
      candidacy.passOver(view);
    } else {
      const leader = isNext
        ? parseParticipant(predecessor, content.data, content.stat)
        : undefined;
      this.#state.follow('waiting', leader);
      if (leader) {
        this.#options.onLeaderSeen?.(leader);
      }
      if (await this.#heedClaim(candidacy, view, own)) {
        return;
      }
      if (isNext) {
        await this.#lease.prove();
      }
      await this.#claims.pursue(candidacy.node as string, view.ahead, content);
    }
  }

  /**
   * Queues again behind one that outranks us and asks for it. Resolves to whether
   * the entry goes.
   */
  async #heedClaim(
    candidacy: Candidacy,
    view: View,
    own: NodeContent | undefined,
  ): Promise<boolean> {
    const node = candidacy.node as string;
    const claimant =
      own && (await this.#claims.claimant(node, own.data, this.#state.current));
    if (!claimant || !this.#isCurrent(view)) {
      return false;
    }
    void this.#giveUp(this.#claims.concede(node, claimant));
    return true;
  }

  /** Others write into our node if they want us to make way. */
  #heedResignRequest(data: string | undefined): void {
    const leadership = this.#state.current;
    const request = data === undefined ? undefined : parseResignRequest(data);
    if (
      leadership.role === 'leader' &&
      request?.fencingToken === leadership.term.fencingToken &&
      request.leaderSince === leadership.term.since.toISOString()
    ) {
      this.#options.reporter.resignRequested(request.requestedBy);
      void this.resign();
    }
  }

  /**
   * Removes our entry; comes back to it until that is certain. Who takes part joins
   * again in the next step: by then the next in line has been told, and does not wait
   * for the server to do both.
   */
  async #leave(epoch: number): Promise<void> {
    if (this.#candidacy && !(await this.#candidacy.remove(epoch))) {
      return;
    }
    this.#drop();
    this.#release?.resolve();
    this.#release = undefined;
    this.#failures.clear();
    if (!this.#isEntered) {
      this.#options.reporter.healed();
    }
    if (this.#ending === 'disposing') {
      this.#end('withdrawn');
    }
    this.#loop.wake();
  }

  /** Lets go of our entry and its watches. */
  #drop(): void {
    this.#claims.end();
    this.#candidacy?.forget();
    this.#candidacy = undefined;
  }

  get #takesPart(): boolean {
    return this.#isEntered && !this.#isAway;
  }

  get #mayAct(): boolean {
    return this.#takesPart && !this.#release && !this.#pause;
  }

  /** Whether the world is still the one that a step has looked at. */
  #isCurrent(view: View): boolean {
    const candidacy = this.#candidacy;
    return (
      !this.#release &&
      candidacy?.view === view &&
      candidacy.isCurrent(view.epoch)
    );
  }

  #newCandidacy(sessionId: string): Candidacy {
    this.#claims.end();
    if (this.#prefix?.sessionId !== sessionId) {
      this.#prefix = {
        sessionId,
        prefix: nodePrefix(
          randomUUID(),
          this.#options.priority,
          this.#options.favourite$ && sessionId,
        ),
      };
    }
    const candidacy = new Candidacy({
      client: this.#client,
      lease: this.#lease,
      queue: this.#queue,
      sessionId,
      prefix: this.#prefix.prefix,
      strays: this.#strays,
      onChange: () => this.#loop.wake(),
      onGone: () => {
        // Somebody else has removed our node. We queue again.
        if (this.#candidacy === candidacy) {
          this.#drop();
          this.#state.depose('node-deleted');
          this.#loop.wake();
        }
      },
    });
    return candidacy;
  }
}
