import { messageOf } from '../message-of.js';
import type { LeaderTaskEvent } from '../tasks/task-events.js';

/** A run in this instance that no ledger remembers. */
export interface LocalRun {
  readonly tick?: Date;
  readonly startedAt: Date;
  readonly durationMs: number;
  readonly outcome: 'finished' | 'failed';
  readonly attempt: number;
  readonly fencingToken: number;
  readonly isManual: boolean;
  readonly requestedBy?: string;
  readonly error?: string;
}

/** Of each task. */
const MOST_RUNS = 20;
const MOST_TASKS = 500;
const LONGEST_ERROR = 300;

/** The last runs of each task in this instance, built from the task events. */
export class LocalRuns {
  readonly #runs = new Map<string, LocalRun[]>();

  /** The newest first. */
  of(task: string): readonly LocalRun[] {
    return this.#runs.get(task) ?? [];
  }

  note(event: LeaderTaskEvent): void {
    if (
      event.type !== 'finished' &&
      !(event.type === 'failed' && !event.willRetry)
    ) {
      return;
    }
    const {
      task,
      at,
      durationMs,
      type,
      attempt,
      fencingToken,
      trigger,
      requestedBy,
    } = event;
    if (!this.#runs.has(task) && this.#runs.size >= MOST_TASKS) {
      return;
    }
    const run: LocalRun = {
      ...(event.tick && { tick: event.tick }),
      startedAt: new Date(at.getTime() - durationMs),
      durationMs,
      outcome: type,
      attempt,
      fencingToken,
      isManual: trigger === 'manual',
      ...(requestedBy !== undefined && { requestedBy }),
      ...(type === 'failed' && {
        error: messageOf(event.error).slice(0, LONGEST_ERROR),
      }),
    };
    this.#runs.set(task, [run, ...this.of(task)].slice(0, MOST_RUNS));
  }
}
