import type { LeaderTaskEvent } from '../tasks/task-events.js';
import type { BoundedNames } from './bounded-names.js';
import type { LeaderMetrics } from './leader-metrics.js';

/** Counts what happens to leader tasks. */
export class TaskRecorder {
  readonly #metrics: LeaderMetrics;
  readonly #names: BoundedNames;

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

  record(event: LeaderTaskEvent): void {
    const metrics = this.#metrics;
    const task = this.#names.of(event.task);
    switch (event.type) {
      case 'finished':
        metrics.runs.inc({ task, outcome: 'finished' });
        metrics.durations.observe({ task }, event.durationMs / 1000);
        metrics.lastSuccess.set({ task }, event.at.getTime() / 1000);
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
