import { afterEach, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import {
  currentLeaderTask,
  LeaderTasks,
  OnlyLeader,
} from '../../../lib/index.js';
import { startGuarded } from '../../support/guarded-application.js';
import { closeApplications } from '../../support/nest-application.js';

/** A shutdown that waited for it would not end within the time of a test. */
const DRAIN_TIMEOUT_MS = 600_000;

afterEach(closeApplications);

@Injectable()
class Jobs {
  ended: unknown;

  @OnlyLeader({ task: 'heedful', scheduled: false })
  async work(): Promise<void> {
    const { signal } = currentLeaderTask() as { signal: AbortSignal };
    await new Promise((resolve) => {
      signal.addEventListener('abort', resolve);
    });
    this.ended = (signal.reason as { reason: string }).reason;
  }
}

it.each(['close', 'resign', 'withdraw'] as const)(
  '%s() tells a running task at once, and waits for its end',
  async (end) => {
    const { app, election } = await startGuarded([Jobs], {
      drainTimeoutMs: DRAIN_TIMEOUT_MS,
    });
    const jobs = app.get(Jobs);
    const run = jobs.work();
    await (end === 'close' ? app.close() : election[end]());
    expect(jobs.ended).toBe(
      { close: 'shutdown', resign: 'resigned', withdraw: 'withdrawn' }[end],
    );
    await run;
  },
);

it('close() tells a run by hand that no term ends', async () => {
  const { app, election } = await startGuarded([Jobs], {
    drainTimeoutMs: DRAIN_TIMEOUT_MS,
  });
  await election.withdraw();
  const run = app.get(LeaderTasks).runHere('heedful');
  await app.close();
  await run;
  expect(app.get(Jobs).ended).toBe('shutdown');
});
