import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import type { INestApplicationContext } from '@nestjs/common';
import { Interval, ScheduleModule } from '@nestjs/schedule';
import { LeaderElection, OnlyLeader } from '../../lib/index.js';
import {
  closeApplications,
  startApplication,
} from '../support/nest-application.js';
import { waitFor } from '../support/wait-for.js';
import { ZookeeperServer } from '../support/zookeeper-server.js';

// What `npm run test:quick` asks of a real server: keep it to a few seconds.

class Ticks {
  readonly seen: number[] = [];

  @Interval(50)
  @OnlyLeader()
  tick(): void {
    this.seen.push(performance.now());
  }
}

let server: ZookeeperServer;

beforeAll(async () => {
  server = await ZookeeperServer.start();
});
afterEach(closeApplications);
afterAll(() => server.close());

function start(instanceId: string): Promise<INestApplicationContext> {
  return startApplication({
    options: { connectionString: server.connectionString, instanceId },
    imports: [ScheduleModule.forRoot()],
    providers: [Ticks],
  });
}

it('the leader alone runs a task, and the next one runs it when the leader has closed', async () => {
  const first = await start('first');
  await first.get(LeaderElection).waitForLeadership();
  const second = await start('second');
  await waitFor(
    () => second.get(LeaderElection).leadership.role === 'follower',
    { description: 'the second application to wait for its turn' },
  );
  const [led, waited] = [first.get(Ticks).seen, second.get(Ticks).seen];
  await waitFor(() => led.length >= 3, { description: 'the leader to tick' });
  expect(waited).toEqual([]);

  await first.close();
  await waitFor(() => waited.length >= 3, { description: 'the next to tick' });

  expect(waited[0]).toBeGreaterThan(led.at(-1) ?? Infinity);
});
