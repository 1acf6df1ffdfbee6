import type { OnApplicationShutdown, OnModuleInit } from '@nestjs/common';
import {
  filter,
  firstValueFrom,
  merge,
  race,
  Subscription,
  throttleTime,
  timer,
} from 'rxjs';
import { ClusterWatcher } from '../cluster/cluster-watcher.js';
import {
  leaderOf,
  type LedgerView,
} from '../cluster/cluster-view.interface.js';
import type { LeaderElections } from '../election/leader-elections.js';
import type { LeaderTasks } from '../tasks/leader-tasks.js';
import { ConnectionRecord } from '../zookeeper/connection-record.js';
import { VERSION } from '../version.js';
import type { ClusterSource } from './cluster-source.interface.js';
import { electionPart, taskPart } from './dashboard-parts.js';
import { LocalRuns } from './local-runs.js';
import { PartStore } from './part-store.js';
import { StandaloneCluster } from './standalone-cluster.js';
import { TermHistory } from './term-history.js';

/** However much changes, browsers are told no more often. */
const SHORTEST_PAUSE_MS = 100;
/** Ticks pass without anything that could be watched. */
const REFRESH_MS = 1_000;
/** How long a question is kept waiting for the cluster to be read. */
const READ_WITHIN_MS = 5_000;
/** Ticks without a run that are looked for, and told, of each task. */
const MOST_TICKS = 500;

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
  readonly #localRuns = new LocalRuns();
  readonly #always = new Subscription();
  readonly #ticksWithoutRun = new WeakMap<LedgerView, readonly Date[]>();
  #whileUsed: Subscription | undefined;
  #users = 0;

  constructor(
    elections: LeaderElections,
    tasks: LeaderTasks,
    hasActions: boolean,
  ) {
    const { session } = elections;
    this.#elections = elections;
    this.#tasks = tasks;
    this.#hasActions = hasActions;
    this.#cluster = session
      ? new ClusterWatcher(session.client, session.paths)
      : new StandaloneCluster(elections, tasks);
    this.#connection = new ConnectionRecord(session?.client);
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
      this.#tasks.events$.subscribe((event) => this.#localRuns.note(event)),
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
      this.#whileUsed = merge(this.#cluster.changes$, timer(0, REFRESH_MS))
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
    const release = this.use();
    try {
      if (!this.#cluster.view().isComplete) {
        const complete$ = this.#cluster.changes$.pipe(
          filter(() => this.#cluster.view().isComplete),
        );
        await firstValueFrom(race(complete$, timer(READ_WITHIN_MS)), {
          defaultValue: undefined,
        });
      }
      const { about, instances, elections, tasks } = this.#present();
      return {
        about,
        instances,
        elections: [...elections.values()],
        tasks: [...tasks.values()],
      };
    } finally {
      release();
    }
  }

  #update(): void {
    const { about, instances, elections, tasks } = this.#present();
    this.parts.update(
      new Map<string, unknown>([
        ['about', about],
        ['instances', instances],
        ...prefixed('election:', elections),
        ...prefixed('task:', tasks),
      ]),
    );
  }

  #present() {
    const view = this.#cluster.view();
    const { instanceId, session } = this.#elections;
    const own = new Map(
      this.#elections.names.map((name) => [
        name,
        this.#elections.find(name, 'the dashboard').leadership,
      ]),
    );
    if (this.#connection.state === 'connected') {
      for (const election of view.elections) {
        // Those of this instance are followed all the time.
        if (!own.has(election.election)) {
          this.#terms.note(election.election, leaderOf(election));
        }
      }
    }
    const ledgers = new Map(view.ledgers.map((each) => [each.task, each]));
    const infos = new Map(this.#tasks.list().map((each) => [each.task, each]));
    const names = [...new Set([...infos.keys(), ...ledgers.keys()])].toSorted();
    return {
      about: {
        instanceId,
        version: VERSION,
        basePath: session?.paths.base ?? null,
        connection: this.#connection.state ?? 'standalone',
        connectionSince: this.#connection.since,
        historySince: this.#terms.since,
        hasActions: this.#hasActions,
        isComplete: view.isComplete,
        isTruncated: view.isTruncated,
        problem: view.problem,
      },
      instances: view.instances,
      elections: new Map(
        view.elections.map((each) => [
          each.election,
          electionPart(
            each,
            this.#terms.of(each.election),
            own.get(each.election),
          ),
        ]),
      ),
      tasks: new Map(
        names.map((task) => {
          const ledger = ledgers.get(task);
          return [
            task,
            taskPart(
              task,
              infos.get(task),
              ledger,
              ledger ? this.#withoutRun(ledger) : [],
              this.#localRuns.of(task),
              instanceId,
            ),
          ] as const;
        }),
      ),
    };
  }

  /** Ticks between the first and the last that the ledger knows of. */
  #withoutRun(ledger: LedgerView): readonly Date[] {
    const known = this.#ticksWithoutRun.get(ledger);
    if (known) {
      return known;
    }
    const ran = new Set(ledger.runs.map(({ tick }) => tick.getTime()));
    const found = this.#tasks
      .ticksBetween(
        ledger.task,
        Math.min(...ran),
        ledger.decidedTick?.getTime() ?? 0,
        MOST_TICKS,
      )
      .filter((tick) => !ran.has(tick))
      .map((tick) => new Date(tick));
    this.#ticksWithoutRun.set(ledger, found);
    return found;
  }
}

function prefixed(
  prefix: string,
  parts: ReadonlyMap<string, unknown>,
): [string, unknown][] {
  return [...parts].map(([name, part]) => [prefix + name, part]);
}
