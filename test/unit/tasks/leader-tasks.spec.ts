import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Cron, Interval } from '@nestjs/schedule';
import { currentLeaderTask, OnlyLeader } from '../../../lib/index.js';
import { startGuarded } from '../../support/guarded-application.js';
import { closeApplications } from '../../support/nest-application.js';

afterEach(closeApplications);

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
    const { tasks } = await startGuarded([Jobs]);
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
    const { tasks, election } = await startGuarded([Jobs]);
    await election.withdraw();
    await expect(tasks.run('job', 'by hand')).resolves.toBe('done by hand');
    expect(seen).toEqual([['manual', 0, undefined, false]]);
    await expect(tasks.history('job')).resolves.toEqual([]);
    await expect(tasks.run('jab')).rejects.toThrow(
      /no leader task "jab".*"job"/,
    );
  });
});
