import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable, Module } from '@nestjs/common';
import { LazyModuleLoader, NestFactory } from '@nestjs/core';
import {
  LeaderTasks,
  OnlyLeader,
  ZookeeperLeaderModule,
} from '../../../lib/index.js';
import { lateGuards } from '../../../lib/tasks/only-leader.decorator.js';
import { startGuarded } from '../../support/guarded-application.js';
import { closeApplications, track } from '../../support/nest-application.js';
import { waitFor } from '../../support/wait-for.js';

afterEach(closeApplications);

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
    const { app } = await startGuarded([Jobs]);
    const jobs = app.get(Jobs);
    expect(jobs.add(1, 2)).toBe(3);
    expect(() => jobs.failAtOnce()).toThrow('of the method, at once');
    await expect(jobs.fail()).rejects.toThrow('of the method');
    expect(jobs[symbol]()).toBe('by symbol');
  });

  it('does nothing on an instance that does not lead', async () => {
    const { app, election } = await startGuarded([Jobs]);
    await election.withdraw();
    const jobs = app.get(Jobs);
    expect(jobs.add(1, 2)).toBeUndefined();
    expect(jobs.fail()).toBeUndefined();
  });

  it('runs an overridden method under super as part of the same run', async () => {
    const { app, tasks, election } = await startGuarded([Overriding]);
    const jobs = app.get(Overriding);
    expect(jobs.work('x')).toBe('base of x');
    expect(jobs.calls).toEqual(['derived x', 'base of x']);
    expect(tasks.list().map(({ task }) => task)).toEqual(['overriding']);
    await election.withdraw();
    expect(jobs.work('y')).toBeUndefined();
    expect(jobs.calls).toHaveLength(2);
  });

  it('that a decorator above it prevents has failed', async () => {
    @Injectable()
    class Guarded {
      @OnlyLeader({ task: 'task', ledger: true, scheduled: false })
      async work(): Promise<void> {}
    }
    Guarded.prototype.work = () => Promise.reject(new Error('no transaction'));
    const { tasks } = await startGuarded([Guarded]);
    await expect(tasks.runOnLeader('task')).resolves.toMatchObject({
      outcome: 'failed',
    });
    await waitFor(async () => {
      const [last] = await tasks.history('task');
      return last?.outcome !== 'running';
    });
    await expect(tasks.history('task')).resolves.toMatchObject([
      { outcome: 'failed', error: 'no transaction' },
    ]);
    expect(tasks.list()[0]?.counts).toMatchObject({ finished: 0, failed: 1 });
  });

  it('is refused on an object that two applications share', async () => {
    const jobs = new Jobs();
    const { app } = await startGuarded([{ provide: Jobs, useValue: jobs }]);
    await expect(
      startGuarded([{ provide: Jobs, useValue: jobs }]),
    ).rejects.toThrow(/class Jobs.*provider of two applications/);
    await app.close();
    await startGuarded([{ provide: Jobs, useValue: jobs }]);
    expect(jobs.add(2, 2)).toBe(4);
  });

  it('is refused on an object of a module that is loaded lazily', async () => {
    class LazyModule {}
    Module({ providers: [Jobs] })(LazyModule);
    const { app } = await startGuarded([]);
    const lazy = await app.get(LazyModuleLoader).load(() => LazyModule);
    expect(() => lazy.get(Jobs).add(1, 1)).toThrow(
      /Jobs\.add\(\) .* does not know.*loaded lazily/,
    );
  });

  it('works for two applications in one process, each with its own election', async () => {
    const one = await startGuarded([Jobs]);
    const two = await startGuarded([Jobs]);
    await one.election.withdraw();
    expect(one.app.get(Jobs).add(1, 1)).toBeUndefined();
    expect(two.app.get(Jobs).add(1, 1)).toBe(2);
  });

  it.each([
    [true, 'the root module'],
    [true, 'a module that is imported before'],
    [true, 'a module of a module'],
    [false, 'the root module'],
    [false, 'a module that is imported before'],
    [false, 'a module of a module'],
  ])(
    'in onModuleInit() does nothing, and runs after that (isGlobal: %s, in %s)',
    async (isGlobal, where) => {
      const seen: unknown[] = [];
      @Injectable()
      class Eager {
        @OnlyLeader({ task: 'eager', ledger: true, scheduled: false })
        async work(): Promise<string> {
          return 'ran';
        }

        async onModuleInit(): Promise<void> {
          seen.push(await this.work());
        }
      }
      class Feature {}
      Module({ providers: [Eager] })(Feature);
      class Outer {}
      Module({ imports: [Feature] })(Outer);
      class App {}
      const leading = ZookeeperLeaderModule.forRoot({
        standalone: true,
        isGlobal,
      });
      const isRoot = where === 'the root module';
      const imports = isRoot
        ? [leading]
        : where === 'a module of a module'
          ? [leading, Outer]
          : [Feature, leading];
      Module({ imports, providers: isRoot ? [Eager] : [] })(App);
      const app = track(
        await NestFactory.createApplicationContext(App, { logger: false }),
      );
      expect(seen).toEqual([undefined]);
      const eager = app.get(Eager, { strict: false });
      await expect(eager.work()).resolves.toBe('ran');
      expect(app.get(LeaderTasks).list()).toEqual([
        expect.objectContaining({ task: 'eager' }),
      ]);
      expect(lateGuards.size).toBe(0);
    },
  );

  it('is refused in a constructor, and the object works afterwards', async () => {
    const seen: unknown[] = [];
    @Injectable()
    class Hasty extends Jobs {
      constructor() {
        super();
        try {
          this.add(1, 1);
        } catch (error) {
          seen.push(error);
        }
      }
    }
    const { app } = await startGuarded([Hasty]);
    expect(String(seen)).toMatch(/Jobs\.add\(\).*does not know/);
    expect(app.get(Hasty).add(1, 1)).toBe(2);
  });
});
