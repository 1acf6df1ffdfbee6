import type { Observable } from 'rxjs';
import { LeaderElection } from '../election/leader-election.js';
import {
  plainGuard,
  type Drain,
  type ElectionParts,
  type GuardFunction,
  type ManagedElection,
} from '../election/managed-election.js';
import { LeadershipState } from '../election/leadership-state.js';
import { waitForTerm } from '../election/wait-for-term.js';
import type {
  Leadership,
  LeadershipReason,
  LeadershipTerm,
  Participant,
  WaitForLeadershipOptions,
} from '../election/leadership.interface.js';
import type {
  OnlyLeaderFunction,
  OnlyLeaderOptions,
} from '../interfaces/leader-task-options.interface.js';
import { DEFAULT_ELECTION } from '../zookeeper-leader.constants.js';
import {
  FakeContest,
  type Contestant,
  type FakeCluster,
} from './fake-cluster.js';

/**
 * Options of a {@link FakeLeaderElection} that is made with `new`.
 *
 * @publicApi
 */
export interface FakeLeaderElectionOptions {
  /** Name of the election; default `default`. */
  readonly name?: string;
  /** Id of this instance; default `test`. */
  readonly instanceId?: string;
  /** Others to elect among; without it, a test says who leads. */
  readonly cluster?: FakeCluster;
}

/** Reasons after which an instance takes no part, rather than wait. */
const IDLE_REASONS: ReadonlySet<LeadershipReason> = new Set([
  'session-lost',
  'withdrawn',
  'disabled',
  'shutdown',
]);

/**
 * An election without ZooKeeper whose leader the test decides. Everything else,
 * the terms, their signals and tokens, the order of what is emitted, is that of a
 * real election.
 *
 * @example
 * ```ts
 * const election = new FakeLeaderElection();
 * const importer = new Importer(election);
 * election.elect();
 * expect(importer.isRunning).toBe(true);
 * election.depose('lease-expired');
 * expect(importer.isRunning).toBe(false);
 * ```
 *
 * @publicApi
 */
