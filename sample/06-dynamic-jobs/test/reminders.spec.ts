import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { LeaderElection } from 'nestjs-zookeeper-leader';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { waitFor } from '../../../test/support/wait-for.js';
// Any ZooKeeper will do.
import { ZookeeperServer } from '../../../test/support/zookeeper-server.js';
import { AppModule } from '../src/app.module.js';
import { Messenger } from '../src/messenger.js';

/** An instance of the application, and what it has told. */
interface Instance {
  readonly app: INestApplication;
  readonly election: LeaderElection;
  readonly told: string[];
}

let zookeeper: ZookeeperServer;
let directory: string;
const running: INestApplication[] = [];

beforeAll(async () => {
  zookeeper = await ZookeeperServer.start();
  directory = await mkdtemp(path.join(tmpdir(), 'reminders-'));
  process.env.ZOOKEEPER_CONNECTION_STRING = zookeeper.connectionString;
  process.env.REMINDERS_FILE = path.join(directory, 'reminders.json');
});

afterEach(async () => {
  await Promise.all(running.splice(0).map((each) => each.close()));
});

afterAll(async () => {
  delete process.env.ZOOKEEPER_CONNECTION_STRING;
  delete process.env.REMINDERS_FILE;
  await zookeeper.close();
  await rm(directory, { recursive: true });
});

async function start(): Promise<Instance> {
  const told: string[] = [];
  const module = await Test.createTestingModule({ imports: [AppModule] })
    .overrideProvider(Messenger)
    .useValue({ tell: async (text: string) => void told.push(text) })
    .compile();
  module.useLogger(false);
  const app = module.createNestApplication();
  running.push(app);
  await app.listen(0, '127.0.0.1');
  return { app, election: app.get(LeaderElection), told };
}

async function send(
  { app }: Instance,
  method: 'PUT' | 'DELETE',
  reminder?: { cron: string; text: string },
): Promise<void> {
  const response = await fetch(`${await app.getUrl()}/reminders/tea`, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(reminder && { body: JSON.stringify(reminder) }),
  });
  expect(response.status).toBe(200);
}

it('a job that any instance is given is run by the leader, and by the next', async () => {
  const first = await start();
  await first.election.waitForLeadership({ timeoutMs: 10_000 });
  const second = await start();
  await waitFor(() => second.election.leadership.role === 'follower', {
    description: 'the second instance to be in line',
  });

  await send(second, 'PUT', { cron: '* * * * * *', text: 'is ready' });
  await waitFor(() => first.told.includes('tea: is ready'), {
    description: 'the leader to remind',
  });
  await send(second, 'PUT', { cron: '* * * * * *', text: 'is getting cold' });
  await waitFor(() => first.told.includes('tea: is getting cold'), {
    description: 'the changed job',
  });
  expect(second.told).toEqual([]);

  running.splice(running.indexOf(first.app), 1);
  await first.app.close();
  await waitFor(() => second.told.length > 0, {
    description: 'the next leader to remind',
  });

  const listed = await fetch(`${await second.app.getUrl()}/reminders`);
  expect(await listed.json()).toMatchObject([{ task: 'reminder tea' }]);
  await send(second, 'DELETE');
  await waitFor(
    async () => {
      const left = await fetch(`${await second.app.getUrl()}/reminders`);
      return ((await left.json()) as unknown[]).length === 0;
    },
    { description: 'nothing to be left of a deleted job' },
  );
});
