import { nameIn, parseObject } from '../untrusted-data.js';
import { childrenOf, createNode, type Nodes } from '../session/nodes.js';
import { unlessMissing } from '../zookeeper/unless-missing.js';
import { decodeSegment, instanceSegmentOf } from '../node-paths.js';
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
 * {@link undrainInstance}: also after a restart, where it has the same id. What was
 * asked of instances that are not connected is forgotten when there is too much of
 * it.
 */
export async function drainInstance(
  nodes: Nodes,
  instanceId: string,
  by: string,
): Promise<void> {
  const { client, paths } = nodes;
  const drained = await childrenOf(client, paths.drains, () => undefined);
  if (drained.length >= MOST_DRAINS) {
    const listed = await unlessMissing(client.getChildren(paths.instances));
    const present = new Set(listed?.children.map(instanceSegmentOf));
    const gone = drained.filter((each) => !present.has(each));
    await Promise.all(
      gone.map((each) => undrainInstance(nodes, decodeSegment(each))),
    );
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