export class FakeLeaderElection
  extends LeaderElection
  implements ManagedElection, Contestant
{
  readonly name: string;
  readonly instanceId: string;
  readonly #state: LeadershipState;
  readonly #contest: FakeContest;
  readonly #drain: Drain;
  readonly #guard: GuardFunction;
  readonly #onAwaited: (() => void) | undefined;
  readonly #beforeChange: () => void;
  readonly #joinedAt = new Date();
  #node: string;
  #isSuspended = false;
  #isEntered = false;

  /**
   * @param parts for the library's own use
   */
  constructor(
    options: FakeLeaderElectionOptions = {},
    parts: Partial<ElectionParts> = {},
    beforeChange: () => void = () => undefined,
  ) {
    super();
    this.name = options.name ?? DEFAULT_ELECTION;
    this.instanceId = options.instanceId ?? 'test';
    this.#state = new LeadershipState(this.name, this.instanceId, 'starting', {
      validAtMs: () => (this.#isSuspended ? undefined : Date.now()),
    });
    this.#contest =
      options.cluster?.contest(this.name) ?? new FakeContest(false);
    this.#node = this.#contest.newNode();
    this.#drain = parts.drain ?? (async () => undefined);
    this.#guard = parts.guard ?? plainGuard;
    this.#onAwaited = parts.onAwaited;
    this.#beforeChange = beforeChange;
  }

  get leadership(): Leadership {
    return this.#state.current;
  }

  get leadership$(): Observable<Leadership> {
    return this.#state.changes$;
  }

  get leader$(): Observable<Participant | undefined> {
    return this.#contest.leader$;
  }

  /** @internal */
  get sightings$(): Observable<Participant | undefined> {
    return this.#contest.leader$;
  }

  /** @internal */
  get participant(): Participant {
    const { current } = this.#state;
    return Object.freeze({
      node: this.#node,
      instanceId: this.instanceId,
      host: 'localhost',
      pid: process.pid,
      fencingToken:
        current.role === 'leader'
          ? current.term.fencingToken
          : this.#contest.nextToken,
      joinedAt: this.#joinedAt,
      ...(current.role === 'leader' && { leaderSince: current.since }),
    });
  }

  /**
   * Makes this instance the leader, at once, and takes the leadership from the
   * instance of the cluster that has it. Does nothing if it leads already.
   */
  elect(): void {
    this.#beforeChange();
    this.begin();
  }

  /**
   * Ends the leadership, at once and without asking, as ZooKeeper would; the
   * next one of the cluster leads. Does nothing if this instance does not lead.
   *
   * @param reason what the `reason` of {@link Leadership} says, default `session-lost`
   */
  depose(reason: LeadershipReason = 'session-lost'): void {
    this.#beforeChange();
    if (this.#state.isLeading) {
      this.#contest.vacate(this);
      this.lose(reason);
      this.#contest.leave(this);
      if (IDLE_REASONS.has(reason)) {
        this.#isEntered = false;
      } else {
        this.#queue();
      }
    }
  }

  /**
   * Takes the proof of leadership away, as when a process has been paused:
   * `leadership.role` is still `leader`, but `isLeader()` is false and no task
   * runs. {@link resume} gives the proof back, {@link depose} makes an end of it.
   */
  suspend(): void {
    this.#beforeChange();
    this.#isSuspended = true;
  }

  /** Ends {@link suspend}: a heartbeat has been acknowledged. */
  resume(): void {
    this.#isSuspended = false;
  }

  isLeader(): boolean {
    return this.#state.isLeader();
  }

  /** @internal */
  leadsAtMs(): number | undefined {
    return this.#state.leadsAtMs();
  }

  /** @internal */
  revalidate(): Promise<boolean> {
    return this.#state.revalidate();
  }

  /** @internal */
  confirm(): Promise<boolean> {
    return this.revalidate();
  }

  participants(): Promise<Participant[]> {
    return Promise.resolve(this.#contest.participants);
  }

  waitForLeadership(
    options?: WaitForLeadershipOptions,
  ): Promise<LeadershipTerm> {
    this.#onAwaited?.();
    return waitForTerm(this.#state, options);
  }

  async resign(): Promise<void> {
    this.#beforeChange();
    if (this.#state.isLeading) {
      this.#contest.vacate(this);
      this.#state.follow('resigned');
      await this.#drain(this.name);
      this.#contest.leave(this);
      if (this.#isEntered) {
        this.#queue();
      }
    }
  }

  async withdraw(): Promise<void> {
    await this.#end('withdrawn');
  }

  enter(): void {
    if (!this.#isEntered) {
      this.#isEntered = true;
      this.#queue();
    }
  }

  onlyLeader<Args extends unknown[], Result>(
    fn: (...args: Args) => Result,
    options: OnlyLeaderOptions = {},
  ): OnlyLeaderFunction<Args, Result> {
    return this.#guard(this, fn, options);
  }

  /** @internal */
  async shutDown(): Promise<void> {
    await this.#end('shutdown');
    this.#state.complete('shutdown');
  }

  /** @internal */
  async dispose(): Promise<void> {
    await this.#end('withdrawn');
    this.#state.complete('withdrawn');
  }

  /**
   * {@link elect}, also while the application is still being made.
   *
   * @internal
   */
  begin(): void {
    this.#isEntered = true;
    this.#isSuspended = false;
    this.#contest.elect(this);
  }

  /** @internal */
  lead(fencingToken: number): void {
    this.#isSuspended = false;
    this.#state.lead(fencingToken, 'elected');
  }

  /** @internal */
  lose(reason: LeadershipReason): void {
    if (IDLE_REASONS.has(reason)) {
      this.#state.idle(reason);
    } else {
      this.#state.follow(reason);
    }
  }

  #queue(): void {
    this.#node = this.#contest.newNode();
    if (!this.#state.isLeading) {
      this.#state.follow('waiting');
    }
    this.#contest.enter(this);
  }

  async #end(reason: 'withdrawn' | 'shutdown'): Promise<void> {
    this.#isEntered = false;
    this.#contest.vacate(this);
    this.#state.idle(reason);
    await this.#drain(this.name);
    this.#contest.leave(this);
  }
}
