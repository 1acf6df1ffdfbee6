import type { LeadershipTerm } from '../election/leadership.interface.js';
import type { LeaderTaskContext } from './current-leader-task.js';
import type { RunTrigger } from './leader-task-event.interface.js';

export type RunOutcome = 'finished' | 'failed' | 'aborted';

/** What the tasks need to know to make a run. */
export interface TaskRunSource {
  readonly task: string;
  readonly electionName: string;
  /** Finds the tick of a run that no ledger has counted, if it is asked for. */
  tickAt(timeMs: number): number | undefined;
}

/**
 * One run of a task, from its start to its end, with all its retries. Made for
 * every guarded call on the leader, so what is rarely used is made when asked for.
 */
export class TaskRun implements LeaderTaskContext {
  /** When it was called for, by the wall clock. */
  readonly startedAtMs: number;
  attempt: number;
  /** Its name in the ledger. */
  readonly id: string | undefined;
  readonly trigger: RunTrigger;
  /** The term that it runs in; none in a manual run of a follower. */
  readonly term: LeadershipTerm | undefined;
  readonly #source: TaskRunSource;
  #tickMs: number | undefined;
  #abort: AbortController | undefined;
  #hasEnded = false;
  #onTermEnd: (() => void) | undefined;

  constructor(
    source: TaskRunSource,
    term: LeadershipTerm | undefined,
    trigger: RunTrigger,
    startedAtMs: number,
    claimed?: { id: string; tickMs: number; attempt: number },
  ) {
    this.#source = source;
    this.term = term;
    this.trigger = trigger;
    this.startedAtMs = startedAtMs;
    this.id = claimed?.id;
    this.#tickMs = claimed?.tickMs;
    this.attempt = claimed?.attempt ?? 1;
  }

  get task(): string {
    return this.#source.task;
  }

  get election(): string {
    return this.#source.electionName;
  }

  get fencingToken(): number {
    return this.term?.fencingToken ?? 0;
  }

  get tick(): Date | undefined {
    if (this.#tickMs === undefined && this.trigger === 'call') {
      this.#tickMs = this.#source.tickAt(this.startedAtMs);
    }
    return this.#tickMs === undefined ? undefined : new Date(this.#tickMs);
  }

  /**
   * A signal of the run's own: what listens to it goes with the run, where a
   * term may last for months. After the end of the run nothing would let go of
   * the term any more: then it is the term's own.
   */
  get signal(): AbortSignal {
    if (this.#hasEnded && !this.#abort && this.term) {
      return this.term.signal;
    }
    if (!this.#abort) {
      const abort = new AbortController();
      this.#abort = abort;
      const signal = this.term?.signal;
      if (signal?.aborted) {
        abort.abort(signal.reason);
      } else if (signal) {
        this.#onTermEnd = () => abort.abort(signal.reason);
        signal.addEventListener('abort', this.#onTermEnd);
      }
    }
    return this.#abort.signal;
  }

  /** Whether leadership has ended under the run. */
  get isAborted(): boolean {
    return this.term?.signal.aborted ?? this.#abort?.signal.aborted ?? false;
  }

  /** For a run without a term, which ends with the application. */
  abort(reason: unknown): void {
    void this.signal;
    this.#abort?.abort(reason);
  }

  /** Lets go of the term. */
  end(): void {
    this.#hasEnded = true;
    if (this.#onTermEnd) {
      this.term?.signal.removeEventListener('abort', this.#onTermEnd);
    }
  }
}
