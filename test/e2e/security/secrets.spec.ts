import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { ModulesContainer } from '@nestjs/core';
import { LeaderElection, ZookeeperLeaderModule } from '../../../lib/index.js';
import {
  RESOLVED_OPTIONS,
  ZOOKEEPER_LEADER_OPTIONS,
} from '../../../lib/zookeeper-leader.constants.js';
import {
  closeApplications,
  startApplication,
} from '../../support/nest-application.js';
import { MemoryLogger } from '../../support/memory-logger.js';
import { descendants } from '../../support/process-table.js';
import { waitFor } from '../../support/wait-for.js';
import { ZookeeperServer } from '../../support/zookeeper-server.js';

const credentials = { username: 'app', password: 'correct-horse' };

let server: ZookeeperServer;

beforeAll(async () => {
  server = await ZookeeperServer.start();
});

afterEach(closeApplications);

afterAll(() => server?.close());

/** A dump that leaves nothing out that can be seen. */
function dump(value: unknown): string {
  return inspect(value, {
    depth: 12,
    showHidden: true,
    maxArrayLength: null,
    maxStringLength: null,
  });
}

it('dumps of the application do not show the password', async () => {
  const { connectionString } = server;
  const logger = new MemoryLogger();
  const app = await startApplication({
    options: { connectionString, credentials },
    logger,
  });
  const election = app.get(LeaderElection);
  await election.waitForLeadership();
  const options = [
    app.get(RESOLVED_OPTIONS) as object,
    app.get(ZOOKEEPER_LEADER_OPTIONS) as object,
  ];
  for (const held of options) {
    expect(dump(held)).toMatch(/app/);
    expect(dump(held)).not.toMatch(/correct-horse/);
    expect(JSON.stringify(held)).not.toMatch(/correct-horse/);
  }
  const modules = [...app.get(ModulesContainer).values()].filter(
    ({ metatype }) => metatype === ZookeeperLeaderModule,
  );
  const instances = modules.flatMap(({ providers }) =>
    [...providers.values()].map(({ instance }) => instance),
  );
  expect(instances.length).toBeGreaterThan(5);
  expect(dump(instances)).not.toMatch(/correct-horse/);
  await server.stop();
  await waitFor(
    () => logger.messages('warn').some((text) => /was lost/.test(text)),
    { description: 'the loss of the connection' },
  );
  await server.start();
  expect(JSON.stringify(logger.entries)).not.toMatch(/correct-horse/);
});

it('options of a factory are not shown either', async () => {
  const logger = new MemoryLogger();
  const app = await startApplication({
    options: { standalone: true },
    logger,
  });
  await app.close();
  const asynchronous = ZookeeperLeaderModule.forRootAsync({
    useFactory: () => ({ standalone: true, credentials }),
  });
  const provider = asynchronous.providers?.find(
    (each) => 'provide' in each && each.provide === ZOOKEEPER_LEADER_OPTIONS,
  ) as { useFactory: () => Promise<typeof credentials> };
  const made = await provider.useFactory();
  expect(dump(made)).toMatch(/app/);
  expect(dump(made)).not.toMatch(/correct-horse/);
});

it('the guardian has the password neither in its arguments nor its environment', async () => {
  const { connectionString } = server;
  process.env.SOME_SECRET = credentials.password;
  try {
    const app = await startApplication({
      options: { connectionString, credentials, basePath: '/guardian' },
    });
    await app.get(LeaderElection).waitForLeadership();
    const guardians = descendants(process.pid).filter(({ pid }) =>
      /guardian of \d+/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8')),
    );
    expect(guardians.length).toBeGreaterThan(0);
    for (const { pid } of guardians) {
      for (const file of ['cmdline', 'environ']) {
        const text = readFileSync(`/proc/${pid}/${file}`, 'utf8');
        expect(text).not.toMatch(/correct-horse/);
      }
    }
  } finally {
    delete process.env.SOME_SECRET;
  }
});

it('a password in the connection string, where it does nothing, is not repeated', async () => {
  for (const connectionString of [
    'app:correct-horse@zk1:2181,app:correct-horse@zk2',
    'app:correct-horse@zk1',
    'app:correct-horse/staple,9 battery@zk1:2181',
  ]) {
    const failure = startApplication({ options: { connectionString } });
    await expect(failure).rejects.toThrow(
      /"\*\*\*@zk\S+ is not a ZooKeeper connection string: a name and a password belong in the option credentials/,
    );
    await expect(failure).rejects.not.toThrow(/horse|staple|battery/);
  }
});
