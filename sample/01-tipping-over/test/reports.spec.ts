import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { Test, type TestingModule } from '@nestjs/testing';
import { LeaderElection } from 'nestjs-zookeeper-leader';
// Any ZooKeeper will do: `docker compose up zookeeper`, for example.
import { ZookeeperServer } from '../../../test/support/zookeeper-server.js';
import { waitFor } from '../../../test/support/wait-for.js';
import { AppModule } from '../src/app.module.js';
import { TippingOver } from '../src/tipping-over.js';

/** An instance of the application, with the reports that it has sent. */
class Instance {
  static readonly all: Instance[] = [];

  readonly reports: number[] = [];
  private module!: TestingModule;

  static async start(): Promise<Instance> {
    const instance = new Instance();
    const afterReport = (report: number): void => {
      instance.reports.push(report);
    };
    instance.module = await Test.createTestingModule({ imports: [AppModule] })
      .overrideProvider(TippingOver)
      .useValue({ afterReport })
      .compile();
    instance.module.useLogger(false);
    await instance.module.init();
    Instance.all.push(instance);
    return instance;
  }

  get election(): LeaderElection {
    return this.module.get(LeaderElection);
  }

  close(): Promise<void> {
    return this.module.close();
  }
}

let zookeeper: ZookeeperServer;

beforeAll(async () => {
  zookeeper = await ZookeeperServer.start();
  process.env.ZOOKEEPER_CONNECTION_STRING = zookeeper.connectionString;
});

afterEach(async () => {
  await Promise.all(Instance.all.splice(0).map((each) => each.close()));
});

afterAll(async () => {
  delete process.env.ZOOKEEPER_CONNECTION_STRING;
  await zookeeper.close();
});

it('sends reports from one instance, and from the next one when that ends', async () => {
  const first = await Instance.start();
  await first.election.waitForLeadership({ timeoutMs: 10_000 });
  const second = await Instance.start();
  await waitFor(() => second.election.leadership.role === 'follower', {
    description: 'the second instance to be in line',
  });
  await waitFor(() => first.reports.length >= 2, {
    description: 'two reports of the leader',
  });
  expect(second.reports).toEqual([]);

  await first.close();
  await second.election.waitForLeadership({ timeoutMs: 10_000 });
  const sentByFirst = first.reports.length;
  await waitFor(() => second.reports.length >= 2, {
    description: 'two reports of the next leader',
  });
  expect(first.reports).toHaveLength(sentByFirst);
});
