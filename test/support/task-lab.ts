import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { DiscoveryService } from '@nestjs/core';
import { CronTime } from 'cron';
import { BehaviorSubject } from 'rxjs';
import { LeaderElections } from '../../lib/election/leader-elections.js';
import {
  currentLeaderTask,
  type LeaderTaskContext,
  type LeaderTaskEvent,
  type OnlyLeaderFunction,
  type OnlyLeaderOptions,
} from '../../lib/index.js';
import { Partitions } from '../../lib/partitions/partitions.js';
import { LeaderTasks } from '../../lib/tasks/leader-tasks.js';
import type { NodeClient } from '../../lib/session/nodes.js';
import type { MemoryClient } from '../../lib/tasks/ledger/memory-client.js';
import { Schedules } from '../../lib/tasks/schedule/schedules.js';
import { FakeCluster, FakeLeaderElection } from '../../lib/testing/index.js';
import { resolveOptions } from '../../lib/zookeeper-leader.options.js';
import type { Connection } from '../../lib/zookeeper/zookeeper-client.interface.js';
import { ZookeeperError } from '../../lib/zookeeper/zookeeper.error.js';
import { MemoryLogger } from './memory-logger.js';
import { NOT_FAKED } from './wall-clock.js';

/** What becomes of a request on its way. */
export type Loss = 'answer' | 'request' | 'both';

/** A connection of one member to the nodes of the lab, which can be broken. */
export class LabClient implements NodeClient {
  readonly connection$ = new BehaviorSubject<Connection>({
    state: 'connected',
    epoch: 1,
  });
  /** Writes that were sent, by their path. */
  readonly writes: string[] = [];
  /** Says what the next writes come to; undefined: they arrive. */
  loses: ((path: string, data: string) => Loss | undefined) | undefined;
  readonly #nodes: MemoryClient;

  constructor(nodes: MemoryClient) {
    this.#nodes = nodes;
  }

  get connection(): Connection {
    return this.connection$.value;
  }

  disconnect(): void {
    this.connection$.next({ ...this.connection, state: 'suspended' });
  }

  connect(): void {
    const { epoch } = this.connection;
    this.connection$.next({ state: 'connected', epoch: epoch + 1 });
  }

  create(...args: Parameters<MemoryClient['create']>): Promise<string> {
    return this.#write(args[0], args[1], () => this.#nodes.create(...args));
  }

  set(...args: Parameters<NodeClient['set']>): ReturnType<NodeClient['set']> {
    return this.#write(args[0], args[1], () => this.#nodes.set(...args));
  }

  delete(...args: Parameters<NodeClient['delete']>): Promise<void> {
    return this.#write(args[0], '', () => this.#nodes.delete(...args));
  }

  get(...args: Parameters<NodeClient['get']>): ReturnType<NodeClient['get']> {
    return this.#read(() => this.#nodes.get(...args));
  }

  getChildren(
    ...args: Parameters<NodeClient['getChildren']>
  ): ReturnType<NodeClient['getChildren']> {
    return this.#read(() => this.#nodes.getChildren(...args));
  }

  sync(): Promise<void> {
    return this.#read(() => this.#nodes.sync());
  }

  async #read<T>(act: () => Promise<T>): Promise<T> {
    this.#refuse();
    return act();
  }

  async #write<T>(
    path: string,
    data: string,
    act: () => Promise<T>,
  ): Promise<T> {
    this.#refuse();
    this.writes.push(path);
    const loss = this.loses?.(path, data);
    const answer = loss === 'request' || loss === 'both' ? undefined : act();
    await answer;
    if (loss) {
      throw new ZookeeperError('CONNECTION_LOSS', 'The connection was lost');
    }
    return answer as Promise<T>;
  }

  #refuse(): void {
    if (this.connection.state !== 'connected') {
      throw new ZookeeperError('CONNECTION_LOSS', 'There is no connection');
    }
  }
}

/** A job as `cron` has it, which a test starts, stops and fires. */
export class LabJob {
  isActive = true;
  waitForCompletion = false;
  readonly lastExecution = null;
  cronTime: CronTime;

  constructor(
    expression: string,
    readonly _callbacks: readonly unknown[],
  ) {
    this.cronTime = new CronTime(expression, 'UTC');
  }
}

/** Looks like the registry of `@nestjs/schedule`. */
class LabRegistry {
  readonly jobs = new Map<string, LabJob>();

  getCronJobs(): Map<string, LabJob> {
    return this.jobs;
  }

  getIntervals(): string[] {
    return [];
  }

  getTimeouts(): string[] {
    return [];
  }
}

