import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { DiscoveryService } from '@nestjs/core';
import { Cron, Interval } from '@nestjs/schedule';
import {
  currentLeaderTask,
  type LeaderTaskEvent,
  type MissedTicksPolicy,
} from '../../../lib/index.js';
import { resolveLedgerOptions } from '../../../lib/leader-task.options.js';
import { LeaderTask } from '../../../lib/tasks/leader-task.js';
import { memoryNodes } from '../../../lib/tasks/ledger/memory-client.js';
import {
  Schedules,
  type TaskSchedule,
} from '../../../lib/tasks/schedule/schedules.js';
import { TaskEvents } from '../../../lib/tasks/task-events.js';
import { FakeLeaderElection } from '../../../lib/testing/index.js';
import { LabJob, settled } from '../../support/task-lab.js';
import { NOT_FAKED } from '../../support/wall-clock.js';

const EXPRESSION = '0 * * * * *';
const MINUTE = 60_000;

class Jobs {
  @Cron(EXPRESSION, { name: 'own' })
  named(): void {}

  @Cron(EXPRESSION)
  unnamed(): void {}

  @Interval('own interval', MINUTE)
  namedInterval(): void {}

  @Interval(MINUTE)
  unnamedInterval(): void {}

  /** Of the same expression and length, beside each of them. */
  @Cron(EXPRESSION)
  twin(): void {}

  @Interval(MINUTE)
  twinInterval(): void {}
}

/** The scheduler of an application, as its registry and orchestrator show it. */
class World {
  readonly instance = new Jobs();
  readonly fn = (): void => undefined;
  readonly jobs = new Map<string, LabJob>();
  readonly intervals = new Set<string>();
  readonly schedules: Schedules;

  constructor() {
    const { jobs, intervals } = this;
    for (const name of ['own', 'id-1', 'id-2']) {
      jobs.set(name, new LabJob(EXPRESSION, []));
    }
    jobs.set('of the function', new LabJob(EXPRESSION, [this.fn]));
    ['own interval', 'id-3', 'id-4'].forEach((name) => intervals.add(name));
    class Registry {
      getCronJobs(): Map<string, LabJob> {
        return jobs;
      }
      getIntervals(): string[] {
        return [...intervals];
      }
      getTimeouts(): string[] {
        return [];
      }
      doesExist(type: string, name: string): boolean {
        return type === 'interval' && intervals.has(name);
      }
    }
    class Orchestrator {
      readonly cronJobs = { own: {}, 'id-1': {}, 'id-2': {} };
      readonly intervals = { 'own interval': {}, 'id-3': {}, 'id-4': {} };
      addCron(): void {}
      addInterval(): void {}
    }
    this.schedules = new Schedules({
      getControllers: () => [],
      getProviders: () =>
        [new Registry(), new Orchestrator(), this.instance].map((instance) => ({
          instance,
          isDependencyTreeStatic: () => true,
        })),
    } as unknown as DiscoveryService);
  }
}

interface Kind {
  readonly name: string;
  readonly job: string;
  readonly twin: string;
  readonly isInterval?: true;
  readonly schedule: (world: World) => TaskSchedule;
}

const ofMethod =
  (key: keyof Jobs) =>
  ({ schedules, instance }: World): TaskSchedule =>
    schedules.ofMethod(instance, key);

const kinds: Kind[] = [
  {
    name: '@Cron() with a name',
    job: 'own',
    twin: 'id-2',
    schedule: ofMethod('named'),
  },
  { name: '@Cron()', job: 'id-1', twin: 'id-2', schedule: ofMethod('unnamed') },
  {
    name: '@Interval() with a name',
    job: 'own interval',
    twin: 'id-4',
    isInterval: true,
    schedule: ofMethod('namedInterval'),
  },
  {
    name: '@Interval()',
    job: 'id-3',
    twin: 'id-4',
    isInterval: true,
    schedule: ofMethod('unnamedInterval'),
  },
  {
    name: 'onlyLeader()',
    job: 'of the function',
    twin: 'id-1',
    schedule: ({ schedules, fn }) => schedules.ofFunction('task', fn),
  },
];

/** What has been done to the job, and how it comes back. */
interface State {
  readonly name: string;
  readonly isOff: boolean;
  readonly of: 'cron' | 'interval' | 'both';
  readonly enter: (world: World, kind: Kind) => void;
  readonly leave?: (world: World, kind: Kind) => void;
}

function remove({ jobs, intervals }: World, name: string): void {
  jobs.delete(name);
  intervals.delete(name);
}

const start = ({ jobs }: World, { job }: Kind): void =>
  void (jobs.get(job)!.isActive = true);
const stop = ({ jobs }: World, { job }: Kind): void =>
  void (jobs.get(job)!.isActive = false);
const states: State[] = [
  { name: 'active', isOff: false, of: 'both', enter: () => undefined },
  { name: 'disabled', isOff: true, of: 'cron', enter: stop, leave: start },
  { name: 'stopped', isOff: true, of: 'cron', enter: stop, leave: start },
  { name: 'delayed', isOff: true, of: 'cron', enter: stop, leave: start },
  {
    name: 'deleted',
    isOff: true,
    of: 'both',
    enter: (world, { job }) => remove(world, job),
  },
  {
    name: 'loaded later',
    isOff: true,
    of: 'cron',
    enter: ({ jobs }, { job }) => void jobs.delete(job),
    leave: ({ jobs, fn }, { job }) =>
      void jobs.set(job, new LabJob(EXPRESSION, [fn])),
  },
  {
    name: 'active beside a twin that is off',
    isOff: false,
    of: 'cron',
    enter: ({ jobs }, { twin }) => void (jobs.get(twin)!.isActive = false),
  },
  {
    name: 'active beside a twin that is deleted',
    isOff: false,
    of: 'both',
    enter: (world, { twin }) => remove(world, twin),
  },
  {
    name: 'off beside a twin that is active',
    isOff: true,
    of: 'cron',
    enter: stop,
    leave: start,
  },
  {
    name: 'not made, with intervals: false',
    isOff: true,
    of: 'interval',
    enter: ({ intervals }) => intervals.clear(),
    leave: ({ intervals }) =>
      ['own interval', 'id-3', 'id-4'].forEach((name) => intervals.add(name)),
  },
];

