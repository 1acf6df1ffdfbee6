import type { LeaderTaskEvent } from '../tasks/task-events.js';
import type { SkipReason } from '../tasks/leader-task-info.interface.js';
import type { BoundedNames } from './bounded-names.js';
import type { LeaderMetrics } from './leader-metrics.js';

/** Counts what happens to leader tasks. */
export class TaskRecorder {
  readonly #metrics: LeaderMetrics;
  readonly #names: BoundedNames;
  /** Tasks of which a run has ended well. */
  readonly #known = new Set<string>();
  /** Reasons of skips that a task has had. */
  readonly #reasons = new Set<SkipReason>();

  constructor(metrics: LeaderMetrics, names: BoundedNames) {
    this.#metrics = metrics;
    this.#names = names;
  }

  /** Has the counters of a task begin at 0: a first increase would go unseen. */
  announce(name: string): void {
    const task = this.#names.of(name);
    this.#metrics.runs.inc({ task, outcome: 'finished' }, 0);
    this.#metrics.runs.inc({ task, outcome: 'failed' }, 0);
    this.#metrics.missedTicks.inc({ task }, 0);
    this.#metrics.interruptions.inc({ task }, 0);
    this.#metrics.overruns.inc({ task }, 0);
  }

  /** A run that ended before this process was started. */
  recall(task: string, endedAt: Date): void {
    if (!this.#known.has(task)) {
      this.#succeeded(task, endedAt);
    }
  }

  #succeeded(name: string, endedAt: Date): void {
    const task = this.#names.of(name);
    this.#known.add(name);
    this.#metrics.lastSuccess.set({ task }, endedAt.getTime() / 1000);
  }

  /** A task is no more: its series would stay for as long as the process. */
  forget(task: string): void {
    this.#known.delete(task);
    if (!this.#names.forget(task)) {
      return;
    }
    const metrics = this.#metrics;
    metrics.runs.remove({ task, outcome: 'finished' });
    metrics.runs.remove({ task, outcome: 'failed' });
    for (const reason of this.#reasons) {
      metrics.skips.remove({ task, reason });
    }
    for (const metric of [
      metrics.durations,
      metrics.lastSuccess,
      metrics.retries,
      metrics.missedTicks,
      metrics.interruptions,
      metrics.aborts,
      metrics.overruns,
    ]) {
      metric.remove({ task });
    }
  }

  record(event: LeaderTaskEvent): void {
    if (event.type === 'skipped' && event.reason === 'disposed') {
      return;
    }
    const metrics = this.#metrics;
    const task = this.#names.of(event.task);
    switch (event.type) {
      case 'finished':
        metrics.runs.inc({ task, outcome: 'finished' });
        metrics.durations.observe({ task }, event.durationMs / 1000);
        this.#succeeded(event.task, event.at);
        break;
      case 'failed':
        if (event.willRetry) {
          metrics.retries.inc({ task });
        } else {
          metrics.runs.inc({ task, outcome: 'failed' });
          metrics.durations.observe({ task }, event.durationMs / 1000);
        }
        break;
      case 'skipped':
        this.#reasons.add(event.reason);
        metrics.skips.inc({ task, reason: event.reason });
        break;
      case 'missed':
        metrics.missedTicks.inc({ task }, event.count);
        break;
      case 'interrupted':
        metrics.interruptions.inc({ task });
        break;
      case 'aborted':
        metrics.aborts.inc({ task });
        break;
      case 'overran':
        metrics.overruns.inc({ task });
        break;
      case 'started':
        break;
    }
  }
}
