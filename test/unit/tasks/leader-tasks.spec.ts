import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Cron, Interval } from '@nestjs/schedule';
import { filter, firstValueFrom } from 'rxjs';
import { currentLeaderTask, OnlyLeader } from '../../../lib/index.js';
import { startGuarded } from '../../support/guarded-application.js';
import { closeApplications } from '../../support/nest-application.js';
import { NOT_FAKED } from '../../support/wall-clock.js';

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

  it('knows a cron job by its offset from UTC', async () => {
    @Injectable()
    class Jobs {
      @Cron('0 0 2 * * *', { utcOffset: 330 })
      @OnlyLeader({ ledger: true })
      nightly(): void {}
    }
    const { tasks } = await startGuarded([Jobs]);
    const [nightly] = tasks.list();
    expect(nightly?.schedule).toMatchObject({ timeZone: 'UTC+05:30' });
    expect(nightly?.nextTick?.toISOString().slice(11, 19)).toBe('20:30:00');
  });

  it.each([
    ['a job', { disabled: false }, true],
    ['a job that is disabled', { disabled: true }, false],
  ])('knows whether %s is under way', async (_, options, isActive) => {
    @Injectable()
    class Jobs {
      @Cron('0 0 2 * * *', options)
      @OnlyLeader()
      nightly(): void {}
    }
    const { tasks } = await startGuarded([Jobs]);
    const [nightly] = tasks.list();
    expect(nightly).toMatchObject({ isActive });
    expect(nightly?.nextTick !== undefined).toBe(isActive);
  });

  it("with 'skip', reports no tick of an interval as missed that may still be called for", async () => {
    jest.useFakeTimers({
      now: new Date('2026-01-01T12:30:00Z'),
      doNotFake: ['nextTick', 'queueMicrotask', 'performance', 'hrtime'],
    });
    try {
      @Injectable()
      class Jobs {
        @Interval(3_600_000)
        @OnlyLeader({ task: 'hourly', ledger: { missedTicks: 'skip' } })
        hourly(): void {}
      }
      const { tasks, election } = await startGuarded([Jobs]);
      const missed = firstValueFrom(
        tasks.events$.pipe(filter(({ type }) => type === 'missed')),
      );
      await election.withdraw();
      jest.setSystemTime(new Date('2026-01-01T14:40:00Z'));
      election.enter();
      await expect(missed).resolves.toMatchObject({
        tick: new Date('2026-01-01T13:00:00Z'),
        lastTick: new Date('2026-01-01T13:00:00Z'),
        count: 1,
      });
    } finally {
      jest.useRealTimers();
    }
  });

  it.each([true, false])(
    'after a short pause, runs the tick whose call is still to come (a ledger before: %s)',
    async (hasLedger) => {
      const now = (time: string) =>
        jest.setSystemTime(new Date(`2026-01-01T${time}Z`));
      jest.useFakeTimers({ doNotFake: NOT_FAKED });
      now('12:50:00');
      try {
        const ticks: (string | undefined)[] = [];
        @Injectable()
        class Jobs {
          @Interval(3_600_000)
          @OnlyLeader({ task: 'hourly', ledger: true })
          async hourly(): Promise<void> {
            ticks.push(currentLeaderTask()?.tick?.toISOString().slice(11, 16));
          }
        }
        const { app, tasks } = await startGuarded([Jobs]);
        if (hasLedger) {
          await app.get(Jobs).hourly();
        } else {
          const { client, paths } = tasks.nodes;
          await client.delete(paths.task('hourly'));
        }
        now('13:10:00');
        await tasks.pause('hourly');
        now('13:15:00');
        await tasks.resume('hourly');
        now('13:50:00');
        await app.get(Jobs).hourly();
        expect(ticks.at(-1)).toBe('13:00');
      } finally {
        jest.useRealTimers();
      }
    },
  );

  it('gives all partitions of an interval one tick for a call, also if the timer is late', async () => {
    jest.useFakeTimers({ now: 1e12, doNotFake: NOT_FAKED });
    try {
      const ticks = new Map<number, number[]>([
        [0, []],
        [1, []],
      ]);
      @Injectable()
      class Jobs {
        @Interval(1_000_000)
        @OnlyLeader({ task: 'poll', partitions: 2, ledger: true })
        async poll(): Promise<void> {
          const { partition, tick } = currentLeaderTask()!;
          ticks.get(partition)?.push((Number(tick) - 1e12) / 1e6);
        }
      }
      const { app } = await startGuarded([Jobs]);
      for (const ms of [990_000, 2_001_000, 2_999_000, 4_001_000]) {
        jest.setSystemTime(1e12 + ms);
        await app.get(Jobs).poll();
      }
      expect([...ticks.values()]).toEqual([
        [0, 1, 2, 3],
        [0, 1, 2, 3],
      ]);
    } finally {
      jest.useRealTimers();
    }
  });

  it('waits for a run that never ends only once at shutdown', async () => {
    let signal: AbortSignal | undefined;
    @Injectable()
    class Jobs {
      @OnlyLeader({ scheduled: false })
      work(): Promise<void> {
        signal = currentLeaderTask()?.signal;
        return new Promise(() => undefined);
      }
    }
    const drainTimeoutMs = 3_000;
    const { app } = await startGuarded([Jobs], { drainTimeoutMs });
    void app.get(Jobs).work();
    const startedAtMs = performance.now();
    await app.close();
    const tookMs = performance.now() - startedAtMs;
    expect(tookMs).toBeGreaterThan(drainTimeoutMs - 100);
    // Told at once, and not waited for once more.
    expect(tookMs).toBeLessThan(2 * drainTimeoutMs - 500);
    expect(signal?.aborted).toBe(true);
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
    await expect(tasks.runHere('job', 'by hand')).resolves.toBe('done by hand');
    expect(seen).toEqual([['manual', 0, undefined, false]]);
    await expect(tasks.history('job')).resolves.toEqual([]);
    await expect(tasks.runHere('jab')).rejects.toThrow(
      /no leader task "jab".*"job"/,
    );
  });
});
