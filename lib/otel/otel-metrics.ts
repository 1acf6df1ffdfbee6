import type { Meter, ObservableResult } from '@opentelemetry/api';
import { BoundedNames } from '../metrics/bounded-names.js';
import type { LeaderElections } from '../election/leader-elections.js';
import type { Partitions } from '../partitions/partitions.js';
import type { LeaderTaskEvent } from '../tasks/task-events.js';
import type { LeaderTasks } from '../tasks/leader-tasks.js';

/** The metrics, under names in the manner of the semantic conventions. */
export class OtelMetrics {
  readonly #tasks = new BoundedNames();
  readonly #elections = new BoundedNames();
  readonly #groups = new BoundedNames();
  readonly #duration;
  readonly #skipped;
  readonly #missed;
  readonly #terms;
  readonly #stops: (() => void)[] = [];

  constructor(
    meter: Meter,
    elections: LeaderElections,
    partitions: Partitions,
    tasks: LeaderTasks,
  ) {
    this.#duration = meter.createHistogram('leader_task.run.duration', {
      unit: 's',
      description: 'Duration of the runs of leader tasks, each try by itself.',
    });
    this.#skipped = meter.createCounter('leader_task.skipped', {
      unit: '{call}',
      description: 'Calls of leader tasks that did nothing, by reason.',
    });
    this.#missed = meter.createCounter('leader_task.missed', {
      unit: '{tick}',
      description: 'Ticks that nobody ran and nobody will.',
    });
    this.#terms = meter.createCounter('leader_election.terms', {
      unit: '{term}',
      description: 'Terms of leadership that this instance has begun.',
    });
    const running = meter.createObservableUpDownCounter('leader_task.running', {
      unit: '{run}',
      description: 'Runs of leader tasks that go on in this instance.',
    });
    const leading = meter.createObservableGauge('leader_election.leading', {
      description: 'Whether this instance leads, by its lease.',
    });
    const owned = meter.createObservableGauge('leader_partition.owned', {
      unit: '{partition}',
      description: 'Partitions that this instance owns, by its lease.',
    });
    const assigned = meter.createObservableGauge('leader_partition.assigned', {
      unit: '{partition}',
      description: 'Partitions that this instance should own.',
    });
    const observeOwned = (result: ObservableResult): void => {
      for (const set of partitions.all) {
        result.observe(set.owned.length, this.#groupOf(set.name));
      }
    };
    const observeAssigned = (result: ObservableResult): void => {
      for (const set of partitions.all) {
        result.observe(set.assignedCount, this.#groupOf(set.name));
      }
    };
    const observeRunning = (result: ObservableResult): void => {
      for (const [task, count] of tasks.running()) {
        result.observe(count, { 'leader_task.name': this.#tasks.of(task) });
      }
    };
    const observeLeading = (result: ObservableResult): void => {
      for (const election of elections.all) {
        result.observe(election.isLeader() ? 1 : 0, {
          'leader_election.name': this.#elections.of(election.name),
        });
      }
    };
    running.addCallback(observeRunning);
    leading.addCallback(observeLeading);
    owned.addCallback(observeOwned);
    assigned.addCallback(observeAssigned);
    this.#stops.push(
      () => running.removeCallback(observeRunning),
      () => leading.removeCallback(observeLeading),
      () => owned.removeCallback(observeOwned),
      () => assigned.removeCallback(observeAssigned),
    );
  }

  termBegan(election: string): void {
    this.#terms.add(1, {
      'leader_election.name': this.#elections.of(election),
    });
  }

  note(event: LeaderTaskEvent): void {
    const task = { 'leader_task.name': this.#tasks.of(event.task) };
    switch (event.type) {
      case 'finished':
        this.#duration.record(event.durationMs / 1000, {
          ...task,
          'leader_task.outcome': 'finished',
        });
        break;
      case 'failed':
        this.#duration.record(event.durationMs / 1000, {
          ...task,
          'leader_task.outcome': event.timedOut ? 'timed-out' : 'failed',
          'error.type':
            event.error instanceof Error ? event.error.name : '_OTHER',
        });
        break;
      case 'skipped':
        this.#skipped.add(1, { ...task, 'leader_task.reason': event.reason });
        break;
      case 'missed':
        this.#missed.add(event.count, task);
        break;
      default:
        break;
    }
  }

  stop(): void {
    for (const stop of this.#stops) {
      stop();
    }
  }

  #groupOf(name: string): Record<string, string> {
    return { 'leader_partition.group': this.#groups.of(name) };
  }
}
