import type { OnApplicationShutdown, OnModuleInit } from '@nestjs/common';
import {
  filter,
  firstValueFrom,
  merge,
  race,
  Subject,
  Subscription,
  throttleTime,
  timer,
} from 'rxjs';
import { ClusterWatcher } from '../cluster/cluster-watcher.js';
import {
  leaderOf,
  type ClusterView,
} from '../cluster/cluster-view.interface.js';
import { verdictOf } from '../cluster/verdict.js';
import type { LeaderElections } from '../election/leader-elections.js';
import type { Leadership } from '../election/leadership.interface.js';
import type { Partitions } from '../partitions/partitions.js';
import { instanceProblems } from '../instance-problems.js';
import type { LeaderTasks } from '../tasks/leader-tasks.js';
import { ConnectionRecord } from '../session/connection-record.js';
import { VERSION } from '../version.js';
import type { ClusterSource } from './cluster-source.interface.js';
import {
  electionPart,
  partitionsPart,
  TaskParts,
  type TaskPart,
} from './dashboard-parts.js';
import { InstanceHistory } from './instance-history.js';
import { LocalRuns } from './local-runs.js';
import { PartStore } from './part-store.js';
import { StandaloneCluster } from './standalone-cluster.js';
import { TaskInfos } from './task-infos.js';
import { TermHistory } from './term-history.js';
import { TickAudit } from './tick-audit.js';

/** However much changes, browsers are told no more often. */
const SHORTEST_PAUSE_MS = 100;
/** Ticks pass without anything that could be watched. */
const REFRESH_MS = 1_000;
/** How long a question is kept waiting for the cluster to be read. */
const READ_WITHIN_MS = 5_000;

/**
 * What the dashboard shows: one for each instance, however many browsers follow
 * it, and kept up to date only while one does.
 */
export class DashboardState implements OnModuleInit, OnApplicationShutdown {
  readonly parts = new PartStore();
  readonly #elections: LeaderElections;
  readonly #tasks: LeaderTasks;
  readonly #hasActions: boolean;
  readonly #cluster: ClusterSource;
  readonly #connection: ConnectionRecord;
  readonly #terms = new TermHistory();
  readonly #instances = new InstanceHistory();
  readonly #localRuns = new LocalRuns();
  readonly #infos: TaskInfos;
  readonly #ticks: TickAudit;
  readonly #taskParts = new TaskParts();
  readonly #always = new Subscription();
  /** Emits when there are ticks left to be looked for. */
  readonly #more = new Subject<void>();
  #whileUsed: Subscription | undefined;
  #users = 0;

  constructor(
    elections: LeaderElections,
    partitions: Partitions,
    tasks: LeaderTasks,
    hasActions: boolean,
  ) {
    const { session } = elections;
    this.#elections = elections;
    this.#tasks = tasks;
    this.#hasActions = hasActions;
    this.#cluster = session
      ? new ClusterWatcher(session.client, session.paths)
      : new StandaloneCluster(elections, partitions, tasks);
    this.#connection = new ConnectionRecord(session?.client);
    this.#infos = new TaskInfos(tasks);
    this.#ticks = new TickAudit((...range) => tasks.ticksBetween(...range));
  }

