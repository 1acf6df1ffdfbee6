import { metrics, trace } from '@opentelemetry/api';
import type { OnApplicationShutdown, OnModuleInit } from '@nestjs/common';
import { distinctUntilChanged, filter, map, Subscription } from 'rxjs';
import type { LeaderElections } from '../election/leader-elections.js';
import type { Partitions } from '../partitions/partitions.js';
import type { LeaderTasks } from '../tasks/leader-tasks.js';
import { VERSION } from '../version.js';
import { OtelMetrics } from './otel-metrics.js';
import { TaskSpans } from './task-spans.js';
import { TermSpans } from './term-spans.js';
import type { ZookeeperLeaderOtelOptions } from './zookeeper-leader-otel-options.interface.js';

const SCOPE = 'nestjs-zookeeper-leader';

/** Tells OpenTelemetry what happens in one application. */
export class OtelRecorder implements OnModuleInit, OnApplicationShutdown {
  readonly #elections: LeaderElections;
  readonly #tasks: LeaderTasks;
  readonly #terms: TermSpans;
  readonly #spans: TaskSpans;
  readonly #metrics: OtelMetrics;
  readonly #recording = new Subscription();

  constructor(
    { tracerProvider, meterProvider }: ZookeeperLeaderOtelOptions,
    elections: LeaderElections,
    partitions: Partitions,
    tasks: LeaderTasks,
  ) {
    const tracer = (tracerProvider ?? trace).getTracer(SCOPE, VERSION);
    const meter = (meterProvider ?? metrics).getMeter(SCOPE, VERSION);
    this.#elections = elections;
    this.#tasks = tasks;
    this.#terms = new TermSpans(tracer);
    this.#spans = new TaskSpans(tracer, (election) =>
      this.#terms.contextOf(election),
    );
    this.#metrics = new OtelMetrics(meter, elections, partitions, tasks);
  }

  /** Before anything can happen. */
  onModuleInit(): void {
    this.#tasks.activateRuns((runId, call) =>
      this.#spans.activate(runId, call),
    );
    this.#recording.add(
      this.#tasks.events$.subscribe((event) => {
        this.#spans.note(event);
        this.#metrics.note(event);
      }),
    );
    this.#recording.add(
      this.#elections.follow((election) => {
        this.#recording.add(this.#terms.follow(election));
        this.#recording.add(
          election.leadership$
            .pipe(
              map(({ role }) => role),
              distinctUntilChanged(),
              filter((role) => role === 'leader'),
            )
            .subscribe(() => this.#metrics.termBegan(election.name)),
        );
      }),
    );
  }

  /** After the terms have ended and the tasks been waited for. */
  onApplicationShutdown(): void {
    this.#recording.unsubscribe();
    this.#tasks.activateRuns(undefined);
    this.#metrics.stop();
    this.#spans.end();
    this.#terms.end();
  }
}
