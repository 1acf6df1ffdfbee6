import { Counter, Gauge, Histogram, type CollectFunction } from 'prom-client';
import { nextTurn } from '../within.js';
import type { MetricsRegistry } from './zookeeper-leader-metrics-options.interface.js';

/** What an application tells at the moment of a scrape. */
export interface MetricsSource {
  collectIsLeader(gauge: Gauge<'election'>): void;
  collectForeignLeader(gauge: Gauge<'election'>): void;
  collectLeaderless(counter: Counter<'election'>): void;
  collectPartitions(gauge: Gauge<'group'>): void;
  collectOwnedPartitions(gauge: Gauge<'group'>): void;
  collectAssignedPartitions(gauge: Gauge<'group'>): void;
  collectForeignPartitions(gauge: Gauge<'group'>): void;
  collectConnectionState(gauge: Gauge<'state'>): void;
  collectLeaseRemaining(gauge: Gauge): void;
  collectLastContact(gauge: Gauge): void;
  collectRunning(gauge: Gauge<'task'>): void;
  collectProblems(gauge: Gauge): void;
}

const PREFIX = 'nestjs_leader_';
const HANDOVER_BUCKETS = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
];
const HEARTBEAT_BUCKETS = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5,
];
const TASK_BUCKETS = [0.01, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600];

/** The metrics of one registry, fed by one or more applications. */
export class LeaderMetrics {
  readonly #registry: MetricsRegistry;
  readonly #sources = new Set<MetricsSource>();
  readonly #isLeader: Gauge<'election'>;

  readonly terms: Counter<'election'>;
  readonly termsEnded: Counter<'election' | 'reason'>;
  readonly leaderless: Counter<'election'>;
  readonly handovers: Histogram<'election'>;
  readonly partitionTerms: Counter<'group'>;
  readonly partitionTermsEnded: Counter<'group' | 'reason'>;
  readonly connectionChanges: Counter<'state'>;
  readonly heartbeats: Histogram;
  readonly heartbeatFailures: Counter;
  readonly stalls: Counter;
  readonly stallSeconds: Counter;
  readonly runs: Counter<'task' | 'outcome'>;
  readonly durations: Histogram<'task'>;
  readonly lastSuccess: Gauge<'task'>;
  readonly retries: Counter<'task'>;
  readonly skips: Counter<'task' | 'reason'>;
  readonly missedTicks: Counter<'task'>;
  readonly interruptions: Counter<'task'>;
  readonly aborts: Counter<'task'>;
  readonly overruns: Counter<'task'>;

