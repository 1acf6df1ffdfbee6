import { unlessMissing } from '../zookeeper/unless-missing.js';
import type { ZookeeperClient } from '../zookeeper/zookeeper-client.interface.js';
import {
  isOwnedBySession,
  parseParticipant,
  sortedNodes,
  type ElectionNode,
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
  const listed = await unlessMissing(client.getChildren(path));
  return participantsAmong(client, path, sortedNodes(listed?.children ?? []));
}

/** Reads these nodes of an election, and leaves out what is no participant. */
export async function participantsAmong(
  client: ZookeeperClient,
  path: string,
  nodes: readonly ElectionNode[],
): Promise<Participant[]> {
  const participants = await Promise.all(
    nodes.map(({ name }) => readParticipant(client, path, name)),
  );
  return participants.filter((participant) => participant !== undefined);
}

/** A participant as it is now; undefined if it is gone, or is none. */
export async function readParticipant(
  client: ZookeeperClient,
  path: string,
  node: string,
): Promise<Participant | undefined> {
  const content = await unlessMissing(client.get(`${path}/${node}`));
  return content && isOwnedBySession(content.stat)
    ? parseParticipant(node, content.data, content.stat)
    : undefined;
}
