import { afterEach, it } from '@jest/globals';
import { BehaviorSubject } from 'rxjs';
import { ClusterWatcher } from '../../../lib/cluster/cluster-watcher.js';
import { NodePaths } from '../../../lib/node-paths.js';
import type {
  Connection,
  ZookeeperClient,
} from '../../../lib/zookeeper/zookeeper-client.interface.js';
import { ZookeeperError } from '../../../lib/zookeeper/zookeeper.error.js';
import { waitFor } from '../../support/wait-for.js';

const paths = new NodePaths('/app');
let release: (() => void) | undefined;

afterEach(() => release?.());

it('what ZooKeeper has refused is asked for again, although nothing tells that it is allowed', async () => {
  let isAllowed = false;
  const connection: Connection = { state: 'connected', epoch: 1 };
  const client: Partial<ZookeeperClient> = {
    connection,
    connection$: new BehaviorSubject(connection),
    unwatch: () => undefined,
    getChildren: async (path) =>
      ({ children: path === paths.tasks ? ['job'] : [], stat: {} }) as never,
    get: async (path) => {
      if (path !== paths.task('job')) {
        throw new ZookeeperError('NO_NODE', 'none');
      }
      if (!isAllowed) {
        throw new ZookeeperError('NO_AUTH', 'closed');
      }
      return { data: '{}', stat: {} } as never;
    },
  };
  const watcher = new ClusterWatcher(
    client as ZookeeperClient,
    paths,
    undefined,
    1,
  );
  release = watcher.use();
  const problem = (): string | undefined => watcher.view().ledgers[0]?.problem;
  await waitFor(() => problem() === 'closed');
  isAllowed = true;
  await waitFor(() => problem() !== 'closed');
});
