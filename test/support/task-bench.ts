import { jest } from '@jest/globals';
import { ScheduleModule, SchedulerRegistry } from '@nestjs/schedule';
import { CronJob } from 'cron';
import {
  currentLeaderTask,
  LeaderElection,
  LeaderTasks,
  type LeaderTaskContext,
  type LeaderTaskEvent,
  type OnlyLeaderOptions,
  type ZookeeperLeaderModuleOptions,
} from '../../lib/index.js';
import { sortedNodes } from '../../lib/election/election-node.js';
import { NodePaths } from '../../lib/node-paths.js';
import { MemoryLogger } from './memory-logger.js';
import {
  closeApplications,
  exempt,
  startApplication,
} from './nest-application.js';
import { TcpProxy } from './tcp-proxy.js';
import { waitFor } from './wait-for.js';
import { NOT_FAKED } from './wall-clock.js';
import { WireClient } from './wire-client.js';
import { ZookeeperServer } from './zookeeper-server.js';

export interface BenchOptions extends OnlyLeaderOptions {
  /** Cron expression. Default: every minute. */
  readonly expression?: string;
  /** Default UTC. */
  readonly timeZone?: string;
}

export interface BenchInstanceOptions extends ZookeeperLeaderModuleOptions {
  readonly isProxied?: boolean;
}

/** A run, as its method has seen it. */
export interface SeenRun {
  readonly by: string;
  readonly tick: string | undefined;
  readonly attempt: number;
  readonly trigger: string;
  readonly fencingToken: number;
}

/** What a run does; by default nothing. */
export type Work = (run: LeaderTaskContext) => unknown;

/** One application with one task. */
export interface BenchInstance {
  readonly name: string;
  readonly election: LeaderElection;
  readonly tasks: LeaderTasks;
  readonly events: LeaderTaskEvent[];
  readonly proxy: TcpProxy | undefined;
  /** The job of the task. A test can make it say that it is stopped. */
  readonly job: { isActive: boolean };
  /** Calls the task as its cron job does. */
  fire(): Promise<unknown>;
  close(): Promise<void>;
}

/**
 * Applications with one and the same task, in one process, whose wall clock only
 * moves when it is set: ticks come when a test says so. Timers, and the
 * clock that leases are measured by, go on.
 */
export class TaskBench {
  readonly task = 'task';
  readonly logger = new MemoryLogger();
  readonly runs: SeenRun[] = [];
  work: Work = () => undefined;
  readonly #proxies: TcpProxy[] = [];

  /** A server that grants the sessions of a bench. */
  static startServer(): Promise<ZookeeperServer> {
    return ZookeeperServer.start({ maxSessionTimeoutMs: SESSION_TIMEOUT_MS });
  }

  constructor(
    readonly server: ZookeeperServer,
    readonly basePath: string,
    readonly options: BenchOptions,
    now = '2026-01-01T12:00:00Z',
  ) {
    jest.useFakeTimers({ now: new Date(now), doNotFake: NOT_FAKED });
  }

  /** The wall clock of all instances. */
  set now(time: string) {
    jest.setSystemTime(new Date(time));
  }

  get ledgerPath(): string {
    return new NodePaths(this.basePath).task(this.task);
  }

  async start(
    name: string,
    { isProxied, ...own }: BenchInstanceOptions = {},
  ): Promise<BenchInstance> {
    const proxy = isProxied
      ? await TcpProxy.start({ targetPort: this.server.port })
      : undefined;
    if (proxy) {
      this.#proxies.push(proxy);
    }
    const app = await startApplication({
      imports: [ScheduleModule.forRoot()],
      logger: this.logger,
      options: {
        connectionString: (proxy ?? this.server).connectionString,
        basePath: this.basePath,
        instanceId: name,
        // The wall clock of a test makes leaps that no lease should end by.
        sessionTimeoutMs: SESSION_TIMEOUT_MS,
        maxStallMs: SESSION_TIMEOUT_MS,
        drainTimeoutMs: 200,
        ...own,
      },
    });
    const election = app.get(LeaderElection);
    const tasks = app.get(LeaderTasks);
    const events: LeaderTaskEvent[] = [];
    tasks.events$.subscribe((event) => events.push(event));
    const {
      expression = '0 * * * * *',
      timeZone = 'UTC',
      ...options
    } = this.options;
    const guarded = election.onlyLeader(() => this.#run(name), {
      task: this.task,
      ...options,
    });
    // Not started, though it says so: the test calls it, at the time that it has
    // set.
    const job = CronJob.from({
      cronTime: expression,
      onTick: guarded as () => void,
      timeZone,
    });
    Object.defineProperty(job, 'isActive', { value: true, writable: true });
    app.get(SchedulerRegistry).addCronJob(name, job);
    await waitFor(() => election.leadership.role !== 'idle', {
      description: `${name} to have joined`,
    });
    if (options.ledger) {
      await waitFor(() => this.inspect((zk) => zk.exists(this.ledgerPath)), {
        description: 'the first leader to have begun the ledger',
      });
    }
    return {
      name,
      election,
      tasks,
      events,
      proxy,
      job,
      fire: async () => guarded.call(job),
      close: () => app.close(),
    };
  }

  /** The ticks that were run, in order, and by whom: `A 12:00`. */
  get ticks(): string[] {
    return this.runs.map(({ by, tick }) => `${by} ${tick}`);
  }

  /** Looks at ZooKeeper with a client that is not the library's. */
  async inspect<T>(look: (client: WireClient) => Promise<T>): Promise<T> {
    const client = await WireClient.connect({ port: this.server.port });
    try {
      return await look(client);
    } finally {
      await client.close();
    }
  }

  /** Takes leadership away from this leader, as an outsider can. */
  async removeEntryOf(leader: BenchInstance): Promise<void> {
    const path = new NodePaths(this.basePath).election(leader.election.name);
    await this.inspect(async (zk) => {
      const [first] = sortedNodes(await zk.getChildren(path));
      exempt(leader.election);
      await zk.delete(`${path}/${first?.name}`);
    });
  }

  async close(): Promise<void> {
    await closeApplications();
    for (const proxy of this.#proxies) {
      proxy.close();
    }
    jest.useRealTimers();
  }

  #run(by: string): unknown {
    const run = currentLeaderTask() as LeaderTaskContext;
    const { tick, attempt, trigger, fencingToken } = run;
    this.runs.push({
      by,
      tick: tick?.toISOString().slice(11, 16),
      attempt,
      trigger,
      fencingToken,
    });
    return this.work(run);
  }
}

const SESSION_TIMEOUT_MS = 3_600_000;
