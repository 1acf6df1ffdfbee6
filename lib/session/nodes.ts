import type { NodePaths } from '../node-paths.js';
import { ensurePath } from '../zookeeper/ensure-path.js';
import { unlessMissing } from '../zookeeper/unless-missing.js';
import type { ZookeeperClient } from '../zookeeper/zookeeper-client.interface.js';
import { isZookeeperError } from '../zookeeper/zookeeper.error.js';

/** Where what instances share is kept: in ZooKeeper, or in memory. */
export interface Nodes {
  readonly client: NodeClient;
  readonly paths: NodePaths;
}

/** The part of a ZooKeeper client that reads and writes them. */
export type NodeClient = Pick<
  ZookeeperClient,
  | 'access'
  | 'connection'
  | 'connection$'
  | 'create'
  | 'delete'
  | 'get'
  | 'getChildren'
  | 'set'
  | 'sync'
>;

/** A node as it is after everything that was written before; undefined: none. */
export async function readFresh(client: NodeClient, path: string) {
  // A server that lags behind must not show an old node. Sent together:
  // ZooKeeper answers in order.
  const answers = await unlessMissing(
    Promise.all([client.sync(path), client.get(path)]),
  );
  return answers?.[1];
}

/** Creates a node, and what lies above it. */
export async function createNode(
  client: NodeClient,
  parent: string,
  path: string,
  data: string,
  mode: 'persistent' | 'ephemeral' = 'persistent',
): Promise<void> {
  if (client.access) {
    // Others must not be able to remove or replace it from the beginning on.
    await ensurePath(client, parent, 'persistent');
  }
  try {
    await client.create(path, data, mode);
  } catch (error) {
    if (!isZookeeperError(error, 'NO_NODE')) {
      throw error;
    }
    await ensurePath(client, parent, 'persistent');
    await client.create(path, data, mode);
  }
}

/** The names of a node's children; the node is created if it is missing. */
export async function childrenOf(
  client: NodeClient,
  path: string,
  watcher: () => void,
): Promise<string[]> {
  try {
    return (await client.getChildren(path, watcher)).children;
  } catch (error) {
    if (!isZookeeperError(error, 'NO_NODE')) {
      throw error;
    }
    await ensurePath(client, path, 'persistent');
    return (await client.getChildren(path, watcher)).children;
  }
}
