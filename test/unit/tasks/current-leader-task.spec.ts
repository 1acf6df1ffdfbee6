import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Cron } from '@nestjs/schedule';
import {
  currentLeaderTask,
  OnlyLeader,
  type LeaderTaskContext,
} from '../../../lib/index.js';
import { startGuarded } from '../../support/guarded-application.js';
import { closeApplications } from '../../support/nest-application.js';
import { waitFor } from '../../support/wait-for.js';

afterEach(closeApplications);

describe('currentLeaderTask()', () => {
  it('describes the run, however deep in the code', async () => {
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
    const { app, elections } = await startGuarded([Jobs]);
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
    await startGuarded([Jobs]);
    // On a busy machine a call may come too late for any tick.
    const named = (): number[] => ticks.filter((tick) => tick).map(Number);
    await waitFor(() =>
      named().some((tick, index) => tick === named()[index - 1]! + 1000),
    );
    expect(named().filter((tick) => tick % 1000 !== 0)).toEqual([]);
    expect(new Set(named()).size).toBe(named().length);
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
    const { app, election } = await startGuarded([Jobs]);
    const jobs = app.get(Jobs);
    const run = jobs.work();
    await election.resign();
    await run;
    const last = jobs.work();
    await app.close();
    await last;
    expect(reasons).toEqual(['resigned', 'shutdown']);
  });

  it('gives what goes on after the run the signal of the term', async () => {
    let run: LeaderTaskContext | undefined;
    @Injectable()
    class Jobs {
      @OnlyLeader({ scheduled: false })
      work(): void {
        run = currentLeaderTask();
      }
    }
    const { app, election } = await startGuarded([Jobs]);
    app.get(Jobs).work();
    // Nothing of the run is left that would have to be let go of.
    const { leadership } = election;
    expect(leadership.role === 'leader' && leadership.term.signal).toBe(
      run?.signal,
    );
    await election.withdraw();
    expect(run?.signal.reason).toMatchObject({ reason: 'withdrawn' });
  });
});
