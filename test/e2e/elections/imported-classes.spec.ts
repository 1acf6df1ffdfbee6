import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { Controller, Get, Injectable, UseGuards } from '@nestjs/common';
import { Cron, ScheduleModule } from '@nestjs/schedule';
import {
  InjectLeaderElection,
  LeaderElection,
  LeaderElections,
  LeaderGuard,
  LeaderTasks,
  OnDeposed,
  OnElected,
  OnlyLeader,
} from '../../../lib/index.js';
import { NodePaths } from '../../../lib/node-paths.js';
import { MemoryLogger } from '../../support/memory-logger.js';
import {
  closeApplications,
  startApplication,
} from '../../support/nest-application.js';
import { waitFor } from '../../support/wait-for.js';
import { WireClient } from '../../support/wire-client.js';
import { ZookeeperServer } from '../../support/zookeeper-server.js';

let server: ZookeeperServer;

beforeAll(async () => {
  server = await ZookeeperServer.start();
});
afterEach(closeApplications);
afterAll(() => server.close());

/** As from the index of a library, of which an application provides one class. */
@Injectable()
class Injected {
  constructor(
    @InjectLeaderElection('injected') readonly election: LeaderElection,
  ) {}
}

@Injectable()
class Jobs {
  @Cron('* * * * * *')
  @OnlyLeader({ election: 'jobs', task: 'job', ledger: true })
  run(): void {}
}

@Injectable()
class Hooked {
  @OnElected('elected')
  elected(): void {}

  @OnDeposed('deposed')
  deposed(): void {}
}

@Controller()
class Guarded {
  @Get()
  @UseGuards(LeaderGuard.for('guarded'))
  get(): void {}
}

const EVERYTHING = ['deposed', 'elected', 'guarded', 'injected', 'jobs'];

/** The elections that an instance takes part in, as ZooKeeper has them. */
async function joined(basePath: string): Promise<string[]> {
  const zk = await WireClient.connect({ port: server.port });
  try {
    const { elections } = new NodePaths(basePath);
    const names = (await zk.exists(elections))
      ? await zk.getChildren(elections)
      : [];
    const entries = await Promise.all(
      names.map((name) => zk.getChildren(`${elections}/${name}`)),
    );
    return names.filter((_, index) => entries[index]!.length > 0).toSorted();
  } finally {
    await zk.close();
  }
}

it('a class that is imported and not provided joins no election, and has no task', async () => {
  const basePath = '/imported';
  const logger = new MemoryLogger();
  const app = await startApplication({
    options: { connectionString: server.connectionString, basePath },
    imports: [ScheduleModule.forRoot()],
    logger,
  });
  await app.get(LeaderElection).waitForLeadership({ timeoutMs: 10_000 });
  expect(app.get(LeaderElections).names).toEqual(['default']);
  expect(app.get(LeaderTasks).list()).toEqual([]);
  expect(await joined(basePath)).toEqual(['default']);
  expect(logger.messages('warn')).toEqual([]);
});

it('the same classes join their elections when an application provides them', async () => {
  const basePath = '/provided';
  await startApplication({
    options: { connectionString: server.connectionString, basePath },
    imports: [ScheduleModule.forRoot()],
    providers: [Injected, Jobs, Hooked],
    controllers: [Guarded],
  });
  await waitFor(
    async () => String(await joined(basePath)) === String(EVERYTHING),
    { timeoutMs: 10_000, description: 'all elections to be joined' },
  );
});
