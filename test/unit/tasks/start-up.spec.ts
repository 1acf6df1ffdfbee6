import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable, Scope } from '@nestjs/common';
import { OnlyLeader } from '../../../lib/index.js';
import { startGuarded } from '../../support/guarded-application.js';
import { closeApplications } from '../../support/nest-application.js';

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
    [{ overlap: 'never' }, /Jobs\.work\(\): option overlap 'never' is unknown/],
    [{ retry: { attempts: 1 } }, /option retry\.attempts 1 .* 2 or more/],
    [{ ledger: { missedTicks: 'some' } }, /ledger\.missedTicks 'some'/],
    [{ ledger: { maxLatenessMs: -1 } }, /ledger\.maxLatenessMs -1/],
    [{ ledger: { historySize: 1e6 } }, /ledger\.historySize 1000000/],
    [{ onSkip: true }, /option onSkip true/],
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
});