const policies = ['latest', 'all', 'skip'] as const;
/** Of the ticks 12:01, 12:02 and 12:03, at half past 12:03. */
const expected: Record<MissedTicksPolicy, { runs: string[]; missed: number }> =
  {
    latest: { runs: ['12:03'], missed: 2 },
    all: { runs: ['12:01', '12:02', '12:03'], missed: 0 },
    skip: { runs: [], missed: 3 },
  };

const closing = new AbortController();

/** A leader of that job, with a ledger that began at 12:00. */
async function setUp(kind: Kind, state: State, missedTicks: MissedTicksPolicy) {
  jest.useFakeTimers({
    now: new Date('2026-01-01T12:00:00Z'),
    doNotFake: NOT_FAKED,
  });
  const world = new World();
  const schedule = kind.schedule(world);
  // Known before it is switched off, as by an application that has started.
  schedule.ticks();
  const election = new FakeLeaderElection();
  const events: LeaderTaskEvent[] = [];
  const taskEvents = new TaskEvents();
  taskEvents.events$.subscribe((event) => events.push(event));
  const runs: string[] = [];
  const ledger = resolveLedgerOptions({ missedTicks }, 'the test');
  if (!ledger) {
    throw new Error('These are the options of a ledger');
  }
  const logger = new Logger();
  logger.warn = () => undefined;
  const host = {
    events: taskEvents,
    logger,
    nodes: memoryNodes(),
    isClosing: false,
    closing: closing.signal,
    graceMs: 100,
    pauses: { known: undefined, follow: () => undefined },
    ownRunsOf: () => new Map(),
    runsChanged: () => undefined,
  };
  const task: LeaderTask = new LeaderTask(host, {
    name: 'task',
    election,
    schedule,
    canWait: true,
    options: {
      ledger,
      overlap: 'skip',
      retry: undefined,
      timeLimitMs: undefined,
      partitions: undefined,
    },
    invoke: () =>
      task.call(
        () => runs.push(currentLeaderTask()!.tick!.toISOString().slice(11, 16)),
        undefined,
        [],
      ),
  });
  const begin = async (): Promise<void> => {
    election.elect();
    task.termBegan();
    task.look();
    await settled();
  };
  const end = (): void => {
    election.depose();
    task.termEnded();
  };
  await begin();
  state.enter(world, kind);
  return {
    task,
    election,
    begin,
    end,
    runs,
    leave: () => state.leave?.(world, kind),
    /** Now, as the leader looks for it by itself. */
    look: async () => {
      task.look();
      await settled(30);
    },
    get missed() {
      return events.reduce(
        (sum, event) => sum + (event.type === 'missed' ? event.count : 0),
        0,
      );
    },
  };
}

type Scene = Awaited<ReturnType<typeof setUp>>;

/** What happens at half past 12:03, after three ticks that nobody called for. */
const phases: Record<string, (scene: Scene) => Promise<void>> = {
  'a term begins': async ({ end, begin, look }) => {
    end();
    await begin();
    await look();
  },
  'a term goes on': ({ look }) => look(),
  'a term has ended': async ({ end, look }) => {
    end();
    await look();
  },
  'the process comes out of a stall': async ({ election, runs, look }) => {
    election.suspend();
    const { revalidate } = election;
    election.revalidate = async () => false;
    await look();
    expect(runs).toEqual([]);
    election.revalidate = revalidate.bind(election);
    election.resume();
    await look();
  },
};

const rows = kinds.flatMap((kind) =>
  states
    .filter(
      ({ of }) =>
        of === 'both' || (of === 'interval') === Boolean(kind.isInterval),
    )
    .map((state) => [kind.name, state.name, kind, state] as const),
);

afterEach(() => {
  jest.useRealTimers();
});

describe.each(rows)('a job of %s that is %s', (_, __, kind, state) => {
  const isCalledLater = (policy: MissedTicksPolicy): boolean =>
    policy === 'skip' && Boolean(kind.isInterval);

  it.each(Object.keys(phases))(
    'catches up as it should when %s',
    async (name) => {
      for (const policy of policies) {
        const scene = await setUp(kind, state, policy);
        jest.setSystemTime(new Date('2026-01-01T12:03:30Z'));
        await phases[name]!(scene);
        const hasEnded = name === 'a term has ended';
        const { runs, missed } = expected[policy];
        // An interval may still call for its last tick.
        const due = [policy, runs, isCalledLater(policy) ? missed - 1 : missed];
        const nothing = [policy, [], 0];
        const done = (): unknown[] => [policy, scene.runs, scene.missed];
        expect(done()).toEqual(state.isOff || hasEnded ? nothing : due);
        scene.leave();
        await scene.look();
        const isBack = !state.isOff || state.leave !== undefined;
        expect(done()).toEqual(isBack && !hasEnded ? due : nothing);
        scene.task.dispose();
        jest.useRealTimers();
      }
    },
  );
});
