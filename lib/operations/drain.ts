import { nameIn, parseObject } from '../untrusted-data.js';
import { childrenOf, createNode, type Nodes } from '../session/nodes.js';
import { unlessMissing } from '../zookeeper/unless-missing.js';
import { decodeSegment } from '../node-paths.js';
import { isZookeeperError } from '../zookeeper/zookeeper.error.js';

/** An instance that has to take no part in any election. */
export interface Drain {
  readonly instanceId: string;
  /** Who wants it so. */
  readonly by: string;
  readonly at: Date;
}

/** More instances than this are not drained at a time. */
const MOST_DRAINS = 200;

/**
 * Has an instance leave all elections, and stay out of them until
 * {@link undrainInstance}: also after a restart, where it has the same id.
 *
 * @param present ids of the instances that are connected: what was asked of
 * others that are gone is forgotten when there is too much of it
 */
export async function drainInstance(
  nodes: Nodes,
  instanceId: string,
  by: string,
  present: readonly string[],
): Promise<void> {
  const { client, paths } = nodes;
  const drained = await childrenOf(client, paths.drains, () => undefined);
  if (drained.length >= MOST_DRAINS) {
    const gone = drained
      .map(decodeSegment)
      .filter((each) => !present.includes(each));
    await Promise.all(gone.map((each) => undrainInstance(nodes, each)));
  }
  const data = JSON.stringify({ by, at: new Date().toISOString() });
  try {
    await createNode(client, paths.drains, paths.drain(instanceId), data);
  } catch (error) {
    if (!isZookeeperError(error, 'NODE_EXISTS')) {
      throw error;
    }
  }
}

/** Lets an instance take part again. Resolves to whether it was drained. */
export async function undrainInstance(
  { client, paths }: Nodes,
  instanceId: string,
): Promise<boolean> {
  try {
    await client.delete(paths.drain(instanceId));
    return true;
  } catch (error) {
    if (!isZookeeperError(error, 'NO_NODE')) {
      throw error;
    }
    return false;
  }
}

/** What has been asked of an instance; undefined if it is not drained. */
export async function drainOf(
  { client, paths }: Nodes,
  instanceId: string,
): Promise<Drain | undefined> {
  const content = await unlessMissing(client.get(paths.drain(instanceId)));
  return content && parseDrain(instanceId, content.data);
}

/** Whatever the data is, the result is well-formed. */
export function parseDrain(instanceId: string, data: string): Drain {
  const { by, at } = parseObject(data);
  const date = new Date(typeof at === 'string' ? at : NaN);
  return {
    instanceId,
    by: nameIn(by) ?? '(unknown)',
    at: Number.isNaN(date.getTime()) ? new Date(0) : date,
  };
}
