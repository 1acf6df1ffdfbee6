import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { TerminusModule } from '@nestjs/terminus';
import { lastValueFrom } from 'rxjs';
import { DashboardState } from '../../../lib/dashboard/dashboard-state.js';
import { ZookeeperLeaderDashboardModule } from '../../../lib/dashboard/index.js';
import type { ManagedElection } from '../../../lib/election/managed-election.js';
import { ZookeeperLeaderHealthIndicator } from '../../../lib/health/index.js';
import { LeaderElections } from '../../../lib/index.js';
import { ElectionGroup } from '../../support/election-group.js';
import {
  closeApplications,
  startApplication,
} from '../../support/nest-application.js';
import { ZookeeperServer } from '../../support/zookeeper-server.js';

let server: ZookeeperServer;
let group: ElectionGroup;

beforeAll(async () => {
  server = await ZookeeperServer.start();
});
afterEach(async () => {
  await closeApplications();
  await group.close();
});
afterAll(() => server.close());

/** The watches that the server has, once their number changes no more. */
async function watchesAtRest(): Promise<number | undefined> {
  const looks: (number | undefined)[] = [];
  await group.waitUntil(
    async () => {
      looks.push((await server.counters()).watch_count);
      return looks.length > 20 && new Set(looks.slice(-20)).size === 1;
    },
    { description: 'the number of watches to stay as it is' },
  );
  return looks.at(-1);
}

it('an election that is disposed of is left, ended and forgotten', async () => {
  group = new ElectionGroup(server.port, '/dispose');
  const { elections } = await group.join('A');
  const told: string[] = [];
  elections.follow(({ name }: ManagedElection) => {
    told.push(name);
    return () => told.push(`${name} has ended`);
  });
  const election = elections.get('import-7');
  const { signal } = await election.waitForLeadership({ timeoutMs: 10_000 });
  expect(await group.nodes('import-7')).toHaveLength(1);
  const last = lastValueFrom(election.leadership$);

  await elections.dispose('import-7');
  expect(signal.aborted).toBe(true);
  expect(await last).toMatchObject({ role: 'idle', reason: 'withdrawn' });
  expect(await group.nodes('import-7')).toEqual([]);
  expect(elections.names).toEqual(['default']);
  expect(told).toEqual(['default', 'import-7', 'import-7 has ended']);
  await expect(election.waitForLeadership()).rejects.toMatchObject({
    code: 'CLOSED',
  });

  const again = elections.get('import-7');
  expect(again).not.toBe(election);
  await again.waitForLeadership({ timeoutMs: 10_000 });
});

it('hundreds of elections that are made and disposed of leave nothing', async () => {
  group = new ElectionGroup(server.port, '/many');
  await group.join('other', { enters: ['default', 'last'] });
  const { elections } = await group.join('A');
  let followed = 0;
  elections.follow(() => {
    followed += 1;
    return () => {
      followed -= 1;
    };
  });
  const watches = await watchesAtRest();
  for (let batch = 0; batch < 10; batch += 1) {
    const names = Array.from({ length: 30 }, (_, i) => `import-${batch}-${i}`);
    await Promise.all(
      names.map((name) =>
        elections.get(name).waitForLeadership({ timeoutMs: 10_000 }),
      ),
    );
    await Promise.all(names.map((name) => elections.dispose(name)));
  }
  expect(elections.names).toEqual(['default']);
  expect(followed).toBe(1);
  expect(elections.problems.size).toBe(0);
  expect(await group.nodes('import-9-29')).toEqual([]);
  expect(await watchesAtRest()).toBe(watches);
  // The log still looks up who leads, which it does for a few elections only.
  elections.get('last');
  await group.waitUntil(
    () =>
      group.logger
        .messages('log')
        .some((text) =>
          /^A follows in .*"last"; "other" leads since/.test(text),
        ),
    { description: 'the leader in the log' },
  );
});

it('an election that the application is made of cannot be disposed of', async () => {
  group = new ElectionGroup(server.port, '/in-use');
  const { elections } = await group.join('A');
  await expect(elections.dispose('default')).rejects.toThrow(
    /"default" cannot be disposed of: a test uses it/,
  );
  await expect(elections.dispose('unknown')).resolves.toBeUndefined();
});

it('an election that was only looked at can be disposed of', async () => {
  group = new ElectionGroup(server.port, '/looked-at');
  const app = await startApplication({
    options: {
      connectionString: `127.0.0.1:${server.port}`,
      basePath: group.basePath,
    },
    imports: [TerminusModule, ZookeeperLeaderDashboardModule.forRoot()],
    providers: [ZookeeperLeaderHealthIndicator],
  });
  const elections = app.get(LeaderElections);
  await elections.get('import-7').waitForLeadership({ timeoutMs: 10_000 });
  await app.get(ZookeeperLeaderHealthIndicator).isHealthy('leader');
  await app.get(DashboardState, { strict: false }).read();
  await elections.dispose('import-7');
  expect(elections.names).toEqual(['default']);
});
