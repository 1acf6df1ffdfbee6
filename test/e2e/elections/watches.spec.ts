import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { firstValueFrom } from 'rxjs';
import type { LeaderSession } from '../../../lib/session/leader-session.js';
import type { NodeWatcher } from '../../../lib/zookeeper/zookeeper-client.interface.js';
import {
  ElectionGroup,
  type ElectionInstance,
} from '../../support/election-group.js';
import { waitFor } from '../../support/wait-for.js';
import { ZookeeperServer } from '../../support/zookeeper-server.js';

let server: ZookeeperServer;
let group: ElectionGroup;

beforeAll(async () => {
  server = await ZookeeperServer.start();
});
afterEach(() => group.close());
afterAll(() => server.close());

/** The watchers that a client still has, from all callers. */
function watchersOf(instance: ElectionInstance): Set<NodeWatcher> {
  const { client } = instance.elections.session as LeaderSession;
  const watchers = new Set<NodeWatcher>();
  const originals = new Map<NodeWatcher, NodeWatcher>();
  const noted = (watcher?: NodeWatcher): NodeWatcher | undefined => {
    if (!watcher) {
      return undefined;
    }
    const wrapper: NodeWatcher = (event) => {
      watchers.delete(watcher);
      watcher(event);
    };
    watchers.add(watcher);
    originals.set(watcher, wrapper);
    return wrapper;
  };
  const { get, getChildren, unwatch } = client;
  Object.assign(client, {
    get: (path: string, watcher?: NodeWatcher) =>
      get.call(client, path, noted(watcher)),
    getChildren: (path: string, watcher?: NodeWatcher) =>
      getChildren.call(client, path, noted(watcher)),
    unwatch: (path: string, watcher: NodeWatcher) => {
      watchers.delete(watcher);
      unwatch.call(client, path, originals.get(watcher) as NodeWatcher);
    },
  });
  return watchers;
}

it('who asks for the leader again and again leaves no watch behind', async () => {
  group = new ElectionGroup(server.port, '/watches');
  await group.join('A');
  const b = await group.start('B', { enabled: false });
  const watchers = watchersOf(b);
  for (let call = 0; call < 500; call += 1) {
    await firstValueFrom(b.election.leader$);
  }
  await Promise.all(
    Array.from({ length: 99_500 }, () => firstValueFrom(b.election.leader$)),
  );
  expect(watchers.size).toBe(0);
});

it('changes of the node before ours leave two watches: on it, and on ours', async () => {
  group = new ElectionGroup(server.port, '/watched');
  const a = await group.join('A');
  const b = await group.start('B');
  const watchers = watchersOf(b);
  await group.waitUntil(() => b.election.leadership.role === 'follower', {
    description: 'B to follow',
  });
  const path = `${group.basePath}/elections/default`;
  const { client } = a.elections.session as LeaderSession;
  const [leader] = await a.election.participants();
  for (let change = 0; change < 100; change += 1) {
    const { data } = await client.get(`${path}/${leader?.node}`);
    await client.set(`${path}/${leader?.node}`, data);
  }
  await waitFor(() => watchers.size === 2, {
    description: 'two watches',
  });
  await b.election.withdraw();
  expect(watchers.size).toBe(0);
});
