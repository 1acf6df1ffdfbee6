import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import type {
  INestApplicationContext,
  OnModuleInit,
  Provider,
} from '@nestjs/common';
import { LeaderElections, type LeaderElection } from '../../../lib/index.js';
import {
  drainInstance,
  undrainInstance,
} from '../../../lib/operations/drain.js';
import type { Nodes } from '../../../lib/session/nodes.js';
import { TestingServer } from '../../../lib/testing/index.js';
import {
  closeApplications,
  startApplication,
} from '../../support/nest-application.js';
import { waitFor } from '../../support/wait-for.js';

let server: TestingServer;

beforeAll(async () => {
  server = await TestingServer.start({ log: false });
});
afterEach(() => closeApplications());
afterAll(() => server.close());

function start(
  basePath: string,
  instanceId = 'a',
  providers: Provider[] = [],
): Promise<INestApplicationContext> {
  return startApplication({
    providers,
    options: {
      connectionString: server.connectionString,
      basePath,
      instanceId,
      guardian: false,
    },
  });
}

/** Entries in an election. */
function entries(basePath: string, election: string): unknown[] {
  return server.tree(`${basePath}/elections/${election}`).slice(1);
}

async function drained(
  app: INestApplicationContext,
  name: string,
): Promise<{ election: LeaderElection; nodes: Nodes }> {
  const elections = app.get(LeaderElections);
  const nodes = elections.session as Nodes;
  const election = elections.get(name);
  await election.waitForLeadership({ timeoutMs: 10_000 });
  await drainInstance(nodes, 'a', 'test');
  await waitFor(() => election.leadership.role === 'idle');
  await waitFor(() => entries(nodes.paths.base, name).length === 0);
  return { election, nodes };
}

it('a drained instance takes part in nothing, whatever the application enters', async () => {
  const app = await start('/drained');
  const { election, nodes } = await drained(app, 'jobs');
  const roles: string[] = [];
  election.leadership$.subscribe(({ role }) => roles.push(role));
  await election.withdraw();
  election.enter();
  const other = app.get(LeaderElections).get('other');
  other.enter();
  // Behind whatever they have asked for.
  await nodes.client.sync('/');
  expect(entries('/drained', 'jobs')).toEqual([]);
  expect(entries('/drained', 'other')).toEqual([]);
  expect(roles).toEqual(['idle']);
  await undrainInstance(nodes, 'a');
  await election.waitForLeadership({ timeoutMs: 10_000 });
  await other.waitForLeadership({ timeoutMs: 10_000 });
});

it('a drained instance that is started again, alone, leads at no moment', async () => {
  const app = await start('/again');
  await drained(app, 'jobs');
  await app.close();
  const changes: string[] = [];
  class Watcher implements OnModuleInit {
    constructor(private readonly elections: LeaderElections) {}

    onModuleInit(): void {
      this.elections
        .get('jobs')
        .leadership$.subscribe(({ role, reason }) =>
          changes.push(`${role} (${reason})`),
        );
    }
  }
  await start('/again', 'a', [
    {
      provide: Watcher,
      inject: [LeaderElections],
      useFactory: (elections: LeaderElections) => new Watcher(elections),
    },
  ]);
  await waitFor(() => changes.length === 2, { description: 'it to stay away' });
  expect(changes).toEqual(['idle (starting)', 'idle (withdrawn)']);
});

it('an election that the application leaves while it is drained stays left', async () => {
  const app = await start('/left');
  const { election, nodes } = await drained(app, 'jobs');
  const other = app.get(LeaderElections).get('other');
  await election.withdraw();
  await undrainInstance(nodes, 'a');
  await other.waitForLeadership({ timeoutMs: 10_000 });
  await nodes.client.sync('/');
  expect(election.leadership).toMatchObject({
    role: 'idle',
    reason: 'withdrawn',
  });
  expect(entries('/left', 'jobs')).toEqual([]);
});

it('many drains are forgotten, those of connected instances excepted', async () => {
  const app = await start('/many', 'web-1');
  await start('/many', 'web/2');
  const nodes = app.get(LeaderElections).session as Nodes;
  await waitFor(() => server.tree(nodes.paths.instances).length === 3);
  await drainInstance(nodes, 'web/2', 'test');
  await Promise.all(
    Array.from({ length: 199 }, (_, i) =>
      nodes.client.create(nodes.paths.drain(`gone-${i}`), '', 'persistent'),
    ),
  );
  await drainInstance(nodes, 'web-1', 'test');
  const drains = server.tree(nodes.paths.drains).slice(1);
  expect(drains.map(({ path }) => path)).toEqual([
    nodes.paths.drain('web/2'),
    nodes.paths.drain('web-1'),
  ]);
});
