import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable, Scope, type Provider } from '@nestjs/common';
import {
  Cron,
  Interval,
  ScheduleModule,
  SchedulerRegistry,
} from '@nestjs/schedule';
import { CronJob } from 'cron';
import {
  currentLeaderTask,
  LeaderElection,
  LeaderElections,
  LeaderTasks,
  OnlyLeader,
  type LeaderTaskContext,
  type ZookeeperLeaderModuleOptions,
} from '../../../lib/index.js';
import { MemoryLogger } from '../../support/memory-logger.js';
import {
  closeApplications,
  startApplication,
} from '../../support/nest-application.js';
import { waitFor } from '../../support/wait-for.js';

afterEach(closeApplications);

const logger = new MemoryLogger();

async function start(
  providers: Provider[],
  options: ZookeeperLeaderModuleOptions = {},
) {
  logger.entries.length = 0;
  const app = await startApplication({
    options: { standalone: true, drainTimeoutMs: 300, ...options },
    imports: [ScheduleModule.forRoot()],
    providers,
    logger,
  });
  return {
    app,
    tasks: app.get(LeaderTasks),
    election: app.get(LeaderElection),
    elections: app.get(LeaderElections),
  };
}

/** Two jobs with the same methods as a base class that decorates them too. */
class Base {
  readonly calls: string[] = [];

  @OnlyLeader({ scheduled: false })
  work(name: string): string {
    this.calls.push(`base ${name}`);
    return `base ${name}`;
  }
}

@Injectable()
class Overriding extends Base {
  @OnlyLeader({ task: 'overriding', scheduled: false })
  override work(name: string): string {
    this.calls.push(`derived ${name}`);
    return super.work(`of ${name}`);
  }
}

describe('a guarded call', () => {
  const symbol = Symbol('work');

  @Injectable()
  class Jobs {
    @OnlyLeader({ scheduled: false })
    add(a: number, b: number): number {
      return a + b;
    }

    @OnlyLeader({ scheduled: false })
    async fail(): Promise<void> {
      throw new Error('of the method');
    }

    @OnlyLeader({ scheduled: false })
    failAtOnce(): void {
      throw new Error('of the method, at once');
    }

    @OnlyLeader({ scheduled: false })
    [symbol](): string {
      return 'by symbol';
    }
  }

  it('passes arguments, results and errors on', async () => {
    const { app } = await start([Jobs]);
    const jobs = app.get(Jobs);
    expect(jobs.add(1, 2)).toBe(3);
    expect(() => jobs.failAtOnce()).toThrow('of the method, at once');
    await expect(jobs.fail()).rejects.toThrow('of the method');
    expect(jobs[symbol]()).toBe('by symbol');
  });

  it('does nothing on an instance that does not lead', async () => {
    const { app, election } = await start([Jobs]);
    await election.withdraw();
    const jobs = app.get(Jobs);
    expect(jobs.add(1, 2)).toBeUndefined();
    expect(jobs.fail()).toBeUndefined();
  });

  it('runs an overridden method under super as part of the same run', async () => {
    const { app, tasks, election } = await start([Overriding]);
    const jobs = app.get(Overriding);
    expect(jobs.work('x')).toBe('base of x');
    expect(jobs.calls).toEqual(['derived x', 'base of x']);
    expect(tasks.list().map(({ task }) => task)).toEqual(['overriding']);
    await election.withdraw();
    expect(jobs.work('y')).toBeUndefined();
    expect(jobs.calls).toHaveLength(2);
  });

  it('is refused on an object that two applications share', async () => {
    const jobs = new Jobs();
    const { app } = await start([{ provide: Jobs, useValue: jobs }]);
    await expect(start([{ provide: Jobs, useValue: jobs }])).rejects.toThrow(
      /class Jobs.*provider of two applications/,
    );
    await app.close();
    await start([{ provide: Jobs, useValue: jobs }]);
    expect(jobs.add(2, 2)).toBe(4);
  });

  it('works for two applications in one process, each with its own election', async () => {
    const one = await start([Jobs]);
    const two = await start([Jobs]);
    await one.election.withdraw();
    expect(one.app.get(Jobs).add(1, 1)).toBeUndefined();
    expect(two.app.get(Jobs).add(1, 1)).toBe(2);
  });
});

