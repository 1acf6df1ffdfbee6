import { fileURLToPath } from 'node:url';
import type {
  LeaderTaskOptions,
  ZookeeperLeaderModuleOptions,
} from '../../lib/index.js';
import { ProcessInstance, type ProcessEvent } from './process-instance.js';
import { leadershipOf } from './process-leadership.js';
import { waitFor } from './wait-for.js';

/** A task of all instances; see task-instance.main.mjs. */
export interface TaskDescription {
  readonly task: string;
  readonly cron?: string;
  readonly intervalMs?: number;
  readonly options?: LeaderTaskOptions;
  readonly runMs?: readonly [least: number, most: number];
  /** URL of a module whose `work(run, tell)` a run calls. */
  readonly work?: string;
  readonly heedsSignal?: boolean;
}

/** A run as reported by the process that ran it. */
export interface ToldRun {
  readonly task: string;
  readonly tick: number;
  readonly attempt: number;
  readonly fencingToken: number;
  readonly beganNs: bigint;
  /** Absent if it was not told. */
  readonly endedNs?: bigint;
  readonly abortedNs?: bigint;
  readonly instance: ProcessInstance;
}

export interface StartedInstance {
  /** In addition to the environment of the test. */
  readonly env?: Record<string, string>;
  readonly instanceId?: string;
  readonly connectionString?: string;
  readonly priority?: number;
  /** Arguments for node itself. */
  readonly execArgv?: string[];
}

const MAIN = fileURLToPath(
  new URL('./task-instance.main.mjs', import.meta.url),
);

/**
 * Instances of one application with leader tasks, each in a process of its own
 * that can be killed, frozen or told to resign.
 */
export class TaskInstances {
  /** Those that have ended too. */
  readonly all: ProcessInstance[] = [];

  constructor(
    readonly options: ZookeeperLeaderModuleOptions,
    readonly tasks: readonly TaskDescription[],
  ) {}

  get running(): ProcessInstance[] {
    return this.all.filter(({ running }) => running);
  }

  /** The instance that says that it leads. */
  get leader(): ProcessInstance | undefined {
    return this.running.find(isLeading);
  }

  /** Everything that was told, in the order of time. */
  get events(): ProcessEvent[] {
    return this.all.flatMap(({ events }) => events).toSorted(byTime);
  }

  /** The runs that were told, in the order in which they began. */
  get runs(): ToldRun[] {
    return this.all
      .flatMap((instance) => runsOf(instance))
      .toSorted((a, b) => (a.beganNs < b.beganNs ? -1 : 1));
  }

  start({
    env = {},
    execArgv = [],
    ...own
  }: StartedInstance = {}): ProcessInstance {
    const instance = new ProcessInstance(MAIN, {
      execArgv,
      env: {
        OPTIONS: JSON.stringify({ ...this.options, ...own }),
        TASKS: JSON.stringify(this.tasks),
        ...env,
      },
    });
    this.all.push(instance);
    return instance;
  }

  /** Starts an instance and waits until it leads or waits for its turn. */
  async join(started?: StartedInstance): Promise<ProcessInstance> {
    const instance = this.start(started);
    await this.joined(instance);
    return instance;
  }

  async joined(instance: ProcessInstance): Promise<void> {
    await waitFor(
      () => instance.events.some(({ type }) => /^(leading|foll)/.test(type)),
      {
        timeoutMs: 30_000,
        description: `an instance to join, which has said ${instance.stderr}`,
      },
    );
  }

  /** Waits for a leader, another one than `former` if that is given. */
  waitForLeader(former?: ProcessInstance): Promise<ProcessInstance> {
    return waitFor(
      () => this.running.find((each) => each !== former && isLeading(each)),
      { timeoutMs: 30_000, description: 'somebody to lead' },
    );
  }

  /** Ends all of them, and proves that one led at a time. */
  async close(): Promise<void> {
    await ProcessInstance.closeAll();
    leadershipOf(this.all).assertNoViolations();
  }
}

function isLeading({ events }: ProcessInstance): boolean {
  const last = events.findLast(({ type }) => /^(leading|lost)$/.test(type));
  return last?.type === 'leading';
}

function runsOf(instance: ProcessInstance): ToldRun[] {
  const { events } = instance;
  return events
    .filter(({ type }) => type === 'run began')
    .map((began) => {
      const at = (wanted: string): bigint | undefined => {
        const found = events.find(
          ({ type, task, tick, attempt }) =>
            type === wanted &&
            task === began.task &&
            tick === began.tick &&
            attempt === began.attempt,
        );
        return found && nsOf(found);
      };
      const [endedNs, abortedNs] = [at('run ended'), at('run aborted')];
      return {
        task: String(began.task),
        tick: Number(began.tick),
        attempt: Number(began.attempt),
        fencingToken: Number(began.fencingToken),
        beganNs: nsOf(began),
        ...(endedNs !== undefined && { endedNs }),
        ...(abortedNs !== undefined && { abortedNs }),
        instance,
      };
    });
}

function byTime(a: ProcessEvent, b: ProcessEvent): number {
  return nsOf(a) < nsOf(b) ? -1 : 1;
}

function nsOf({ atNs }: ProcessEvent): bigint {
  return BigInt(String(atNs));
}
