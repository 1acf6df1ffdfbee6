import { afterEach, describe, expect, it } from '@jest/globals';
import { Get, Injectable, Scope } from '@nestjs/common';
import { Query } from '@nestjs/graphql';
import { MessagePattern } from '@nestjs/microservices';
import { Cron, Interval, ScheduleModule } from '@nestjs/schedule';
import { SubscribeMessage } from '@nestjs/websockets';
import { OnlyLeader } from '../../../lib/index.js';
import { startGuarded } from '../../support/guarded-application.js';
import { MemoryLogger } from '../../support/memory-logger.js';
import {
  closeApplications,
  startApplication,
} from '../../support/nest-application.js';

afterEach(closeApplications);

describe('at start', () => {
  it('warns of a decorated method that nothing schedules', async () => {
    @Injectable()
    class Lonely {
      @OnlyLeader()
      work(): void {}
    }
    const { logger } = await startGuarded([Lonely]);
    expect(logger.messages('warn')).toEqual([
      expect.stringMatching(/Lonely\.work\(\).*no @Cron\(\).*scheduled: false/),
    ]);
  });

  it('warns of schedules that nothing fires', async () => {
    @Injectable()
    class Jobs {
      @Cron('0 0 1 1 *')
      @OnlyLeader()
      yearly(): void {}

      @OnlyLeader()
      @Interval(100_000)
      often(): void {}
    }
    const logger = new MemoryLogger();
    await startApplication({
      options: { standalone: true },
      providers: [Jobs],
      logger,
    });
    expect(logger.messages('warn')).toEqual([
      expect.stringMatching(
        /Jobs\.yearly\(\) has a schedule that nothing fires.*ScheduleModule\.forRoot\(\)/,
      ),
      expect.stringMatching(/Jobs\.often\(\) has a schedule that nothing/),
    ]);
  });

  it('warns of a second scheduler, which fires everything again', async () => {
    const { logger } = await startGuarded([], {}, undefined, [
      ScheduleModule.forRoot(),
    ]);
    expect(logger.messages('warn')).toEqual([
      expect.stringMatching(/ScheduleModule\.forRoot\(\) is imported 2 times/),
    ]);
  });

  it('does not take a mock for a scheduler', async () => {
    const mock: unknown = new Proxy(
      {},
      { get: (_target, key) => (key === 'then' ? undefined : () => undefined) },
    );
    const { logger } = await startGuarded([
      { provide: 'MOCK', useValue: mock },
    ]);
    expect(logger.messages('warn')).toEqual([]);
  });

  it.each<[string, MethodDecorator]>([
    ['a route', Get('work')],
    ['a message', MessagePattern('work')],
    ['an event of a gateway', SubscribeMessage('work')],
    ['a query', Query(() => String)],
  ])('advises LeaderGuard for %s', async (_what, decorator) => {
    @Injectable()
    class Answers {
      @OnlyLeader()
      work(): void {}
    }
    const descriptor = Reflect.getOwnPropertyDescriptor(
      Answers.prototype,
      'work',
    );
    decorator(Answers.prototype, 'work', descriptor as PropertyDescriptor);
    const { logger } = await startGuarded([Answers]);
    expect(logger.messages('warn')).toEqual([
      expect.stringMatching(
        /Answers\.work\(\).*answers requests.*@UseGuards\(LeaderGuard\)/,
      ),
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
    await expect(startGuarded([Many, User])).rejects.toThrow(
      new RegExp(`Many\\.work\\(\\).*${name}.*default scope`),
    );
  });

  it('refuses a method that is decorated twice', () => {
    expect(() => {
      class Jobs {
        @OnlyLeader('billing')
        @OnlyLeader('default')
        work(): void {}
      }
      return Jobs;
    }).toThrow(/OnlyLeader\(\) stands on Jobs\.work\(\) more than once/);
  });

  it('refuses an unknown election', async () => {
    @Injectable()
    class Jobs {
      @OnlyLeader('biling')
      work(): void {}
    }
    await expect(
      startGuarded([Jobs], { elections: ['billing'] }),
    ).rejects.toThrow(
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
    await expect(startGuarded([Jobs])).rejects.toThrow(
      /Jobs\.two\(\).*another leader task with the name "same"/,
    );
  });

  it.each([
    [{ task: 'same', partitions: 2 }, { task: 'same' }],
    [{ task: 'same' }, { task: 'same', partitions: 2 }],
  ])('refuses the name for %j and %j', async (one, two) => {
    @Injectable()
    class Jobs {
      @OnlyLeader(one)
      one(): void {}

      @OnlyLeader(two)
      two(): void {}
    }
    await expect(startGuarded([Jobs])).rejects.toThrow(
      /Jobs\.two\(\).*another leader task with the name "same"/,
    );
  });

  it.each([
    [{ overlap: 'never' }, /Jobs\.work\(\): option overlap 'never' is unknown/],
    [{ retry: { attempts: 1 } }, /option retry\.attempts 1 .* 2 or more/],
    [{ ledger: { missedTicks: 'some' } }, /ledger\.missedTicks 'some'/],
    [{ ledger: { maxLatenessMs: -1 } }, /ledger\.maxLatenessMs -1/],
    [{ ledger: { historySize: 1e6 } }, /ledger\.historySize 1000000/],
    [{ onSkip: true }, /there is no option onSkip/],
    [{ timeLimitMs: 0 }, /option timeLimitMs 0/],
    [{ ledger: { maxLatenessMs: 0 } }, /ledger\.maxLatenessMs 0/],
    [{ ledger: { maxLatenessMs: NaN } }, /ledger\.maxLatenessMs NaN/],
    [
      { ledger: { maxLatenessMs: 99 } },
      /ledger\.maxLatenessMs 99 is out of range.* of 100 or more/,
    ],
    [{ ledger: { maxLatenessMs: 100.5 } }, /ledger\.maxLatenessMs 100\.5/],
    [{ ledger: { maxLatenessMs: -Infinity } }, /maxLatenessMs -Infinity/],
    [{ ledger: { maxLatenessMs: null } }, /ledger\.maxLatenessMs null/],
    [{ ledger: { maxLatenessMs: '5s' } }, /ledger\.maxLatenessMs '5s'/],
    [{ retry: { attempts: 2, maxBackoffMs: -1 } }, /retry\.maxBackoffMs -1/],
    [{ overlp: 'skip' }, /no option overlp\. Did you mean overlap\?/],
    [
      { retry: { attempt: 2 } },
      /retry\.attempt\. Did you mean retry\.attempts/,
    ],
    [{ retry: 3 }, /option retry 3 is a number\. Expected an object/],
    [{ ledger: { missed: 'all' } }, /Did you mean ledger\.missedTicks\?/],
    [{ ledger: 'yes' }, /option ledger 'yes' is neither/],
    [{ scheduled: 'no' }, /option scheduled 'no' is not a boolean/],
    [{ election: 7 }, /7 is not a name/],
    [{ task: '' }, /Jobs\.work\(\): option task '' is not a name/],
  ])('refuses the options %j', async (options, message) => {
    @Injectable()
    class Jobs {
      @OnlyLeader(options as never)
      work(): void {}
    }
    await expect(startGuarded([Jobs])).rejects.toThrow(message);
  });

  it.each([0, 99, 100.5, NaN, -Infinity])(
    'refuses %d ms as maxLatenessMs of a function, and of the module',
    async (maxLatenessMs) => {
      const ledger = { maxLatenessMs };
      const { election } = await startGuarded([]);
      expect(() =>
        election.onlyLeader(() => undefined, { task: 'job', ledger }),
      ).toThrow(/onlyLeader\(\) for "job": option ledger\.maxLatenessMs/);
      await expect(startGuarded([], { ledger })).rejects.toThrow(
        /ZookeeperLeaderModule: option ledger\.maxLatenessMs/,
      );
    },
  );

  it.each([100, Infinity])('takes %d ms as maxLatenessMs', async (bound) => {
    const ledger = { maxLatenessMs: bound };
    const { election, tasks } = await startGuarded([], { ledger });
    election.onlyLeader(() => undefined, { task: 'job', ledger });
    expect(tasks.list()).toHaveLength(1);
  });
});