describe('at start', () => {
  it('warns of a decorated method that nothing schedules', async () => {
    @Injectable()
    class Lonely {
      @OnlyLeader()
      work(): void {}
    }
    await start([Lonely]);
    expect(logger.messages('warn')).toEqual([
      expect.stringMatching(/Lonely\.work\(\).*no @Cron\(\).*scheduled: false/),
    ]);
  });

  it.each([
    ['request-scoped', Scope.REQUEST],
    ['transient', Scope.TRANSIENT],
  ])('refuses a %s provider', async (name, scope) => {
    @Injectable({ scope })
    class Many {
      @OnlyLeader()
      work(): void {}
    }
    @Injectable()
    class User {
      constructor(readonly many: Many) {}
    }
    Reflect.defineMetadata('design:paramtypes', [Many], User);
    await expect(start([Many, User])).rejects.toThrow(
      new RegExp(`Many\\.work\\(\\).*${name}.*default scope`),
    );
  });

  it('refuses an unknown election', async () => {
    @Injectable()
    class Jobs {
      @OnlyLeader('biling')
      work(): void {}
    }
    await expect(start([Jobs], { elections: ['billing'] })).rejects.toThrow(
      /OnlyLeader\(\) on Jobs\.work\(\) uses the election "biling"/,
    );
  });

  it('refuses two tasks with one name', async () => {
    @Injectable()
    class Jobs {
      @OnlyLeader({ task: 'same' })
      one(): void {}

      @OnlyLeader({ task: 'same' })
      two(): void {}
    }
    await expect(start([Jobs])).rejects.toThrow(
      /Jobs\.two\(\).*another leader task with the name "same"/,
    );
  });

  it.each([
    [{ overlap: 'never' }, /option overlap 'never' of Jobs\.work\(\)/],
    [{ retry: { attempts: 1 } }, /option retry\.attempts 1 .* 2 or more/],
    [{ ledger: { missedTicks: 'some' } }, /ledger\.missedTicks 'some'/],
    [{ ledger: { maxLatenessMs: -1 } }, /ledger\.maxLatenessMs -1/],
    [{ ledger: { historySize: 1e6 } }, /ledger\.historySize 1000000/],
    [{ onSkip: true }, /option onSkip true/],
    [{ task: '' }, /option task '' of Jobs\.work\(\)/],
  ])('refuses the options %j', async (options, message) => {
    @Injectable()
    class Jobs {
      @OnlyLeader(options as never)
      work(): void {}
    }
    await expect(start([Jobs])).rejects.toThrow(message);
  });
});

describe('currentLeaderTask()', () => {
  it('tells of the run, however deep in the code', async () => {
    let seen: LeaderTaskContext | undefined;
    const deep = async (): Promise<void> => {
      await Promise.resolve();
      seen = currentLeaderTask();
    };
    @Injectable()
    class Jobs {
      @OnlyLeader({ election: 'other', task: 'deep', scheduled: false })
      async work(): Promise<void> {
        await deep();
      }
    }
    const { app, elections } = await start([Jobs]);
    await app.get(Jobs).work();
    const { leadership } = elections.get('other');
    expect(seen).toMatchObject({
      task: 'deep',
      election: 'other',
      attempt: 1,
      trigger: 'call',
      fencingToken:
        leadership.role === 'leader' && leadership.term.fencingToken,
    });
    expect(seen?.tick).toBeUndefined();
    expect(seen?.signal.aborted).toBe(false);
    expect(currentLeaderTask()).toBeUndefined();
  });

  it('names the tick of a cron job to the second', async () => {
    const ticks: (Date | undefined)[] = [];
    @Injectable()
    class Jobs {
      @Cron('* * * * * *')
      @OnlyLeader()
      work(): void {
        ticks.push(currentLeaderTask()?.tick);
      }
    }
    await start([Jobs]);
    await waitFor(() => ticks.length >= 2);
    const [first, second] = ticks.map(Number);
    expect(first! % 1000).toBe(0);
    expect(second! - first!).toBe(1000);
  });

  it('has a signal that aborts with the reason when the term ends', async () => {
    const reasons: unknown[] = [];
    @Injectable()
    class Jobs {
      @OnlyLeader({ scheduled: false })
      async work(): Promise<void> {
        const signal = currentLeaderTask()!.signal;
        await new Promise((resolve) => {
          signal.addEventListener('abort', resolve);
        });
        reasons.push((signal.reason as { reason: string }).reason);
      }
    }
    const { app, election } = await start([Jobs]);
    const jobs = app.get(Jobs);
    const run = jobs.work();
    await election.resign();
    await run;
    const last = jobs.work();
    await app.close();
    await last;
    expect(reasons).toEqual(['resigned', 'shutdown']);
  });
});