  constructor(
    registry: MetricsRegistry,
    taskDurationBuckets: readonly number[] = TASK_BUCKETS,
  ) {
    this.#registry = registry;
    this.#isLeader = this.#gauge(
      'is_leader',
      'Whether this instance leads, by its lease, at the moment of the scrape.',
      ['election'],
      (source, gauge) => source.collectIsLeader(gauge),
    );
    this.#gauge(
      'foreign_leader',
      'Whether this instance sees a leader of another application, or one that lacks tasks of instances that wait.',
      ['election'],
      (source, gauge) => source.collectForeignLeader(gauge),
    );
    this.terms = this.#counter(
      'terms_total',
      'Terms of leadership that this instance has begun.',
      ['election'],
    );
    this.termsEnded = this.#counter(
      'terms_ended_total',
      'Terms of leadership of this instance that have ended, by reason.',
      ['election', 'reason'],
    );
    this.leaderless = this.#counter(
      'leaderless_seconds_total',
      'Seconds for which this instance neither led nor saw a leader.',
      ['election'],
      (source, counter) => source.collectLeaderless(counter),
    );
    this.handovers = this.#histogram(
      'handover_seconds',
      'From the moment a leader was seen to be gone until the next one led.',
      ['election'],
      HANDOVER_BUCKETS,
    );
    this.#gauge(
      'partitions',
      'Number of partitions that this instance works with.',
      ['group'],
      (source, gauge) => source.collectPartitions(gauge),
    );
    this.#gauge(
      'partitions_owned',
      'Partitions that this instance owns, by its lease, at the moment of the scrape.',
      ['group'],
      (source, gauge) => source.collectOwnedPartitions(gauge),
    );
    this.#gauge(
      'partitions_assigned',
      'Partitions that this instance should own: its share, rounded.',
      ['group'],
      (source, gauge) => source.collectAssignedPartitions(gauge),
    );
    this.#gauge(
      'foreign_partitions',
      'Whether this instance sees that several applications share the partitions.',
      ['group'],
      (source, gauge) => source.collectForeignPartitions(gauge),
    );
    this.partitionTerms = this.#counter(
      'partition_terms_total',
      'Times that a partition has come to this instance.',
      ['group'],
    );
    this.partitionTermsEnded = this.#counter(
      'partition_terms_ended_total',
      'Times that this instance has ceased to own a partition, by reason.',
      ['group', 'reason'],
    );
    this.#gauge(
      'connection_state',
      'State of the connection to ZooKeeper: 1 for the present one.',
      ['state'],
      (source, gauge) => source.collectConnectionState(gauge),
    );
    this.connectionChanges = this.#counter(
      'connection_changes_total',
      'Changes of the connection to ZooKeeper, by the new state.',
      ['state'],
    );
    this.heartbeats = this.#histogram(
      'heartbeat_seconds',
      'Round trip of heartbeats that a quorum of ZooKeeper has committed.',
      [],
      HEARTBEAT_BUCKETS,
    );
    this.heartbeatFailures = this.#counter(
      'heartbeat_failures_total',
      'Heartbeats that were not acknowledged.',
    );
    this.#gauge(
      'lease_remaining_seconds',
      'Seconds for which leadership holds without further contact.',
      [],
      (source, gauge) => source.collectLeaseRemaining(gauge),
    );
    this.#gauge(
      'last_contact_timestamp_seconds',
      'When the last write that ZooKeeper has acknowledged was sent.',
      [],
      (source, gauge) => source.collectLastContact(gauge),
    );
    this.#gauge(
      'problems',
      'What is wrong with this instance, in number; 0 while it is healthy.',
      [],
      (source, gauge) => source.collectProblems(gauge),
    );
    this.stalls = this.#counter(
      'event_loop_stalls_total',
      'Times that the event loop was blocked for longer than 0.2 s.',
    );
    this.stallSeconds = this.#counter(
      'event_loop_stall_seconds_total',
      'Seconds for which the event loop was blocked in such stalls.',
    );
    this.runs = this.#counter(
      'task_runs_total',
      'Runs of leader tasks in this instance that have ended, by outcome.',
      ['task', 'outcome'],
    );
    this.durations = this.#histogram(
      'task_duration_seconds',
      'Duration of the runs of leader tasks, retries included.',
      ['task'],
      taskDurationBuckets,
      // With hundreds of tasks its text takes as long as that of all others.
      nextTurn,
    );
    this.lastSuccess = new Gauge({
      name: `${PREFIX}task_last_success_timestamp_seconds`,
      help: 'When a run of the leader task ended well for the last time, as far as this instance knows.',
      labelNames: ['task'],
      registers: [registry],
    });
    this.#gauge(
      'task_running',
      'Runs of leader tasks that go on in this instance.',
      ['task'],
      (source, gauge) => source.collectRunning(gauge),
    );
    this.retries = this.#counter(
      'task_retries_total',
      'Failed tries of leader tasks that are tried again.',
      ['task'],
    );
    this.skips = this.#counter(
      'task_skips_total',
      'Calls of leader tasks that did nothing, by reason.',
      ['task', 'reason'],
    );
    this.missedTicks = this.#counter(
      'task_missed_ticks_total',
      'Ticks that nobody ran and nobody will, as found by this instance.',
      ['task'],
    );
    this.interruptions = this.#counter(
      'task_interruptions_total',
      'Runs that were found begun and never ended.',
      ['task'],
    );
    this.aborts = this.#counter(
      'task_aborts_total',
      'Runs during which leadership ended.',
      ['task'],
    );
    this.overruns = this.#counter(
      'task_overruns_total',
      'Aborted runs that still went on after drainTimeoutMs.',
      ['task'],
    );
  }

  /** False after somebody has cleared the registry. */
  get isRegistered(): boolean {
    const { name } = this.#isLeader as Gauge & { name: string };
    return this.#registry.getSingleMetric(name) === this.#isLeader;
  }

  /** Has an application asked at every scrape, until the result is called. */
  attach(source: MetricsSource): () => void {
    this.#sources.add(source);
    return () => this.#sources.delete(source);
  }

  #gauge<Label extends string>(
    name: string,
    help: string,
    labelNames: Label[],
    ask: (source: MetricsSource, gauge: Gauge<Label>) => void,
  ): Gauge<Label> {
    const collect: CollectFunction<Gauge<Label>> = this.#collector(ask, true);
    return new Gauge({
      name: PREFIX + name,
      help,
      labelNames,
      registers: [this.#registry],
      collect,
    });
  }

  #counter<Label extends string>(
    name: string,
    help: string,
    labelNames: Label[] = [],
    ask?: (source: MetricsSource, counter: Counter<Label>) => void,
  ): Counter<Label> {
    return new Counter<Label>({
      name: PREFIX + name,
      help,
      labelNames,
      registers: [this.#registry],
      ...(ask && { collect: this.#collector(ask, false) }),
    });
  }

  #histogram<Label extends string>(
    name: string,
    help: string,
    labelNames: Label[],
    buckets: readonly number[],
    collect?: () => Promise<void>,
  ): Histogram<Label> {
    return new Histogram({
      name: PREFIX + name,
      help,
      labelNames,
      buckets: [...buckets],
      registers: [this.#registry],
      ...(collect && { collect }),
    });
  }

  #collector<Metric extends { reset(): void }>(
    ask: (source: MetricsSource, metric: Metric) => void,
    isMeasured: boolean,
  ): CollectFunction<Metric> {
    const sources = this.#sources;
    return function collect(this: Metric) {
      if (isMeasured) {
        this.reset();
      }
      for (const source of sources) {
        ask(source, this);
      }
    };
  }
}
