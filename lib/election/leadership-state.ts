import { BehaviorSubject, Subscription, type Observable } from 'rxjs';
import { LeaderElectionError, LeadershipLostError } from './election.error.js';
import type {
  Leadership,
  LeadershipReason,
  LeadershipTerm,
  Participant,
  WaitForLeadershipOptions,
} from './leadership.interface.js';

interface RunningTerm {
  readonly term: LeadershipTerm;
  end(reason: LeadershipReason): void;
}

/**
 * Begins a term. Its signal is made when somebody asks for it: in most terms
 * nobody does, and it is the dearest part of a hand-over that happens here.
 */
function beginTerm(fields: Omit<LeadershipTerm, 'signal'>): RunningTerm {
  let abort: AbortController | undefined;
  let endReason: LeadershipReason | undefined;
  const end = (reason: LeadershipReason): void => {
    endReason = reason;
    abort?.abort(new LeadershipLostError(fields.election, reason));
  };
  const term = Object.freeze<LeadershipTerm>({
    election: fields.election,
    instanceId: fields.instanceId,
    fencingToken: fields.fencingToken,
    since: fields.since,
    get signal() {
      if (!abort) {
        abort = new AbortController();
        if (endReason) {
          end(endReason);
        }
      }
      return abort.signal;
    },
  });
  return { term, end };
}

/** What a timer can be set to. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Calls `act` after a time of any length; returns what prevents that. */
function after(ms: number, act: () => void): () => void {
  if (ms === Infinity) {
    return () => undefined;
  }
  const endMs = performance.now() + ms;
  let timer: NodeJS.Timeout | undefined;
  const wait = (): void => {
    const remainingMs = endMs - performance.now();
    timer =
      remainingMs > LONGEST_TIMER_MS
        ? setTimeout(wait, LONGEST_TIMER_MS)
        : setTimeout(act, remainingMs);
  };
  wait();
  return () => clearTimeout(timer);
}

/**
 * The state of one election as this instance sees it: one immutable
 * {@link Leadership} at a time, changed by three transitions. Every term ends
 * before the next one begins.
 */
export class LeadershipState {
  readonly #election: string;
  readonly #instanceId: string;
  readonly #changes: BehaviorSubject<Leadership>;
  /** Emissions that wait for their turn, see {@link #publish}. */
  readonly #queue: Leadership[] = [];
  #isPublishing = false;
  #isComplete = false;
  #current: Leadership;
  #runningTerm: RunningTerm | undefined;

  constructor(election: string, instanceId: string, reason: LeadershipReason) {
    this.#election = election;
    this.#instanceId = instanceId;
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

  /** Begins a term, unless one is running. */
  lead(fencingToken: number, reason: 'elected' | 'standalone'): void {
    if (this.isLeading || this.#isComplete) {
      return;
    }
    const since = new Date();
    this.#runningTerm = beginTerm({
      election: this.#election,
      instanceId: this.#instanceId,
      fencingToken,
      since,
    });
    this.#change({
      role: 'leader',
      election: this.#election,
      reason,
      since,
      term: this.#runningTerm.term,
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

  /** See {@link LeaderElection.waitForLeadership}. */
  async waitForTerm(
    isLeader: () => boolean,
    { signal, timeoutMs }: WaitForLeadershipOptions = {},
  ): Promise<LeadershipTerm> {
    signal?.throwIfAborted();
    if (timeoutMs !== undefined && !(timeoutMs >= 0)) {
      throw new TypeError(
        `waitForLeadership: timeoutMs must be a number of milliseconds, got ${timeoutMs}`,
      );
    }
    return new Promise((resolve, reject) => {
      // Everything that has to be undone, at once if it is over already.
      const waiting = new Subscription();
      const settle = (act: () => void): void => {
        waiting.unsubscribe();
        act();
      };
      if (signal) {
        const onAbort = (): void => settle(() => reject(signal.reason));
        signal.addEventListener('abort', onAbort, { once: true });
        waiting.add(() => signal.removeEventListener('abort', onAbort));
      }
      if (timeoutMs !== undefined) {
        waiting.add(
          after(timeoutMs, () =>
            settle(() => reject(this.#timeoutError(timeoutMs))),
          ),
        );
      }
      waiting.add(
        this.#changes.subscribe({
          next: (leadership) => {
            if (leadership.role === 'leader' && isLeader()) {
              settle(() => resolve(leadership.term));
            } else if (leadership.reason === 'disabled') {
              settle(() => reject(this.#endError('DISABLED')));
            }
          },
          complete: () => settle(() => reject(this.#endError('CLOSED'))),
        }),
      );
    });
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
    endedTerm?.end(leadership.reason);
    this.#publish(leadership);
  }

  /**
   * Emits changes in order, also when a subscriber changes the state while it
   * handles a change: all subscribers get the first change before the second.
   */
  #publish(leadership: Leadership): void {
    if (this.#isPublishing) {
      this.#queue.push(leadership);
      return;
    }
    this.#isPublishing = true;
    let next: Leadership | undefined = leadership;
    for (; next; next = this.#queue.shift()) {
      this.#changes.next(next);
    }
    this.#isPublishing = false;
    if (this.#isComplete) {
      this.#changes.complete();
    }
  }

  #timeoutError(timeoutMs: number): LeaderElectionError {
    return new LeaderElectionError(
      'TIMEOUT',
      `This instance did not become the leader of the election ` +
        `"${this.#election}" within ${timeoutMs} ms`,
    );
  }

  #endError(code: 'CLOSED' | 'DISABLED'): LeaderElectionError {
    return new LeaderElectionError(
      code,
      code === 'CLOSED'
        ? `The election "${this.#election}" has ended: the application is closing, ` +
            'or the election has been disposed of'
        : `This instance never takes part in the election ` +
            `"${this.#election}": the module is configured with enabled: false`,
    );
  }
}