  /** Terms, and runs without a ledger, are known only to who has seen them. */
  onModuleInit(): void {
    const stopFollowing = this.#elections.follow(({ name, sightings$ }) => {
      this.#always.add(
        sightings$.subscribe((leader) => this.#terms.note(name, leader)),
      );
    });
    this.#always.add(stopFollowing);
    this.#always.add(
      this.#tasks.events$.subscribe((event) => {
        this.#localRuns.note(event);
        this.#infos.isOutdated = true;
      }),
    );
  }

  onApplicationShutdown(): void {
    this.#always.unsubscribe();
    this.#whileUsed?.unsubscribe();
  }

  /** Keeps {@link parts} up to date until the result is called. */
  use(): () => void {
    this.#users += 1;
    if (this.#users === 1) {
      this.#whileUsed = merge(
        this.#cluster.changes$,
        this.#more,
        timer(0, REFRESH_MS),
      )
        .pipe(
          throttleTime(SHORTEST_PAUSE_MS, undefined, {
            leading: true,
            trailing: true,
          }),
        )
        .subscribe(() => this.#update());
      this.#whileUsed.add(this.#cluster.use());
    }
    let isUsed = true;
    return () => {
      if (isUsed) {
        isUsed = false;
        this.#users -= 1;
        if (this.#users === 0) {
          this.#whileUsed?.unsubscribe();
        }
      }
    };
  }

  /** Everything, once: waits for the cluster to be read, but not for ever. */
  async read() {
    const release = this.#cluster.use();
    try {
      if (!this.#cluster.view().hasVerdict) {
        const complete$ = this.#cluster.changes$.pipe(
          filter(() => this.#cluster.view().hasVerdict),
        );
        await firstValueFrom(race(complete$, timer(READ_WITHIN_MS)), {
          defaultValue: undefined,
        });
      }
      this.#ticks.work();
      const { elections, partitions, tasks, ...others } = this.#present();
      return {
        ...others,
        elections: [...elections.values()],
        partitions: [...partitions.values()],
        tasks: [...tasks.values()],
      };
    } finally {
      release();
    }
  }

  #update(): void {
    const isMoreToDo = this.#ticks.work();
    const { elections, partitions, tasks, ...others } = this.#present();
    this.parts.update(
      new Map<string, unknown>([
        ...Object.entries(others),
        ...prefixed('election:', elections),
        ...prefixed('partitions:', partitions),
        ...prefixed('task:', tasks),
      ]),
    );
    if (isMoreToDo) {
      this.#more.next();
    }
  }

  #present() {
    const view = this.#cluster.view();
    this.#note(view);
    const elections = this.#presentElections(view);
    const tasks = this.#presentTasks(view);
    const failing = [...tasks.values()]
      .filter(({ isFailing }) => isFailing)
      .map(({ task }) => task);
    return {
      about: this.#about(view),
      verdict: verdictOf(view, failing),
      instances: view.instances,
      left: this.#instances.left(Date.now()),
      drains: view.drains,
      audit: view.audit,
      elections,
      partitions: new Map(
        view.partitions.map((each) => [each.group, partitionsPart(each)]),
      ),
      tasks,
    };
  }

  /** What has gone is known only to who has seen it. */
  #note({ elections, instances, hasVerdict }: ClusterView): void {
    if (!this.#isFresh || !hasVerdict) {
      return;
    }
    for (const election of elections) {
      // Those of this instance are followed all the time.
      if (!this.#elections.names.includes(election.election)) {
        this.#terms.note(election.election, leaderOf(election));
      }
    }
    this.#instances.note(
      instances,
      (instanceId) => this.#terms.ledBy(instanceId),
      Date.now(),
    );
  }

  /** Whether what is shown is what ZooKeeper has now. */
  get #isFresh(): boolean {
    const { state } = this.#connection;
    return state === undefined || state === 'connected';
  }

  #about(view: ClusterView) {
    const { instanceId, session } = this.#elections;
    return {
      instanceId,
      version: VERSION,
      basePath: session?.paths.base ?? null,
      connection: this.#connection.state ?? 'standalone',
      connectionSince: this.#connection.since,
      /** Absent while what is shown is up to date. */
      asOf: this.#isFresh ? undefined : this.#connection.connectedUntil,
      connectionProblem: this.#isFresh
        ? undefined
        : this.#connection.problem?.message,
      historySince: this.#terms.since,
      hasActions: this.#hasActions,
      isComplete: view.hasVerdict,
      isTruncated: view.isTruncated,
      problem: view.problem,
      /** What is wrong with the instance that tells, as in its health check. */
      problems: instanceProblems(this.#elections, this.#connection),
    };
  }

  #presentElections(view: ClusterView) {
    const own = new Map<string, Leadership>(
      this.#elections.all.map(({ name, leadership }) => [name, leadership]),
    );
    return new Map(
      view.elections.map((each) => [
        each.election,
        electionPart(
          each,
          this.#terms.of(each.election),
          own.get(each.election),
        ),
      ]),
    );
  }

  #presentTasks(view: ClusterView): Map<string, TaskPart> {
    const infos = this.#infos.all();
    const ledgers = new Map(view.ledgers.map((each) => [each.task, each]));
    const names = [...new Set([...infos.keys(), ...ledgers.keys()])].toSorted();
    this.#ticks.keep(new Set(ledgers.keys()));
    return this.#taskParts.of(
      names.map((task) => {
        const ledger = ledgers.get(task);
        return {
          task,
          info: infos.get(task),
          ledger,
          ticksWithoutRun: ledger && this.#ticks.missed(ledger),
          localRuns: this.#localRuns.of(task),
          instanceId: this.#elections.instanceId,
        };
      }),
    );
  }
}

function prefixed(
  prefix: string,
  parts: ReadonlyMap<string, unknown>,
): [string, unknown][] {
  return [...parts].map(([name, part]) => [prefix + name, part]);
}
