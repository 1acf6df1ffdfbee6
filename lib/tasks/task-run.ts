import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { types } from 'node:util';
import type { LeadershipTerm } from '../election/leadership.interface.js';
import { sharedRegistry } from '../shared-registry.js';
import type { LeaderTaskError } from './leader-task.error.js';
import type { RunEventDetails, RunTrigger } from './task-events.js';

/**
 * The run of a leader task in which a piece of code is called.
 *
 * @publicApi
 */
export interface LeaderTaskContext {
  /** Name of the task. */
  readonly task: string;
  /** Name of the election, or of the partition. */
  readonly election: string;
  /** Number of the partition that the run is for; 0 without the option `partitions`. */
  readonly partition: number;
  /** How many partitions the task has; 1 without the option `partitions`. */
  readonly partitions: number;
  /** The same in all events of this run and in its ledger. */
  readonly runId: string;
  /**
   * The scheduled time of this run, the same in all instances whatever their
   * clocks say: a key for whatever must exist once per tick. Undefined for runs
   * that no schedule has asked for.
   */
  readonly tick: Date | undefined;
  /**
   * Token of the term in which the run began, for resources that refuse the late
   * writes of a former leader. 0, less than any token, in a manual run of an
   * instance that does not lead.
   */
  readonly fencingToken: number;
  /**
   * Aborts with a {@link LeadershipLostError} when that term ends, and with a
   * {@link LeaderTaskError} `TIME_LIMIT` when the option `timeLimitMs` says so; its
   * `reason` tells which. After the end of the run it says nothing any more: await
   * what belongs to the run.
   */
  readonly signal: AbortSignal;
  /** 1, and one more for each retry, and for each rerun of a tick. */
  readonly attempt: number;
  /** What made the task run. */
  readonly trigger: RunTrigger;
}

/** The partition that a task is for. */
export interface TaskPartition {
  readonly partition: number;
  readonly partitions: number;
}

/** What a run needs of its task. */
export interface TaskRunOwner {
  readonly task: string;
  readonly electionName: string;
  /** Undefined: the task has no partitions. */
  readonly partition: TaskPartition | undefined;
  /** The tick of a run that no ledger has counted, when somebody asks. */
  tickAt(timeMs: number): number | undefined;
}

/** What is known of a run before it begins. */
export interface TaskRunDetails {
  readonly id?: string;
  readonly tick?: number;
  readonly attempt?: number;
  readonly requestedBy?: string;
}

/**
 * One run of a task, from its start to its end, with all its retries. Made for
 * every guarded call on the leader: what is rarely used is made when asked for.
 */
export class TaskRun implements LeaderTaskContext {
  readonly owner: TaskRunOwner;
  /** The term that it runs in; none in a manual run of a follower. */
  readonly term: LeadershipTerm | undefined;
  readonly trigger: RunTrigger;
  /** When it was called for, by the wall clock. */
  readonly startedAtMs: number;
  readonly requestedBy: string | undefined;
  /** Whether a ledger knows of it. */
  readonly isRecorded: boolean;
  attempt: number;
  /** `decided`: the call that performs it is still on its way to the guard. */
  state: 'decided' | 'live' | 'ended' = 'decided';
  /** Whether the end of its term has been reported. */
  isAbortReported = false;
  /** Set when the present try has reached its time limit. */
  timeout: LeaderTaskError | undefined;
  /** The end of a method that goes on after the run has been given up. */
  goesOn: Promise<unknown> | undefined;
  #id: string | undefined;
  #tick: number | undefined;
  #abort: AbortController | undefined;

  constructor(
    owner: TaskRunOwner,
    term: LeadershipTerm | undefined,
    trigger: RunTrigger,
    startedAtMs: number,
    details?: TaskRunDetails,
  ) {
    this.owner = owner;
    this.term = term;
    this.trigger = trigger;
    this.startedAtMs = startedAtMs;
    this.#id = details?.id;
    this.#tick = details?.tick;
    this.isRecorded = details?.id !== undefined;
    this.attempt = details?.attempt ?? 1;
    this.requestedBy = details?.requestedBy;
  }

  get task(): string {
    return this.owner.task;
  }

  get election(): string {
    return this.owner.electionName;
  }

  get partition(): number {
    return this.owner.partition?.partition ?? 0;
  }

  get partitions(): number {
    return this.owner.partition?.partitions ?? 1;
  }

  get runId(): string {
    return (this.#id ??= randomUUID());
  }

  get fencingToken(): number {
    return this.term?.fencingToken ?? 0;
  }

  get tick(): Date | undefined {
    if (this.#tick === undefined && this.trigger === 'call') {
      this.#tick = this.owner.tickAt(this.startedAtMs);
    }
    return this.#tick === undefined ? undefined : new Date(this.#tick);
  }

  /**
   * A signal of the run's own, which the task aborts. After the end of the run
   * nobody would: then it is the term's.
   */
  get signal(): AbortSignal {
    if (this.state === 'ended' && !this.#abort && this.term) {
      return this.term.signal;
    }
    this.#abort ??= new AbortController();
    const { signal } = this.#abort;
    if (this.term?.signal.aborted && !signal.aborted) {
      this.#abort.abort(this.term.signal.reason);
    }
    return signal;
  }

  /** Whether leadership has ended under the run. */
  get isAborted(): boolean {
    return this.term?.signal.aborted ?? this.#abort?.signal.aborted ?? false;
  }

  abort(reason: unknown): void {
    void this.signal;
    this.#abort?.abort(reason);
  }

  /** Another try: the signal of the one before may have aborted. */
  beginTry(): void {
    if (this.#abort?.signal.aborted) {
      this.#abort = undefined;
    }
    this.timeout = undefined;
  }

  describe(): RunEventDetails {
    const { runId, tick, fencingToken, attempt, trigger, requestedBy } = this;
    return {
      runId,
      ...(tick && { tick }),
      fencingToken,
      attempt,
      trigger,
      ...(requestedBy !== undefined && { requestedBy }),
    };
  }
}

/** Shared by both builds: either finds the runs of the other. */
export const runStorage = sharedRegistry(
  'current-run',
  () => new AsyncLocalStorage<TaskRun>(),
);

/**
 * The run of a leader task from which this is called, however deep; undefined
 * outside of any.
 *
 * @example
 * ```ts
 * @Cron('0 2 * * *')
 * @OnlyLeader()
 * async sendInvoices(): Promise<void> {
 *   for (const invoice of await this.invoices.due()) {
 *     currentLeaderTask()?.signal.throwIfAborted();
 *     await this.mailer.send(invoice);
 *   }
 * }
 * ```
 *
 * @publicApi
 */
export function currentLeaderTask(): LeaderTaskContext | undefined {
  return runStorage.getStore();
}

/**
 * Whether it is a promise of Node.js itself, from any realm. Others are results
 * like any other: what they do when they are looked at is not known.
 */
export function isPromise(value: unknown): value is Promise<unknown> {
  // The question costs more than most of a guarded call.
  return typeof value === 'object' && value !== null && types.isPromise(value);
}
