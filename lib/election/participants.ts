import type { ZookeeperClient } from '../zookeeper/zookeeper-client.interface.js';
import { unlessMissing } from '../zookeeper/unless-missing.js';
import {
  isOwnedBySession,
  parseParticipant,
  sortedNodes,
} from './election-node.js';
import type { Participant } from './leadership.interface.js';

/**
 * Reads an election's participants in succession order. One that vanishes
 * between the listing and the reading is left out; an election that does not
 * exist has none.
 */
export async function readParticipants(
  client: ZookeeperClient,
  path: string,
): Promise<Participant[]> {
  const nodes = await unlessMissing(client.getChildren(path));
  const participants = await Promise.all(
    sortedNodes(nodes?.children ?? []).map(async ({ name }) => {
      const content = await unlessMissing(client.get(`${path}/${name}`));
      return content && isOwnedBySession(content.stat)
        ? parseParticipant(name, content.data, content.stat)
        : undefined;
    }),
  );
  return participants.filter((participant) => participant !== undefined);
}
