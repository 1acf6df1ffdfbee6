import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable, type INestApplicationContext } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { Cron, ScheduleModule } from '@nestjs/schedule';
import {
  currentLeaderTask,
  LeaderTasks,
  OnlyLeader,
  Partitions,
} from '../../../lib/index.js';
import {
  FakeCluster,
  fakeElectionOf,
  fireTick,
  ZookeeperLeaderTestingModule,
} from '../../../lib/testing/index.js';

@Injectable()
class Mailboxes {
  readonly polled: string[] = [];

  @Cron('0 2 * * *', { name: 'poll', timeZone: 'UTC' })
  @OnlyLeader({ task: 'mailboxes', partitions: 3, ledger: true })
  poll(): void {
    const { partition, partitions, tick } = currentLeaderTask()!;
    this.polled.push(`${partition}/${partitions} ${tick?.toISOString()}`);
  }
}

const apps: INestApplicationContext[] = [];

async function start(
  cluster: FakeCluster,
  instanceId: string,
): Promise<INestApplicationContext> {
  const module = await Test.createTestingModule({
    imports: [
      ScheduleModule.forRoot(),
      ZookeeperLeaderTestingModule.forRoot({ cluster, instanceId }),
    ],
    providers: [Mailboxes],
  }).compile();
  apps.push(await module.createNestApplication().init());
  return module;
}

afterEach(async () => {
  for (const app of apps.splice(0)) {
    await app.close();
  }
});

const owned = (app: INestApplicationContext): number[] =>
  app
    .get(Partitions)
    .of('mailboxes', 3)
    .owned.map(({ partition }) => partition);

const partitionsPolled = (app: INestApplicationContext): string[] =>
  app.get(Mailboxes).polled.map((each) => each.split(' ', 1)[0] as string);

describe('partitions of a fake cluster', () => {
  it('are owned by the instance that the test elects for each of them', async () => {
    const cluster = new FakeCluster();
    const a = await start(cluster, 'a');
    const b = await start(cluster, 'b');
    expect([owned(a), owned(b)]).toEqual([[0, 1, 2], []]);

    fakeElectionOf(b, 'mailboxes[1]').elect();
    expect([owned(a), owned(b)]).toEqual([[0, 2], [1]]);

    await Promise.all([fireTick(a, 'poll'), fireTick(b, 'poll')]);
    expect(partitionsPolled(a).toSorted()).toEqual(['0/3', '2/3']);
    expect(partitionsPolled(b)).toEqual(['1/3']);
  });

  it('pass to the next instance when their owner has gone, and no tick runs twice', async () => {
    const cluster = new FakeCluster();
    const a = await start(cluster, 'a');
    const b = await start(cluster, 'b');
    await fireTick(a, 'poll');
    for (const partition of [0, 1, 2]) {
      fakeElectionOf(a, `mailboxes[${partition}]`).depose();
    }
    expect([owned(a), owned(b)]).toEqual([[], [0, 1, 2]]);
    // The same tick: it is claimed already.
    await fireTick(b, 'poll');
    expect(partitionsPolled(a)).toHaveLength(3);
    expect(partitionsPolled(b)).toEqual([]);
  });

  it('are paused together', async () => {
    const a = await start(new FakeCluster(), 'a');
    await a.get(LeaderTasks).pause('mailboxes', { by: 'anna' });
    await fireTick(a, 'poll');
    expect(partitionsPolled(a)).toEqual([]);
  });
});
