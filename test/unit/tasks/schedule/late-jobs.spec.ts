import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Injectable, type INestApplicationContext } from '@nestjs/common';
import { Cron, SchedulerRegistry } from '@nestjs/schedule';
import { CronJob } from 'cron';
import {
  currentLeaderTask,
  LeaderElection,
  OnlyLeader,
  type MissedTicksPolicy,
} from '../../../../lib/index.js';
import { TASK_NODES } from '../../../../lib/tasks/leader-tasks.js';
import type { Nodes } from '../../../../lib/session/nodes.js';
import { LedgerStore } from '../../../../lib/tasks/ledger/ledger-store.js';
import { startGuarded } from '../../../support/guarded-application.js';
import { closeApplications } from '../../../support/nest-application.js';
import { settled } from '../../../support/task-lab.js';
import { waitFor } from '../../../support/wait-for.js';
import { NOT_FAKED } from '../../../support/wall-clock.js';

const HOURLY = '0 0 * * * *';
const DELAY_MS = 100;

afterEach(async () => {
  await closeApplications();
  jest.useRealTimers();
});

let runs: string[] = [];

function note(): void {
  const { tick, trigger } = currentLeaderTask()!;
  runs.push(`${tick?.toISOString().slice(11, 16)} ${trigger}`);
}

/** Another term begins at half past two, after a ledger that began at 12:30. */
async function nextTerm(app: INestApplicationContext): Promise<void> {
  const store = new LedgerStore(app.get<Nodes>(TASK_NODES), 'job');
  await waitFor(() => store.read(), { description: 'the ledger to begin' });
  const election = app.get(LeaderElection);
  await election.withdraw();
  jest.setSystemTime(new Date('2026-01-01T14:30:00Z'));
  election.enter();
  await election.waitForLeadership();
  // It has been looked at what is due: the job is not there yet.
  await settled(30);
}

/** In the middle of an hour: no job fires while a test runs. */
function begin(): void {
  runs = [];
  jest.useFakeTimers({
    now: new Date('2026-01-01T12:30:00Z'),
    doNotFake: NOT_FAKED,
  });
}

describe('the ticks that a job has missed before it starts', () => {
  const policies: [MissedTicksPolicy, string[]][] = [
    ['latest', ['14:00 missed']],
    ['all', ['13:00 missed', '14:00 missed']],
  ];

  it.each(policies)(
    "are made up for with '%s' when its initialDelay is over, and not before",
    async (missedTicks, expected) => {
      begin();
      @Injectable()
      class Jobs {
        @Cron(HOURLY, { timeZone: 'UTC', initialDelay: DELAY_MS })
        @OnlyLeader({ task: 'job', ledger: { missedTicks } })
        job(): void {
          note();
        }
      }
      const { tasks, app } = await startGuarded([Jobs]);
      const [job] = app.get(SchedulerRegistry).getCronJobs().values();
      const start = job!.start.bind(job);
      // However slow the machine: the delay ends when the term has begun.
      const delayIsOver = new Promise<void>((resolve) => {
        job!.start = () => resolve();
      });
      await nextTerm(app);
      await delayIsOver;
      expect(tasks.list()).toMatchObject([{ isActive: false }]);
      expect(runs).toEqual([]);
      start();
      await waitFor(() => runs.length === expected.length);
      expect(runs).toEqual(expected);
    },
  );

  it.each(policies)(
    "are made up for with '%s' when it is added to the registry",
    async (missedTicks, expected) => {
      begin();
      const { app, election } = await startGuarded([]);
      const onTick = election.onlyLeader(note, {
        task: 'job',
        ledger: { missedTicks },
      });
      await nextTerm(app);
      const job = CronJob.from({ cronTime: HOURLY, onTick, timeZone: 'UTC' });
      app.get(SchedulerRegistry).addCronJob('job', job);
      job.start();
      await waitFor(() => runs.length === expected.length);
      expect(runs).toEqual(expected);
    },
  );
});
