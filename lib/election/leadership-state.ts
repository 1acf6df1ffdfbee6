import { BehaviorSubject, type Observable } from 'rxjs';
import { LeadershipLostError } from './election.error.js';
import type {
  Leadership,
  LeadershipReason,
  LeadershipTerm,
  Participant,
} from './leadership.interface.js';

/**
 * A term. Its signal is made when somebody asks for it: in most terms nobody does,
 * and it is the dearest part of a hand-over that happens here. It is a property of
 * its own: copies of a term (`{ ...term }`) have it, too.
 */
class Term implements LeadershipTerm {
  readonly election: string;
  readonly instanceId: string;
  readonly fencingToken: number;
  readonly since: Date;
  declare readonly signal: AbortSignal;
  #abort: AbortController | undefined;
  #endReason: LeadershipReason | undefined;

  /** One for all terms, which then have the same shape. */
  static readonly #signal: PropertyDescriptor & ThisType<Term> = {
    enumerable: true,
    get() {
      if (!this.#abort) {
        this.#abort = new AbortController();
        if (this.#endReason) {
          Term.end(this, this.#endReason);
        }
      }
      return this.#abort.signal;
    },
  };

  constructor(
    election: string,
    instanceId: string,
    fencingToken: number,
    since: Date,
  ) {
    this.election = election;
    this.instanceId = instanceId;
    this.fencingToken = fencingToken;
    this.since = since;
    Object.defineProperty(this, 'signal', Term.#signal);
    Object.freeze(this);
  }

  static end(term: Term, reason: LeadershipReason): void {
    term.#endReason = reason;
    term.#abort?.abort(new LeadershipLostError(term.election, reason));
  }
}

/** What a term rests on, besides that it has begun. */
export interface TermProof {
  /** The wall-clock time, if it holds at this very moment. */
  validAtMs(): number | undefined;
  /** Gets it again where it can be had, within a bound. */
  renewWithinBound?(): Promise<unknown>;
}

const ALWAYS: TermProof = { validAtMs: () => Date.now() };

/**
 * The state of one election as this instance sees it: one immutable
 * {@link Leadership} at a time, changed by three transitions. Every term ends
 * before the next one begins.
 */
export class LeadershipState {
  readonly #election: string;
  readonly #instanceId: string;
  readonly #proof: TermProof;
  readonly #changes: BehaviorSubject<Leadership>;
  /** Emissions that wait for their turn, see {@link #publish}. */
  readonly #queue: Leadership[] = [];
  #isPublishing = false;
  #isComplete = false;
  #current: Leadership;
  #runningTerm: Term | undefined;

  constructor(
    election: string,
    instanceId: string,
    reason: LeadershipReason = 'starting',
    proof: TermProof = ALWAYS,
  ) {
    this.#election = election;
    this.#instanceId = instanceId;
    this.#proof = proof;
    this.#current = Object.freeze<Leadership>({
      role: 'idle',
      election,
      reason,
      since: new Date(),
    });
    this.#changes = new BehaviorSubject<Leadership>(this.#current);
  }

  get current(): Leadership {
    return this.#current;
  }

  get changes$(): Observable<Leadership> {
    return this.#changes;
  }

  /** Whether a term is running, by the last transition. */
  get isLeading(): boolean {
    return this.#runningTerm !== undefined;
  }

  /** See {@link LeaderElection.isLeader}. */
  isLeader(): boolean {
    return this.leadsAtMs() !== undefined;
  }

  /** See {@link ManagedElection.leadsAtMs}. */
  leadsAtMs(): number | undefined {
    return this.isLeading ? this.#proof.validAtMs() : undefined;
  }

  /**
   * Whether this instance leads; where that depends on a heartbeat that could
   * not be sent in time, as after a stall, after waiting for a fresh one.
   */
  async revalidate(): Promise<boolean> {
    if (this.isLeading && !this.isLeader()) {
      await this.#proof.renewWithinBound?.();
    }
    return this.isLeader();
  }

  /** Begins a term, unless one is running. */
  lead(fencingToken: number, reason: 'elected' | 'standalone'): void {
    if (this.isLeading || this.#isComplete) {
      return;
    }
    const since = new Date();
    this.#runningTerm = new Term(
      this.#election,
      this.#instanceId,
      fencingToken,
      since,
    );
    this.#change({
      role: 'leader',
      election: this.#election,
      reason,
      since,
      term: this.#runningTerm,
    });
  }

  /** Waits for its turn, behind `leader` if that is known. */
  follow(reason: LeadershipReason, leader?: Participant): void {
    const { current } = this;
    const isSame =
      current.role === 'follower' && current.leader?.node === leader?.node;
    if (!isSame) {
      this.#change({
        role: 'follower',
        election: this.#election,
        reason,
        since: new Date(),
        ...(leader && { leader }),
      });
    }
  }

  /** Ends the term, if one is running. */
  depose(reason: LeadershipReason): void {
    if (this.isLeading) {
      this.follow(reason);
    }
  }

  /** Takes no part. */
  idle(reason: LeadershipReason): void {
    if (this.current.role !== 'idle' || this.current.reason !== reason) {
      this.#change({
        role: 'idle',
        election: this.#election,
        reason,
        since: new Date(),
      });
    }
  }

  /** Nothing changes any more. */
  complete(reason: LeadershipReason): void {
    if (!this.#isComplete) {
      this.idle(reason);
      this.#isComplete = true;
      if (!this.#isPublishing) {
        this.#changes.complete();
      }
    }
  }

  #change(leadership: Leadership): void {
    if (this.#isComplete) {
      return;
    }
    const endedTerm =
      leadership.role === 'leader' ? undefined : this.#runningTerm;
    if (endedTerm) {
      this.#runningTerm = undefined;
    }
    this.#current = Object.freeze(leadership);
    // Before the signal aborts: who hears that may change the state again.
    this.#queue.push(leadership);
    if (endedTerm) {
      Term.end(endedTerm, leadership.reason);
    }
    this.#publish();
  }

  /**
   * Emits changes in order, also when a subscriber changes the state while it
   * handles a change: all subscribers get the first change before the second.
   */
  #publish(): void {
    if (this.#isPublishing) {
      return;
    }
    this.#isPublishing = true;
    for (let next = this.#queue.shift(); next; next = this.#queue.shift()) {
      this.#changes.next(next);
    }
    this.#isPublishing = false;
    if (this.#isComplete) {
      this.#changes.complete();
    }
  }
}
