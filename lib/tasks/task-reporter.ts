import type { Logger } from '@nestjs/common';
import type { ManagedElection } from '../election/leader-elections.js';
import { isPromise } from './is-promise.js';
import type { SkipReason } from './leader-task-event.interface.js';
import type { LeaderTaskOptions } from './leader-task-options.interface.js';
import {
  TASK_CHANNELS,
  type TaskEventDetails,
  type TaskEvents,
} from './task-events.js';
import type { TaskRun } from './task-run.js';

export interface TaskReporterSettings {
  readonly name: string;
  readonly election: ManagedElection;
  readonly onSkip: LeaderTaskOptions['onSkip'];
  readonly events: TaskEvents;
  readonly logger: Logger;
}

/** Counts what happens to a task, and tells whoever listens. */
export class TaskReporter {
  readonly counts = { finished: 0, failed: 0, skipped: 0, missed: 0 };
  readonly #settings: TaskReporterSettings;
  readonly #events: TaskEvents;

  constructor(settings: TaskReporterSettings) {
    this.#settings = settings;
    this.#events = settings.events;
  }

  emit(details: TaskEventDetails): void {
    if (this.#events.isObserved(TASK_CHANNELS[details.type])) {
      this.#events.emit({ ...details, ...this.#subject() });
    }
  }

  /** A call does nothing. */
  skipped(reason: SkipReason, tickMs?: number, error?: unknown): undefined {
    this.counts.skipped += 1;
    if (
      this.#settings.onSkip !== undefined ||
      this.#events.isObserved(TASK_CHANNELS.skipped)
    ) {
      this.#tellOfSkip(reason, tickMs, error);
    }
  }

  /** A try begins. */
  started(run: TaskRun): void {
    if (this.#events.isObserved(TASK_CHANNELS.started)) {
      this.emit({ type: 'started', ...describe(run) });
    }
  }

  finished(run: TaskRun): void {
    this.counts.finished += 1;
    if (this.#events.isObserved(TASK_CHANNELS.finished)) {
      const durationMs = Date.now() - run.startedAtMs;
      this.emit({ type: 'finished', ...describe(run), durationMs });
    }
  }

  /** A try has failed; the run has if there is to be no other one. */
  failed(run: TaskRun, error: unknown, willRetry: boolean): void {
    if (!willRetry) {
      this.counts.failed += 1;
    }
    const durationMs = Date.now() - run.startedAtMs;
    this.emit({
      type: 'failed',
      ...describe(run),
      durationMs,
      error,
      willRetry,
    });
  }

  /** Leadership has ended under a run. */
  aborted(run: TaskRun): void {
    const { reason } = this.#settings.election.leadership;
    this.emit({ type: 'aborted', reason, ...describe(run) });
  }

  /** A run goes on, long after its leadership. */
  overran(run: TaskRun, graceMs: number): void {
    const { name, election, logger } = this.#settings;
    logger.warn(
      `Leader task "${name}" still runs ${graceMs} ms after the leadership of ` +
        `its election "${election.name}" has ended; it began at ` +
        `${new Date(run.startedAtMs).toISOString()}. Another instance may run it ` +
        'at the same time. Have it stop when currentLeaderTask().signal aborts.',
    );
    this.emit({ type: 'overran', ...describe(run) });
  }

  #tellOfSkip(reason: SkipReason, tickMs?: number, error?: unknown): void {
    const { name, onSkip, logger } = this.#settings;
    const skipped = {
      type: 'skipped' as const,
      ...this.#subject(),
      reason,
      ...(tickMs !== undefined && { tick: new Date(tickMs) }),
      ...(error !== undefined && { error }),
    };
    const complain = (thrown: unknown): void =>
      logger.error(
        `onSkip of the leader task "${name}" failed`,
        thrown instanceof Error ? thrown.stack : String(thrown),
      );
    try {
      const told: unknown = onSkip?.(skipped);
      if (isPromise(told)) {
        told.catch(complain);
      }
    } catch (thrown) {
      complain(thrown);
    }
    if (this.#events.isObserved(TASK_CHANNELS.skipped)) {
      this.#events.emit(skipped);
    }
  }

  #subject() {
    const { name, election } = this.#settings;
    return {
      task: name,
      election: election.name,
      instanceId: election.instanceId,
      at: new Date(),
    };
  }
}

function describe(run: TaskRun) {
  const { tick, fencingToken, attempt, trigger } = run;
  return { ...(tick && { tick }), fencingToken, attempt, trigger };
}
