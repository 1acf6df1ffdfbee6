import { channel } from 'node:diagnostics_channel';
import { Subject, type Observable } from 'rxjs';
import type { LeadershipReason } from '../election/leadership.interface.js';
import type {
  LeaderTaskCounts,
  RunTrigger,
  SkipReason,
  TaskPause,
} from './leader-task-info.interface.js';

interface TaskEventBase {
  /** Name of the task. */
  readonly task: string;
  /** Name of the election. */
  readonly election: string;
  /** This instance. */
  readonly instanceId: string;
  /** When it happened, by this instance's wall clock. */
  readonly at: Date;
}

/** What all events of one run have in common. */
export interface RunEventDetails {
  /** The same in all events of a run, in its ledger, and for its method. */
  readonly runId: string;
  /** The tick that is run, where there is one. */
  readonly tick?: Date;
  readonly fencingToken: number;
  readonly attempt: number;
  readonly trigger: RunTrigger;
  /** Who asked for the run; only with the trigger `requested`. */
  readonly requestedBy?: string;
}

type RunEventBase = TaskEventBase & RunEventDetails;

/**
 * A call that did nothing.
 *
 * @publicApi
 */
export interface SkippedTask extends TaskEventBase {
  readonly type: 'skipped';
  readonly reason: SkipReason;
  /** The tick that is not run, where it is known. */
  readonly tick?: Date;
  /** What was wrong with the ledger. */
  readonly error?: unknown;
  /** Who paused the task, when and why. */
  readonly pause?: TaskPause;
}

/**
 * What happens to leader tasks, as `LeaderTasks.events$` emits it and as the
 * `node:diagnostics_channel` channel `nestjs-zookeeper-leader:task` publishes it:
 *
 * - `started`, `finished`, `failed`: of each try of a run;
 * - `skipped`: a call did nothing;
 * - `missed`: the ticks from `tick` to `lastTick` are not run by anybody;
 *   `count` stops at 100;
 * - `interrupted`: a run was found that began and never ended;
 * - `aborted`: leadership ended while a run goes on; its signal has aborted;
 * - `overran`: a run still goes on, `drainTimeoutMs` after its signal aborted.
 *
 * @publicApi
 */
export type LeaderTaskEvent =
  | SkippedTask
  | (RunEventBase & { readonly type: 'started' })
  | (RunEventBase & { readonly type: 'finished'; readonly durationMs: number })
  | (RunEventBase & {
      readonly type: 'failed';
      readonly durationMs: number;
      readonly error: unknown;
      /** Whether the run is tried again (option `retry`). */
      readonly willRetry: boolean;
      /** Whether it took longer than `timeLimitMs`. */
      readonly timedOut: boolean;
    })
  | (TaskEventBase & {
      readonly type: 'missed';
      readonly tick: Date;
      readonly lastTick: Date;
      readonly count: number;
    })
  | (TaskEventBase & {
      readonly type: 'interrupted';
      /** Of the run that was interrupted. */
      readonly runId: string;
      readonly tick: Date;
      /** The instance that had begun the run. */
      readonly interruptedInstanceId: string;
      readonly attempt: number;
      readonly willRerun: boolean;
    })
  | (RunEventBase & {
      readonly type: 'aborted';
      /** What ended the leadership. */
      readonly reason: LeadershipReason;
    })
  | (RunEventBase & { readonly type: 'overran' });

/** Without those members that all events of a task have in common. */
export type TaskEventDetails = LeaderTaskEvent extends infer E
  ? E extends LeaderTaskEvent
    ? Omit<E, keyof TaskEventBase>
    : never
  : never;

/** What every event is published on, for observers of the process. */
export const TASK_CHANNEL = channel('nestjs-zookeeper-leader:task');

/** Calls the method of a run in a context of its own, such as that of a span. */
export type RunActivator = (runId: string, call: () => unknown) => unknown;

/** The events of an application's tasks. */
export class TaskEvents {
  /** Set by who wants runs to happen in a context. */
  activate: RunActivator | undefined;
  readonly #events = new Subject<LeaderTaskEvent>();
  readonly events$: Observable<LeaderTaskEvent> = this.#events.asObservable();

  /** Whether anybody listens: if not, no event needs to be made. */
  get isObserved(): boolean {
    return this.#events.observed || TASK_CHANNEL.hasSubscribers;
  }

  emit(event: LeaderTaskEvent): void {
    this.#events.next(event);
    if (TASK_CHANNEL.hasSubscribers) {
      TASK_CHANNEL.publish(event);
    }
  }

  complete(): void {
    this.#events.complete();
  }
}

interface DescribedRun {
  readonly durationMs: number;
  describe(): RunEventDetails;
}

/** Counts what happens to one task, and emits it. */
export class TaskReporter {
  readonly #counts = { finished: 0, failed: 0, skipped: 0, missed: 0 };
  readonly #events: TaskEvents;
  readonly #subject: Omit<TaskEventBase, 'at'>;

  constructor(events: TaskEvents, subject: Omit<TaskEventBase, 'at'>) {
    this.#events = events;
    this.#subject = subject;
  }

  get counts(): LeaderTaskCounts {
    return this.#counts;
  }

  get isObserved(): boolean {
    return this.#events.isObserved;
  }

  /** Set by who wants runs to happen in a context. */
  get activate(): RunActivator | undefined {
    return this.#events.activate;
  }

  /** @param details made only if somebody listens */
  emit(details: () => TaskEventDetails): void {
    if (this.#events.isObserved) {
      this.#events.emit({
        ...details(),
        ...this.#subject,
        at: new Date(),
      });
    }
  }

  /** A call does nothing. */
  skipped(
    reason: SkipReason,
    tick?: number,
    error?: unknown,
    pause?: TaskPause,
  ): undefined {
    this.#counts.skipped += 1;
    if (this.#events.isObserved) {
      this.emit(() => ({
        type: 'skipped',
        reason,
        ...(tick !== undefined && { tick: new Date(tick) }),
        ...(error !== undefined && { error }),
        ...(pause && { pause }),
      }));
    }
  }

  finished(run: DescribedRun): void {
    this.#counts.finished += 1;
    if (this.#events.isObserved) {
      const { durationMs } = run;
      this.emit(() => ({ type: 'finished', ...run.describe(), durationMs }));
    }
  }

  /** A try has failed; the run has if there is no other one. */
  failed(
    run: DescribedRun,
    what: { error: unknown; willRetry: boolean; timedOut: boolean },
  ): void {
    if (!what.willRetry) {
      this.#counts.failed += 1;
    }
    this.emit(() => ({
      type: 'failed',
      ...run.describe(),
      durationMs: run.durationMs,
      ...what,
    }));
  }

  missed(ticks: { count: number; first: number; last: number }): void {
    this.#counts.missed += ticks.count;
    this.emit(() => ({
      type: 'missed',
      tick: new Date(ticks.first),
      lastTick: new Date(ticks.last),
      count: ticks.count,
    }));
  }
}