describe('election.onlyLeader()', () => {
  it('guards a job of the registry, and knows its schedule', async () => {
    const { app, election, tasks } = await start([]);
    const ticks: unknown[] = [];
    const job = new CronJob(
      '* * * * * *',
      election.onlyLeader(
        () => void ticks.push(currentLeaderTask()?.tick?.getTime()),
        { task: 'dynamic' },
      ),
      null,
      false,
      'Asia/Tokyo',
    );
    expect(tasks.list()[0]).toMatchObject({ task: 'dynamic' });
    app.get(SchedulerRegistry).addCronJob('any', job);
    job.start();
    await waitFor(() => ticks.length > 0);
    expect(Number(ticks[0]) % 1000).toBe(0);
    expect(tasks.list()[0]).toMatchObject({
      schedule: {
        type: 'cron',
        expression: '* * * * * *',
        timeZone: 'Asia/Tokyo',
      },
      nextTick: expect.any(Date),
    });
    await election.withdraw();
    const { length } = ticks;
    await waitFor(() => tasks.list()[0]!.counts.skipped > 0);
    expect(ticks).toHaveLength(length);
  });

  it('passes this, arguments, result and errors on', async () => {
    const { election } = await start([]);
    const guarded = election.onlyLeader(function named(
      this: unknown,
      by: number,
    ) {
      return [this, by];
    });
    expect(guarded.name).toBe('named');
    expect(guarded.call('me', 3)).toEqual(['me', 3]);
    await election.withdraw();
    expect(guarded(3)).toBeUndefined();
  });

  it('takes the place of a former one of the same name', async () => {
    const { election, tasks } = await start([]);
    const former = election.onlyLeader(() => 'former', { task: 'job' });
    const latter = election.onlyLeader(() => 'latter', { task: 'job' });
    expect([former(), latter()]).toEqual([undefined, 'latter']);
    await expect(tasks.run('job')).resolves.toBe('latter');
  });

  it('needs no name, but for a ledger', async () => {
    const { election, tasks } = await start([]);
    expect(election.onlyLeader(() => 1)()).toBe(1);
    expect(tasks.list()).toEqual([]);
    expect(() => election.onlyLeader(() => 1, { ledger: true })).toThrow(
      /a run ledger is kept by the name of its task/,
    );
  });
});

describe('LeaderTasks', () => {
  it('lists the tasks with their schedules', async () => {
    @Injectable()
    class Jobs {
      @Cron('0 2 * * *', { timeZone: 'Europe/Berlin' })
      @OnlyLeader({ ledger: true })
      nightly(): void {}

      @OnlyLeader()
      @Interval(60_000)
      poll(): void {}
    }
    const { tasks } = await start([Jobs]);
    const [nightly, poll] = tasks.list();
    expect(nightly).toMatchObject({
      task: 'Jobs.nightly',
      election: 'default',
      schedule: {
        type: 'cron',
        expression: '0 2 * * *',
        timeZone: 'Europe/Berlin',
      },
      hasLedger: true,
      running: 0,
      counts: { finished: 0, failed: 0, skipped: 0, missed: 0 },
    });
    expect(
      nightly?.nextTick?.toLocaleTimeString('de', {
        timeZone: 'Europe/Berlin',
      }),
    ).toBe('02:00:00');
    expect(poll).toMatchObject({
      schedule: { type: 'interval', everyMs: 60_000 },
      hasLedger: false,
    });
    expect(Number(poll?.nextTick) % 60_000).toBe(0);
  });

  it('runs a task by hand on an instance that does not lead', async () => {
    const seen: unknown[] = [];
    @Injectable()
    class Jobs {
      @OnlyLeader({ task: 'job', ledger: true, overlap: 'skip' })
      async work(by: string): Promise<string> {
        const { trigger, fencingToken, tick, signal } = currentLeaderTask()!;
        seen.push([trigger, fencingToken, tick, signal.aborted]);
        return `done ${by}`;
      }
    }
    const { tasks, election } = await start([Jobs]);
    await election.withdraw();
    await expect(tasks.run('job', 'by hand')).resolves.toBe('done by hand');
    expect(seen).toEqual([['manual', 0, undefined, false]]);
    await expect(tasks.history('job')).resolves.toEqual([]);
    await expect(tasks.run('jab')).rejects.toThrow(
      /no leader task "jab".*"job"/,
    );
  });
});
