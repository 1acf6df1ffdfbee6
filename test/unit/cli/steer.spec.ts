import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { ledgers, removeLedger } from '../../../lib/cli/ledgers.command.js';
import { withSession, type CliSession } from '../../../lib/cli/cli-session.js';
import { pause, resume } from '../../../lib/cli/steer.commands.js';
import { LeaderTasks, OnlyLeader } from '../../../lib/index.js';
import { TestingServer } from '../../../lib/testing/index.js';
import {
  closeApplications,
  startApplication,
} from '../../support/nest-application.js';
import { waitFor } from '../../support/wait-for.js';

let server: TestingServer;

beforeEach(async () => {
  server = await TestingServer.start();
});
afterEach(async () => {
  await closeApplications();
  await server.close();
});

@Injectable()
class Jobs {
  @OnlyLeader({ task: 'plain', ledger: true, scheduled: false })
  async plain(): Promise<void> {}

  @OnlyLeader({ task: 'mailboxes', partitions: 3, scheduled: false })
  async poll(): Promise<void> {}
}

/** What the command prints, the errors last. */
async function command(
  work: (session: CliSession) => Promise<unknown>,
): Promise<string> {
  const printed: string[] = [];
  const errors: string[] = [];
  await withSession(
    { connect: server.connectionString, basePath: '/cli', timeout: 10 },
    { out: (text) => printed.push(text), error: (text) => errors.push(text) },
    new AbortController().signal,
    work,
  );
  return [...printed, ...errors].join('\n');
}

it('a task with partitions is paused and resumed with all of them', async () => {
  const { connectionString } = server;
  const app = await startApplication({
    options: { connectionString, basePath: '/cli', guardian: false },
    providers: [Jobs],
  });
  const tasks = app.get(LeaderTasks);
  const paused = (): Promise<boolean[]> =>
    Promise.all(
      [0, 1, 2].map(
        async (index) =>
          (await tasks.pauseOf(`mailboxes[${index}]`)) !== undefined,
      ),
    );
  const { client, paths } = tasks.nodes;
  await waitFor(async () => {
    const { children } = await client.getChildren(paths.base);
    return children.includes('groups') || children.includes('partitions');
  });
  const told = await command((session) => pause(session, 'mailboxes', {}));
  expect(told).toMatch(/^"mailboxes" is paused by \S+ since \S+$/);
  await expect(paused()).resolves.toEqual([true, true, true]);
  await command((session) => resume(session, 'mailboxes', {}));
  await expect(paused()).resolves.toEqual([false, false, false]);
});

it('the ledger of a paused task is not removed: the task would run again', async () => {
  await command((session) => pause(session, 'plain', {}));
  await expect(
    command((session) => removeLedger(session, 'plain')),
  ).rejects.toThrow(/"plain" is paused.*Resume it first/);
  await command((session) => resume(session, 'plain', {}));
  await command((session) => removeLedger(session, 'plain'));
  await expect(command(ledgers)).resolves.toBe('No task has a run ledger.');
});
