import type {
  OnApplicationBootstrap,
  OnApplicationShutdown,
  OnModuleInit,
} from '@nestjs/common';
import type { Counter, Gauge } from 'prom-client';
import { skip, Subscription } from 'rxjs';
import type { LeaderElections } from '../election/leader-elections.js';
import type { ManagedElection } from '../election/managed-election.js';
import { instanceProblems } from '../instance-problems.js';
import type { PartitionSet } from '../partitions/partition-set.js';
import type { Partitions } from '../partitions/partitions.js';
import type { LeaderTasks } from '../tasks/leader-tasks.js';
import { ConnectionRecord } from '../session/connection-record.js';
import { CONNECTION_STATES } from '../zookeeper/zookeeper-client.interface.js';
import { BoundedNames } from './bounded-names.js';
import { ElectionRecorder } from './election-recorder.js';
import type { LeaderMetrics, MetricsSource } from './leader-metrics.js';
import { readLastSuccesses } from './ledger-reader.js';
import { PartitionRecorder } from './partition-recorder.js';
import { StallMeter } from './stall-meter.js';
import { TaskRecorder } from './task-recorder.js';

/** Feeds the metrics with what happens in one application. */
export class MetricsRecorder
  implements
    MetricsSource,
    OnModuleInit,
    OnApplicationBootstrap,
    OnApplicationShutdown
{
  readonly #metrics: LeaderMetrics;
  readonly #elections: LeaderElections;
  readonly #partitions: Partitions;
  readonly #tasks: LeaderTasks;
  readonly #taskRecorder: TaskRecorder;
  readonly #electionNames = new BoundedNames();
  readonly #taskNames = new BoundedNames();
  readonly #groupNames = new BoundedNames();
  readonly #recorders = new Set<ElectionRecorder>();
  readonly #groups = new Set<PartitionRecorder>();
  readonly #connection: ConnectionRecord;
  readonly #recording = new Subscription();

  constructor(
    metrics: LeaderMetrics,
    elections: LeaderElections,
    partitions: Partitions,
    tasks: LeaderTasks,
  ) {
    this.#metrics = metrics;
    this.#elections = elections;
    this.#partitions = partitions;
    this.#tasks = tasks;
    this.#taskRecorder = new TaskRecorder(metrics, this.#taskNames);
    this.#connection = new ConnectionRecord(elections.session?.client);
  }

  /** Before anything can happen. */
  onModuleInit(): void {
    const metrics = this.#metrics;
    const session = this.#elections.session;
    const recording = this.#recording;
    recording.add(metrics.attach(this));
    recording.add(this.#elections.follow((each) => this.#follow(each)));
    this.#partitions.follow((set) => {
      const label = this.#groupNames.of(set.name);
      this.#groups.add(new PartitionRecorder(metrics, set, label));
    });
    recording.add(
      this.#tasks.events$.subscribe((event) =>
        this.#taskRecorder.record(event),
      ),
    );
    recording.add(
      this.#tasks.forgotten$.subscribe((task) =>
        this.#taskRecorder.forget(task),
      ),
    );
    recording.add(
      session?.client.connection$
        .pipe(skip(1))
        .subscribe(({ state }) => metrics.connectionChanges.inc({ state })),
    );
    recording.add(
      session?.lease.heartbeats$.subscribe(({ isAcknowledged, durationMs }) =>
        isAcknowledged
          ? metrics.heartbeats.observe(durationMs / 1000)
          : metrics.heartbeatFailures.inc(),
      ),
    );
    const stalls = new StallMeter((durationMs) => {
      metrics.stalls.inc();
      metrics.stallSeconds.inc(durationMs / 1000);
    });
    recording.add(() => stalls.stop());
  }

  onApplicationBootstrap(): void {
    for (const [task] of this.#tasks.running()) {
      this.#taskRecorder.announce(task);
    }
    void readLastSuccesses(
      this.#tasks,
      this.#elections.session?.client.connection$,
      (task, endedAt) => this.#taskRecorder.recall(task, endedAt),
    );
  }

  /** After the terms have ended and the tasks been waited for. */
  onApplicationShutdown(): void {
    this.collectLeaderless(this.#metrics.leaderless);
    for (const recorder of [...this.#recorders, ...this.#groups]) {
      recorder.stop();
    }
    this.#recording.unsubscribe();
  }

  collectIsLeader(gauge: Gauge<'election'>): void {
    for (const recorder of this.#recorders) {
      gauge.inc({ election: recorder.label }, recorder.isLeader ? 1 : 0);
    }
  }

  collectForeignLeader(gauge: Gauge<'election'>): void {
    const { warnings } = this.#elections;
    for (const { label, name } of this.#recorders) {
      gauge.inc({ election: label }, warnings.has(name) ? 1 : 0);
    }
  }

  collectLeaderless(counter: Counter<'election'>): void {
    for (const recorder of this.#recorders) {
      counter.inc(
        { election: recorder.label },
        recorder.takeLeaderlessSeconds(),
      );
    }
  }

  collectPartitions(gauge: Gauge<'group'>): void {
    for (const { set, label } of this.#groups) {
      gauge.set({ group: label }, set.partitions);
    }
  }

  collectOwnedPartitions(gauge: Gauge<'group'>): void {
    this.#collectGroups(gauge, ({ owned }) => owned.length);
  }

  collectAssignedPartitions(gauge: Gauge<'group'>): void {
    this.#collectGroups(gauge, ({ assignedCount }) => assignedCount);
  }

  collectForeignPartitions(gauge: Gauge<'group'>): void {
    this.#collectGroups(gauge, ({ isForeign }) => (isForeign ? 1 : 0));
  }

  collectConnectionState(gauge: Gauge<'state'>): void {
    const present = this.#elections.session?.client.connection.state;
    for (const state of present ? CONNECTION_STATES : []) {
      gauge.inc({ state }, state === present ? 1 : 0);
    }
  }

  collectLeaseRemaining(gauge: Gauge): void {
    const { session } = this.#elections;
    if (session) {
      gauge.set(session.lease.remainingMs() / 1000);
    }
  }

  collectLastContact(gauge: Gauge): void {
    const lastContact = this.#elections.session?.lease.lastContact;
    if (lastContact) {
      gauge.set(lastContact.getTime() / 1000);
    }
  }

  collectRunning(gauge: Gauge<'task'>): void {
    for (const [task, running] of this.#tasks.running()) {
      gauge.inc({ task: this.#taskNames.of(task) }, running);
    }
  }

  collectProblems(gauge: Gauge): void {
    gauge.inc(instanceProblems(this.#elections, this.#connection).length);
  }

  #collectGroups(
    gauge: Gauge<'group'>,
    count: (set: PartitionSet) => number,
  ): void {
    for (const { set, label } of this.#groups) {
      gauge.inc({ group: label }, count(set));
    }
  }

  #follow(election: ManagedElection): () => void {
    const label = this.#electionNames.of(election.name);
    const recorder = new ElectionRecorder(
      this.#metrics,
      election,
      this.#elections.session?.client.connection$,
      label,
    );
    this.#recorders.add(recorder);
    return () => {
      recorder.stop();
      this.#recorders.delete(recorder);
      // There may be another election of that name by now.
      const isLast = ![...this.#recorders].some((each) => each.label === label);
      if (isLast && this.#electionNames.forget(election.name)) {
        recorder.removeSeries();
      }
    };
  }
}
