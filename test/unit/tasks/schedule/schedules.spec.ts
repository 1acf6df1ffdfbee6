import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Injectable, type Provider } from '@nestjs/common';
import {
  Cron,
  Interval,
  ScheduleModule,
  SchedulerRegistry,
  Timeout,
} from '@nestjs/schedule';
import { CronTime } from 'cron';
import { Registry } from 'prom-client';
import {
  currentLeaderTask,
  LeaderTasks,
  OnlyLeader,
  type LeaderTaskInfo,
} from '../../../../lib/index.js';
import { ZookeeperLeaderMetricsModule } from '../../../../lib/metrics/index.js';
import { LeaderTask } from '../../../../lib/tasks/leader-task.js';
import { startGuarded } from '../../../support/guarded-application.js';
import { MemoryLogger } from '../../../support/memory-logger.js';
import {
  closeApplications,
  startApplication,
} from '../../../support/nest-application.js';
import { settled } from '../../../support/task-lab.js';
import { waitFor } from '../../../support/wait-for.js';
import { NOT_FAKED } from '../../../support/wall-clock.js';

afterEach(async () => {
  await closeApplications();
  jest.useRealTimers();
});

const YEARLY = '0 0 0 1 1 *';

function byName(tasks: LeaderTasks): Record<string, LeaderTaskInfo> {
  return Object.fromEntries(tasks.list().map((info) => [info.task, info]));
}

/** With a module of its own making, unlike {@link startGuarded}. */
async function startWith(
  schedule: ReturnType<typeof ScheduleModule.forRoot>[],
  providers: Provider[],
) {
  const logger = new MemoryLogger();
  const app = await startApplication({
    options: { standalone: true },
    imports: schedule,
    providers,
    logger,
  });
  return { app, logger, tasks: app.get(LeaderTasks) };
}

describe('a job is known by its owner', () => {
  @Injectable()
  class Off {
    @Cron(YEARLY, { disabled: true })
    @OnlyLeader({ task: 'off', ledger: true })
    run(): void {}
  }

  @Injectable()
  class On {
    @Cron(YEARLY)
    @OnlyLeader({ task: 'on', ledger: true })
    run(): void {}
  }

  @Injectable()
  class Foreign {
    @Cron(YEARLY, { disabled: true })
    run(): void {}

    @Interval(60_000)
    poll(): void {}
  }

  it.each([
    ['before', [Off, Foreign, On]],
    ['after', [On, Foreign, Off]],
  ])(
    'where a twin of the same expression stands %s it',
    async (_, providers) => {
      const { tasks } = await startGuarded(providers);
      const { on, off } = byName(tasks);
      expect(on).toMatchObject({ isActive: true, nextTick: expect.any(Date) });
      expect(off).toMatchObject({ isActive: false });
      expect(off?.nextTick).toBeUndefined();
    },
  );

  it('also where several intervals have one length', async () => {
    class Base {
      @Interval(60_000)
      plain(): void {}
    }
    @Injectable()
    class Jobs extends Base {
      @Interval(60_000)
      @OnlyLeader({ task: 'first' })
      first(): void {}

      @Interval('named', 60_000)
      @OnlyLeader({ task: 'second' })
      second(): void {}

      @OnlyLeader({ task: 'third' })
      @Interval(60_000)
      third(): void {}
    }
    const { app, tasks } = await startGuarded([Foreign, Jobs]);
    const registry = app.get(SchedulerRegistry);
    expect(Object.values(byName(tasks)).map((each) => each.isActive)).toEqual([
      true,
      true,
      true,
    ]);
    registry.deleteInterval('named');
    expect(byName(tasks)).toMatchObject({
      first: { isActive: true },
      second: { isActive: false },
      third: { isActive: true },
    });
    // Those without a name go one by one, and each with its owner.
    const unnamed = registry.getIntervals();
    const owners = unnamed.map((name) => {
      const before = byName(tasks);
      registry.deleteInterval(name);
      const after = byName(tasks);
      return Object.keys(after).filter(
        (task) => before[task]?.isActive && !after[task]?.isActive,
      );
    });
    expect(owners.flat().toSorted()).toEqual(['first', 'third']);
    expect(owners.every((each) => each.length <= 1)).toBe(true);
  });

  it('also where a class is provided twice', async () => {
    @Injectable()
    class Jobs {
      @Cron(YEARLY)
      @OnlyLeader()
      run(): void {}
    }
    const { app, tasks } = await startGuarded([
      { provide: 'one', useClass: Jobs },
      { provide: 'two', useClass: Jobs },
    ]);
    const registry = app.get(SchedulerRegistry);
    const [first] = [...registry.getCronJobs().keys()];
    registry.deleteCronJob(String(first));
    const { 'Jobs.run': one, 'Jobs.run#2': two } = byName(tasks);
    expect([one?.isActive, two?.isActive]).toEqual([false, true]);
  });

  it('also where its class has another name, as after minifying', async () => {
    const name = SchedulerRegistry.name;
    Object.defineProperty(SchedulerRegistry, 'name', { value: 'e' });
    try {
      const { tasks } = await startGuarded([On]);
      expect(byName(tasks).on).toMatchObject({ isActive: true });
    } finally {
      Object.defineProperty(SchedulerRegistry, 'name', { value: name });
    }
  });
});

