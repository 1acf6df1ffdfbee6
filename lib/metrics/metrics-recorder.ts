import type {
  OnApplicationBootstrap,
  OnApplicationShutdown,
  OnModuleInit,
} from '@nestjs/common';
import type { Counter, Gauge } from 'prom-client';
import { skip, Subscription } from 'rxjs';
import type {
  LeaderElections,
  ManagedElection,
} from '../election/leader-elections.js';
import type { LeaderTasks } from '../tasks/leader-tasks.js';
import { CONNECTION_STATES } from '../zookeeper/zookeeper-client.interface.js';
import { BoundedNames } from './bounded-names.js';
import { ElectionRecorder } from './election-recorder.js';
import type { LeaderMetrics, MetricsSource } from './leader-metrics.js';
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
  readonly #tasks: LeaderTasks;
  readonly #taskRecorder: TaskRecorder;
  readonly #electionNames = new BoundedNames();
  readonly #taskNames = new BoundedNames();
  readonly #recorders = new Set<ElectionRecorder>();
  readonly #recording = new Subscription();

  constructor(
    metrics: LeaderMetrics,
    elections: LeaderElections,
    tasks: LeaderTasks,
  ) {
    this.#metrics = metrics;
    this.#elections = elections;
    this.#tasks = tasks;
    this.#taskRecorder = new TaskRecorder(metrics, this.#taskNames);
  }

  /** Before anything can happen. */
  onModuleInit(): void {
    const metrics = this.#metrics;
    const session = this.#elections.session;
    const recording = this.#recording;
    recording.add(metrics.attach(this));
    recording.add(this.#elections.follow((each) => this.#follow(each)));
    recording.add(
      this.#tasks.events$.subscribe((event) =>
        this.#taskRecorder.record(event),
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
    for (const { task } of this.#tasks.list()) {
      this.#taskRecorder.announce(task);
    }
  }

  /** After the terms have ended and the tasks been waited for. */
  onApplicationShutdown(): void {
    this.collectLeaderless(this.#metrics.leaderless);
    for (const recorder of this.#recorders) {
      recorder.stop();
    }
    this.#recording.unsubscribe();
  }

  collectIsLeader(gauge: Gauge<'election'>): void {
    for (const recorder of this.#recorders) {
      gauge.inc({ election: recorder.label }, recorder.isLeader ? 1 : 0);
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
    for (const { task, running } of this.#tasks.list()) {
      gauge.inc({ task: this.#taskNames.of(task) }, running);
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
    };
  }
}
