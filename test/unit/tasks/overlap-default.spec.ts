import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Cron, Interval, Timeout } from '@nestjs/schedule';
import { OnlyLeader, type LeaderElection } from '../../../lib/index.js';
import { startGuarded } from '../../support/guarded-application.js';
import { closeApplications } from '../../support/nest-application.js';
import { waitFor } from '../../support/wait-for.js';

afterEach(closeApplications);

/** A run that is still going on when its task is called again. */
function longRun(): Promise<void> {
  begun += 1;
  return new Promise(() => undefined);
}

let begun = 0;

@Injectable()
class Jobs {
  @Cron('0 0 0 1 1 *')
  @OnlyLeader()
  cron(): Promise<void> {
    return longRun();
  }

  @OnlyLeader()
  @Interval(3_600_000)
  interval(): Promise<void> {
    return longRun();
  }

  @Timeout(3_600_000)
  @OnlyLeader()
  timeout(): Promise<void> {
    return longRun();
  }

  @OnlyLeader({ task: 'ledgered', ledger: true, scheduled: false })
  ledgered(): Promise<void> {
    return longRun();
  }

  @OnlyLeader({ task: 'named', scheduled: false })
  unscheduled(): Promise<void> {
    return longRun();
  }
}

type Called = keyof Jobs | ((election: LeaderElection) => () => unknown);

describe('without the option overlap, a second call during a run', () => {
  it.each<[what: string, called: Called, runs: number]>([
    ['of a @Cron() method is skipped', 'cron', 1],
    ['of an @Interval() method is skipped', 'interval', 1],
    ['of a @Timeout() method is skipped', 'timeout', 1],
    ['of a method with a ledger is skipped', 'ledgered', 1],
    ['of any other method runs', 'unscheduled', 2],
    [
      'of a named function is skipped',
      (election) => election.onlyLeader(longRun, { task: 'function' }),
      1,
    ],
    [
      'of a named function with a ledger is skipped',
      (election) =>
        election.onlyLeader(longRun, { task: 'function', ledger: true }),
      1,
    ],
    [
      'of a function without a name runs',
      (election) => election.onlyLeader(longRun),
      2,
    ],
  ])('%s', async (_what, called, runs) => {
    begun = 0;
    const { app, tasks, election } = await startGuarded([Jobs], {
      drainTimeoutMs: 10,
    });
    const reasons: string[] = [];
    tasks.events$.subscribe((event) => {
      if (event.type === 'skipped') {
        reasons.push(event.reason);
      }
    });
    const call =
      typeof called === 'function'
        ? called(election)
        : () => app.get(Jobs)[called]();
    void call();
    await waitFor(() => begun === 1);
    void call();
    await waitFor(() => begun + reasons.length === 2);
    expect(reasons).toEqual(runs === 1 ? ['overlap'] : []);
    expect(begun).toBe(runs);
  });
});
