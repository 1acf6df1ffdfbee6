import { type Observable, map } from 'rxjs';
import type {
  OnlyLeaderFunction,
  OnlyLeaderOptions,
} from '../interfaces/leader-task-options.interface.js';
import { LeaderElection } from './leader-election.js';
import type { ElectionParts } from './managed-election.js';
import { LeadershipState } from './leadership-state.js';
import type {
  Leadership,
  LeadershipReason,
  LeadershipTerm,
  Participant,
  WaitForLeadershipOptions,
} from './leadership.interface.js';

/** Below every token that ZooKeeper gives, and exact as a number. */
const FIRST_TOKEN = -(2 ** 52);
let lastToken = FIRST_TOKEN;

/**
 * Grows from term to term, also across restarts, because time does. Negative: a
 * resource that has been fenced here refuses nothing once there is ZooKeeper.
 */
function nextStandaloneToken(): number {
  lastToken = Math.max(lastToken + 1, FIRST_TOKEN + Date.now());
  return lastToken;
}

/** An election without ZooKeeper, which this instance always wins. */
export class StandaloneElection extends LeaderElection {
  readonly #state: LeadershipState;
  readonly #joinedAt = new Date();
  readonly #parts: ElectionParts;
  #isEntered = false;

  constructor(parts: ElectionParts) {
    super();
    const { instanceId } = parts.identity;
    this.#parts = parts;
    this.#state = new LeadershipState(parts.name, instanceId, 'starting');
  }

  get name(): string {
    return this.#parts.name;
  }

  get instanceId(): string {
    return this.#parts.identity.instanceId;
  }

  get leadership(): Leadership {
    return this.#state.current;
  }

  get leadership$(): Observable<Leadership> {
    return this.#state.changes$;
  }

  get leader$(): Observable<Participant | undefined> {
    return this.#state.changes$.pipe(map(() => this.#participant()));
  }

  get sightings$(): Observable<Participant | undefined> {
    return this.leader$;
  }

  isLeader(): boolean {
    return this.#state.isLeading;
  }

  leadsAtMs(): number | undefined {
    return this.#state.isLeading ? Date.now() : undefined;
  }

  revalidate(): Promise<boolean> {
    return Promise.resolve(this.isLeader());
  }

  confirm(): Promise<boolean> {
    return this.revalidate();
  }

  participants(): Promise<Participant[]> {
    const participant = this.#participant();
    return Promise.resolve(participant ? [participant] : []);
  }

  waitForLeadership(
    options?: WaitForLeadershipOptions,
  ): Promise<LeadershipTerm> {
    this.#parts.onAwaited();
    return this.#state.waitForTerm(() => this.isLeader(), options);
  }

  enter(): void {
    if (!this.#isEntered) {
      this.#isEntered = true;
      this.#state.lead(nextStandaloneToken(), 'standalone');
    }
  }

  /** There is nobody else: the term ends and the next one begins. */
  async resign(): Promise<void> {
    if (this.#state.isLeading) {
      this.#state.follow('resigned');
      await this.#parts.drain(this.name);
      if (this.#isEntered) {
        this.#state.lead(nextStandaloneToken(), 'standalone');
      }
    }
  }

  async withdraw(): Promise<void> {
    if (this.#isEntered) {
      this.#isEntered = false;
      this.#state.idle('withdrawn');
      await this.#parts.drain(this.name);
    }
  }

  shutDown(): Promise<void> {
    return this.#end('shutdown');
  }

  dispose(): Promise<void> {
    return this.#end('withdrawn');
  }

  onlyLeader<Args extends unknown[], Result>(
    fn: (...args: Args) => Result,
    options: OnlyLeaderOptions = {},
  ): OnlyLeaderFunction<Args, Result> {
    return this.#parts.guard(this, fn, options);
  }

  async #end(reason: LeadershipReason): Promise<void> {
    this.#isEntered = false;
    this.#state.idle(reason);
    await this.#parts.drain(this.name);
    this.#state.complete(reason);
  }

  #participant(): Participant | undefined {
    const { current } = this.#state;
    return current.role === 'leader'
      ? {
          node: this.name,
          ...this.#parts.identity,
          fencingToken: current.term.fencingToken,
          joinedAt: this.#joinedAt,
          leaderSince: current.since,
        }
      : undefined;
  }
}
