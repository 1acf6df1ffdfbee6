import { afterEach, describe, expect, it } from '@jest/globals';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { SchedulerRegistry } from '@nestjs/schedule';
import { CronJob } from 'cron';
import { Registry } from 'prom-client';
import { currentLeaderTask } from '../../../lib/index.js';
import { ZookeeperLeaderMetricsModule } from '../../../lib/metrics/index.js';
import { startGuarded } from '../../support/guarded-application.js';
import { closeApplications } from '../../support/nest-application.js';
import { waitFor } from '../../support/wait-for.js';

afterEach(closeApplications);

describe('election.onlyLeader()', () => {
  it('guards a job of the registry, and knows its schedule', async () => {
    const { app, election, tasks } = await startGuarded([]);
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

  it('refuses what is no function, and an election that is not its own', async () => {
    const { election } = await startGuarded([]);
    expect(() => election.onlyLeader(undefined as never)).toThrow(
      'onlyLeader() needs the function that it guards, not undefined',
    );
    expect(() =>
      election.onlyLeader(() => 1, { election: 'billing' } as never),
    ).toThrow(/has the option election.* It is of the election "default"/);
  });

  it('passes this, arguments, result and errors on', async () => {
    const { election } = await startGuarded([]);
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
    const { election, tasks } = await startGuarded([]);
    const former = election.onlyLeader(() => 'former', { task: 'job' });
    const latter = election.onlyLeader(() => 'latter', { task: 'job' });
    expect([former(), latter()]).toEqual([undefined, 'latter']);
    await expect(tasks.runHere('job')).resolves.toBe('latter');
  });

  it('needs no name, but for a ledger', async () => {
    const { election, tasks } = await startGuarded([]);
    expect(election.onlyLeader(() => 1)()).toBe(1);
    expect(tasks.list()).toEqual([]);
    expect(() => election.onlyLeader(() => 1, { ledger: true })).toThrow(
      /a run ledger is kept by the name of its task/,
    );
  });

  it.each([true, false])(
    'is forgotten with dispose(), as hundreds of reminders are (ledger: %s)',
    async (ledger) => {
      const registry = new Registry();
      const { app, election, tasks } = await startGuarded([], {}, undefined, [
        ZookeeperLeaderMetricsModule.forRoot({ registry }),
      ]);
      const scheduler = app.get(SchedulerRegistry);
      const disposed: WeakRef<object>[] = [];
      let runs = 0;
      for (let index = 0; index < 200; index += 1) {
        const task = `reminder-${index}`;
        const remind = (): void => {
          runs += 1;
        };
        const onTick = election.onlyLeader(remind, { task, ledger });
        scheduler.addCronJob(
          task,
          CronJob.from({ cronTime: '0 0 1 1 *', onTick, start: true }),
        );
        await tasks.runHere(task);
        await onTick();
        scheduler.deleteCronJob(task);
        onTick.dispose();
        disposed.push(new WeakRef(remind));
      }
      expect(runs).toBeGreaterThanOrEqual(200);
      expect(tasks.list()).toEqual([]);
      expect(tasks.running()).toEqual([]);
      await waitFor(
        async () => !(await registry.metrics()).includes('reminder-'),
        { description: 'the series to be gone' },
      );
      setFlagsFromString('--expose-gc');
      const collect = runInNewContext('gc') as () => void;
      await waitFor(
        () => {
          collect();
          return disposed.filter((each) => each.deref()).length < 10;
        },
        { description: 'the functions to be collected' },
      );
    },
  );
});