export interface LabOptions extends OnlyLeaderOptions {
  /** Cron expression; default every minute. Null: there is no job. */
  readonly expression?: string | null;
  readonly drainTimeoutMs?: number;
}

/** One application of the lab, with one task. */
export interface LabMember {
  readonly name: string;
  readonly election: FakeLeaderElection;
  readonly tasks: LeaderTasks;
  readonly events: LeaderTaskEvent[];
  readonly client: LabClient;
  readonly job: LabJob;
  readonly jobs: Map<string, LabJob>;
  readonly guarded: OnlyLeaderFunction<[], unknown>;
  /** Calls the task as its job does. */
  fire(): Promise<unknown>;
  /** As when the process is killed: it does nothing any more. */
  crash(): void;
}

export interface LabRun {
  readonly by: string;
  readonly tick: string | undefined;
  readonly tickMs: number | undefined;
  readonly attempt: number;
  readonly trigger: string;
}

/**
 * Applications with one and the same task in one process, over nodes in memory. The
 * wall clock only moves when it is set, timers go on.
 */
export class TaskLab {
  readonly logger = new MemoryLogger();
  readonly runs: LabRun[] = [];
  readonly members: LabMember[] = [];
  work: (run: LeaderTaskContext, by: string) => unknown = () => undefined;
  readonly cluster = new FakeCluster();

  constructor(
    readonly options: LabOptions = {},
    now = '2026-01-01T12:00:00Z',
  ) {
    Logger.overrideLogger(this.logger);
    jest.useFakeTimers({ now: new Date(now), doNotFake: NOT_FAKED });
  }

  set now(time: string | number) {
    jest.setSystemTime(new Date(time));
  }

  /** `A 12:01`, in the order in which they began. */
  get ticks(): string[] {
    return this.runs.map(({ by, tick }) => `${by} ${tick}`);
  }

  get path(): string {
    return this.cluster.nodes.paths.task('task');
  }

  async ledger(): Promise<Record<string, unknown>> {
    const { data } = await this.cluster.nodes.client.get(this.path);
    return JSON.parse(data) as Record<string, unknown>;
  }

  member(name: string): LabMember {
    const {
      expression = '0 * * * * *',
      drainTimeoutMs,
      ...task
    } = this.options;
    const registry = new LabRegistry();
    const client = new LabClient(this.cluster.nodes.client as MemoryClient);
    const options = resolveOptions({
      standalone: true,
      drainTimeoutMs: drainTimeoutMs ?? 100,
    });
    const elections = new LeaderElections(
      options,
      { instanceId: name, host: 'localhost', pid: process.pid },
      'lab',
      (parts) =>
        new FakeLeaderElection(
          { name: parts.name, instanceId: name, cluster: this.cluster },
          parts,
        ),
    );
    const discovery = {
      getProviders: () => [{ instance: registry }],
      getControllers: () => [],
    } as unknown as DiscoveryService;
    const tasks = new LeaderTasks(
      elections,
      new Schedules(discovery),
      { client, paths: this.cluster.nodes.paths },
      options,
      new Partitions(elections, options),
    );
    const election = elections.find('default', 'lab') as FakeLeaderElection;
    const events: LeaderTaskEvent[] = [];
    tasks.events$.subscribe((event) => events.push(event));
    let isAlive = true;
    const guarded: OnlyLeaderFunction<[], unknown> = election.onlyLeader(
      () => {
        const run = currentLeaderTask() as LeaderTaskContext;
        this.runs.push({
          by: name,
          tick: run.tick?.toISOString().slice(11, 16),
          tickMs: run.tick?.getTime(),
          attempt: run.attempt,
          trigger: run.trigger,
        });
        return this.work(run, name);
      },
      { task: 'task', ...task },
    );
    const job = new LabJob(expression ?? '0 * * * * *', [guarded]);
    if (expression !== null) {
      registry.jobs.set('job', job);
    }
    const member: LabMember = {
      name,
      election,
      tasks,
      events,
      client,
      job,
      jobs: registry.jobs,
      guarded,
      fire: async () => (isAlive ? guarded.call(job) : undefined),
      crash: () => {
        isAlive = false;
        client.disconnect();
        tasks.end();
        election.depose();
      },
    };
    this.members.push(member);
    return member;
  }

  async close(): Promise<void> {
    for (const { election, tasks } of this.members) {
      election.depose();
      await tasks.close();
      tasks.end();
    }
    jest.useRealTimers();
  }
}

/** Lets everything happen that waits for nothing but promises. */
export async function settled(turns = 12): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}