describe('a job that is switched off', () => {
  @Injectable()
  class Jobs {
    @Cron(YEARLY)
    @OnlyLeader({ task: 'cron', ledger: true })
    cron(): void {}

    @Interval(3_600_000)
    @OnlyLeader({ task: 'interval', ledger: true })
    interval(): void {}

    @Timeout(3_600_000)
    @OnlyLeader({ task: 'timeout', ledger: true })
    timeout(): void {}
  }

  it.each<[string, ReturnType<typeof ScheduleModule.forRoot>[]]>([
    [
      'cronJobs and intervals: false',
      [ScheduleModule.forRoot({ cronJobs: false, intervals: false })],
    ],
    ['no ScheduleModule', []],
  ])('by %s is not active', async (_, schedule) => {
    const { tasks } = await startWith(schedule, [Jobs]);
    expect(byName(tasks)).toMatchObject({
      cron: { isActive: false },
      interval: { isActive: false },
    });
  });

  it('on a leader is logged', async () => {
    const { logger } = await startWith(
      [ScheduleModule.forRoot({ cronJobs: false, intervals: false })],
      [Jobs],
    );
    await waitFor(() => logger.messages('warn').length > 0);
    expect(logger.messages('warn')).toEqual([
      expect.stringMatching(/leads, .* no job .*"cron", "interval"/),
    ]);
  });

  it('by stop(), deleteCronJob() or deleteInterval() is not active', async () => {
    const { app, tasks } = await startGuarded([Jobs]);
    const registry = app.get(SchedulerRegistry);
    const [name] = [...registry.getCronJobs().keys()];
    const job = registry.getCronJob(String(name));
    expect(byName(tasks).cron?.isActive).toBe(true);
    await job.stop();
    expect(byName(tasks).cron?.isActive).toBe(false);
    job.start();
    expect(byName(tasks).cron?.isActive).toBe(true);
    registry.deleteCronJob(String(name));
    registry.deleteInterval(String(registry.getIntervals()[0]));
    expect(byName(tasks)).toMatchObject({
      cron: { isActive: false },
      interval: { isActive: false },
    });
  });
});

