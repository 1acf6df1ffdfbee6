import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { firstValueFrom } from 'rxjs';
import { filter } from 'rxjs/operators';
import { ClusterWatcher } from '../../../lib/cluster/cluster-watcher.js';
import { leaderOf } from '../../../lib/cluster/cluster-view.interface.js';
import { requestResignation } from '../../../lib/operations/resign-request.js';
import type { LeaderSession } from '../../../lib/session/leader-session.js';
import { ElectionGroup } from '../../support/election-group.js';
import { waitFor } from '../../support/wait-for.js';
import { ZookeeperServer } from '../../support/zookeeper-server.js';

let server: ZookeeperServer;
let group: ElectionGroup;

beforeAll(async () => {
  server = await ZookeeperServer.start();
});
afterEach(() => group.close());
afterAll(() => server.close());

it.each(['persistent', 'container'])(
  'a %s node named like a participant does not count, anywhere',
  async (kind) => {
    group = new ElectionGroup(server.port, `/strays-${kind}`);
    const path = `${group.basePath}/elections/default`;
    const stray = 'a5f9a2d6-0000-4000-8000-000000000000-n_0000000000';
    await group.inspect(async (client) => {
      await client.createAll(path);
      await client.create(`${path}/${stray}`, {
        container: kind === 'container',
      });
      // The number is given by what has been created before.
      await client.create(`${path}/first`);
    });
    const a = await group.join('A');
    await group.waitForLeader(a);
    const b = await group.join('B');
    expect(
      (await a.election.participants()).map(({ instanceId }) => instanceId),
    ).toEqual(['A', 'B']);
    const leader = await firstValueFrom(
      b.election.leader$.pipe(filter((each) => each !== undefined)),
    );
    expect(leader.instanceId).toBe('A');
    expect(group.logger.messages('warn')).toContainEqual(
      expect.stringContaining(`${path}/${stray}" is no participant`),
    );
    expect(a.elections.isHealthy).toBe(true);

    // As the page, the command line and its order to resign see it.
    const { client, paths } = b.elections.session as LeaderSession;
    const watcher = new ClusterWatcher(client, paths);
    const release = watcher.use();
    const view = await waitFor(() => {
      const [election] = watcher.view().elections;
      return election && leaderOf(election) ? election : undefined;
    });
    expect(leaderOf(view)?.instanceId).toBe('A');
    expect(view.participantCount).toBe(2);
    release();
    expect(
      await requestResignation({
        client,
        path,
        requestedBy: 'a test',
        timeoutMs: 10_000,
      }),
    ).toMatchObject({ outcome: 'resigned', former: { instanceId: 'A' } });
    await group.waitForLeader(b);
    group.expectOneLeaderAtATime();
  },
);