describe('the options of a schedule', () => {
  it('are read as Nest and cron read them', async () => {
    @Injectable()
    class Jobs {
      @Cron(YEARLY, { name: '', timeZone: '' })
      @OnlyLeader({ task: 'empty', ledger: true })
      empty(): void {}

      @Cron(YEARLY, { utcOffset: -90 })
      @OnlyLeader({ task: 'offset', ledger: true })
      offset(): void {}

      @Cron(new Date('2030-01-01T00:00:00Z'))
      @OnlyLeader({ task: 'date', ledger: true })
      date(): void {}

      @Cron(YEARLY, { initialDelay: 3_600_000 })
      @OnlyLeader({ task: 'delayed', ledger: true })
      delayed(): void {}
    }
    const { tasks } = await startGuarded([Jobs]);
    const { empty, offset, date, delayed } = byName(tasks);
    expect(empty).toMatchObject({
      isActive: true,
      schedule: { timeZone: 'UTC' },
    });
    expect(empty?.nextTick?.toISOString().slice(5, 16)).toBe('01-01T00:00');
    expect(offset?.nextTick?.toISOString().slice(5, 16)).toBe('01-01T01:30');
    expect(date?.nextTick).toEqual(new Date('2030-01-01T00:00:00Z'));
    expect(delayed).toMatchObject({ isActive: false });
  });

  it('leave out what passes during a run, with waitForCompletion', async () => {
    jest.useFakeTimers({
      now: new Date('2026-01-01T12:00:30Z'),
      doNotFake: NOT_FAKED,
    });
    const runs: string[] = [];
    let end = (): void => undefined;
    @Injectable()
    class Jobs {
      @Cron('0 * * * * *', { timeZone: 'UTC', waitForCompletion: true })
      @OnlyLeader({ task: 'job', ledger: { missedTicks: 'all' } })
      run(): Promise<void> {
        const { tick, trigger } = currentLeaderTask()!;
        runs.push(`${tick?.toISOString().slice(11, 16)} ${trigger}`);
        return new Promise((resolve) => (end = resolve));
      }
    }
    const { app, tasks } = await startGuarded([Jobs]);
    const [job] = app.get(SchedulerRegistry).getCronJobs().values();
    jest.setSystemTime(new Date('2026-01-01T12:01:00Z'));
    const fired = job!.fireOnTick();
    await waitFor(() => runs.length === 1);
    jest.setSystemTime(new Date('2026-01-01T12:04:30Z'));
    end();
    await fired;
    jest.setSystemTime(new Date('2026-01-01T12:05:00Z'));
    void job!.fireOnTick();
    await waitFor(() => runs.length === 2);
    end();
    expect(runs).toEqual(['12:01 call', '12:05 call']);
    expect(tasks.list()).toMatchObject([{ counts: { missed: 0 } }]);
  });

  it.each([1000 / 3, 2009.9999999999998])(
    'give an interval of %d ms whole ticks',
    async (every) => {
      @Injectable()
      class Jobs {
        @Interval(every)
        @OnlyLeader({ task: 'job', ledger: true })
        poll(): void {}
      }
      const { tasks } = await startGuarded([Jobs]);
      expect(byName(tasks).job).toMatchObject({
        schedule: { everyMs: Math.trunc(every) },
      });
      await waitFor(async () => (await tasks.history('job')).length >= 2, {
        timeoutMs: 10_000,
      });
      const [last, former] = await tasks.history('job');
      const step = Number(last?.tick) - Number(former?.tick);
      expect(step % Math.trunc(every)).toBe(0);
      expect(step).toBeGreaterThan(0);
    },
  );

  it.each([NaN, 0, -5, 2 ** 31])(
    'refuse an interval of %d ms with a ledger, and say why',
    async (every) => {
      @Injectable()
      class Jobs {
        @Interval(every)
        @OnlyLeader({ task: 'job', ledger: true })
        poll(): void {}
      }
      await expect(startGuarded([Jobs])).rejects.toThrow(
        /Jobs\.poll\(\) has a run ledger and has an interval .*from 1 to/,
      );
    },
  );

  it('refuse runOnInit with a ledger, and name the alternative', async () => {
    @Injectable()
    class Jobs {
      @Cron(YEARLY, { runOnInit: true } as never)
      @OnlyLeader({ task: 'job', ledger: true })
      run(): void {}
    }
    await expect(startGuarded([Jobs])).rejects.toThrow(
      /runOnInit.*@OnElected\(\)/,
    );
  });

  it('run an interval on time, though it may be late by less than its length', async () => {
    let runs = 0;
    @Injectable()
    class Jobs {
      @Interval(400)
      @OnlyLeader({ task: 'job', ledger: { maxLatenessMs: 100 } })
      poll(): void {
        runs += 1;
      }
    }
    const { tasks } = await startGuarded([Jobs]);
    const reasons: string[] = [];
    tasks.events$.subscribe((event) => {
      if (event.type === 'skipped') {
        reasons.push(event.reason);
      }
    });
    await waitFor(() => runs >= 4, { timeoutMs: 10_000 });
    expect(reasons).not.toContain('too-late');
  });
});

describe('the warnings at start', () => {
  it('name an override with a schedule and without the decorator', async () => {
    class Base {
      @Cron(YEARLY)
      @OnlyLeader()
      run(): void {}
    }
    @Injectable()
    class Derived extends Base {
      @Cron(YEARLY)
      override run(): void {}
    }
    const { logger } = await startGuarded([Derived]);
    expect(logger.messages('warn')).toEqual([
      expect.stringMatching(/Derived\.run\(\).*overrides Base\.run\(\)/),
    ]);
  });

  it('name an election that only one decorator uses', async () => {
    @Injectable()
    class Jobs {
      @Cron(YEARLY)
      @OnlyLeader('invoices')
      run(): void {}
    }
    const { logger } = await startGuarded([Jobs]);
    expect(logger.messages('warn')).toEqual([
      expect.stringMatching(/"invoices".*task: 'invoices'.*option elections/),
    ]);
    const listed = await startGuarded([Jobs], { elections: ['invoices'] });
    expect(listed.logger.messages('warn')).toEqual([]);
  });
});

describe('the list of tasks', () => {
  /** Jobs for a rare date, as unlike each other as their minutes. */
  function manyJobs(count: number): Provider {
    @Injectable()
    class Jobs {}
    for (let index = 0; index < count; index += 1) {
      const key = `job${index}`;
      Object.defineProperty(Jobs.prototype, key, {
        value: () => undefined,
        configurable: true,
        writable: true,
      });
      const descriptor = Object.getOwnPropertyDescriptor(
        Jobs.prototype,
        key,
      ) as PropertyDescriptor;
      OnlyLeader({ task: key })(Jobs.prototype, key, descriptor);
      Cron(`${index % 60} ${Math.floor(index / 60)} 3 29 2 5`, {
        timeZone: 'Europe/Berlin',
      })(Jobs.prototype, key, descriptor);
      Object.defineProperty(Jobs.prototype, key, descriptor);
    }
    return Jobs;
  }

  afterEach(() => {
    jest.restoreAllMocks();
  });

  it('asks cron for nothing, Intl for a few days, and computes a next tick once', async () => {
    const askedIntl = jest.spyOn(
      Intl.DateTimeFormat.prototype,
      'formatToParts',
    );
    const { tasks } = await startGuarded([manyJobs(200)]);
    const askedCron = jest.spyOn(CronTime.prototype, 'getNextDateFrom');
    askedIntl.mockClear();
    const first = tasks.list();
    // Around today, the tick, and the beginning of its year.
    expect(askedIntl.mock.calls.length).toBeLessThan(20);
    askedIntl.mockClear();
    const next = tasks.list();
    expect(askedIntl).not.toHaveBeenCalled();
    expect(askedCron).not.toHaveBeenCalled();
    expect(first).toHaveLength(200);
    expect(next.map(({ nextTick }) => Number(nextTick))).toEqual(
      first.map(({ nextTick }) => Number(nextTick)),
    );
    expect(tasks.running()).toHaveLength(200);
  });

  it('and a scrape compute no next tick anew', async () => {
    const registry = new Registry();
    const { app, tasks } = await startGuarded(
      [manyJobs(20)],
      {},
      new MemoryLogger(),
      [ZookeeperLeaderMetricsModule.forRoot({ registry })],
    );
    // What is computed before somebody asks for it: one task in a turn, at least.
    await settled(20);
    // A time that only cron can read: each tick is one question.
    let asked = 0;
    for (const job of app.get(SchedulerRegistry).getCronJobs().values()) {
      const { source, timeZone } = job.cronTime;
      const original = job.cronTime;
      Object.assign(job, {
        cronTime: {
          source,
          timeZone,
          realDate: false,
          getNextDateFrom: (from: Date, zone?: string) => {
            asked += 1;
            return original.getNextDateFrom(from, zone);
          },
        },
      });
    }
    await registry.metrics();
    expect(asked).toBe(0);
    tasks.list();
    expect(asked).toBe(20);
    tasks.list();
    expect(await registry.metrics()).toContain('job19');
    expect(asked).toBe(20);
  });

  it('is computed before somebody asks for it, a little in each turn', async () => {
    let turn = 0;
    const turns: number[] = [];
    const { info } = LeaderTask.prototype;
    jest.spyOn(LeaderTask.prototype, 'info').mockImplementation(function (
      this: LeaderTask,
    ) {
      turns.push(turn);
      return info.call(this);
    });
    // A millisecond has passed whenever somebody looks.
    let nowMs = 0;
    jest.spyOn(performance, 'now').mockImplementation(() => (nowMs += 1));
    const next = (): void => {
      turn += 1;
      if (turns.length < 50) {
        setImmediate(next);
      }
    };
    next();
    await startGuarded([manyJobs(50)]);
    await waitFor(() => turns.length === 50);
    const longest = Math.max(
      ...turns.map((each) => turns.filter((other) => other === each).length),
    );
    expect(longest).toBeLessThanOrEqual(2);
  });
});
