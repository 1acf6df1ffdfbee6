import { setTimeout as delay } from 'node:timers/promises';
import { pause } from '../within.js';
import type { ZookeeperClient } from '../zookeeper/zookeeper-client.interface.js';
import {
  parseParticipant,
  parseResignRequest,
  sortedNodes,
  withResignRequest,
} from '../election/election-node.js';
import type { Participant } from '../election/leadership.interface.js';
import { readParticipant } from '../election/participants.js';
import { unlessMissing, unlessRefused } from '../zookeeper/unless-missing.js';

export interface ResignRequestOptions {
  readonly client: ZookeeperClient;
  /** Of the election. */
  readonly path: string;
  /** Who asks, for the leader's log. */
  readonly requestedBy: string;
  /** How long the leader may take, its running tasks included. */
  readonly timeoutMs: number;
  /** Who is meant; undefined: the leader, whichever instance it is. */
  readonly instanceId?: string;
}

/**
 * - `resigned`: the term that was found has ended;
 * - `no-leader`: there was none;
 * - `other-leader`: another instance leads than the one that is meant;
 * - `timed-out`: the leader has not made way in time, and may still do so.
 */
export interface ResignResult {
  readonly outcome: 'resigned' | 'no-leader' | 'other-leader' | 'timed-out';
  readonly former?: Participant;
  /** Who leads now, where somebody does. */
  readonly next?: Participant;
}

/** How often a node is looked at again, should its watch have been lost. */
const LOOK_AGAIN_MS = 1_000;

/**
 * Asks the leader of an election, wherever it is, to resign. The request is
 * written into the leader's own node, which it watches, for the term that was
 * found there. It steps down before it deletes the node: nobody else
 * leads before it knows. Deleting the node from outside would not wait for that.
 */
export async function requestResignation(
  options: ResignRequestOptions,
): Promise<ResignResult> {
  const { client, path } = options;
  const deadlineMs = performance.now() + options.timeoutMs;
  const isOver = (): boolean => performance.now() >= deadlineMs;
  const former = await findLeader(client, path);
  if (!former) {
    return { outcome: 'no-leader' };
  }
  if (
    options.instanceId !== undefined &&
    options.instanceId !== former.instanceId
  ) {
    return { outcome: 'other-leader', former };
  }
  while (await isStillLeading(options, former)) {
    if (isOver()) {
      return { outcome: 'timed-out', former };
    }
    await nextChange(client, `${path}/${former.node}`, deadlineMs);
  }
  let next = await findLeader(client, path);
  while (!next && !isOver()) {
    await delay(Math.min(50, Math.max(1, deadlineMs - performance.now())));
    next = await findLeader(client, path);
  }
  return { outcome: 'resigned', former, ...(next && { next }) };
}

/** The participant that says that it leads. */
async function findLeader(
  client: ZookeeperClient,
  path: string,
): Promise<Participant | undefined> {
  const [, listed] = await Promise.all([
    client.sync(path),
    unlessMissing(client.getChildren(path)),
  ]);
  for (const { name } of sortedNodes(listed?.children ?? [])) {
    const first = await readParticipant(client, path, name);
    if (first) {
      return first.leaderSince && first;
    }
  }
  return undefined;
}

/** Whether the term goes on; sees to it that its leader is asked to end it. */
async function isStillLeading(
  { client, path, requestedBy }: ResignRequestOptions,
  former: Participant,
): Promise<boolean> {
  const node = `${path}/${former.node}`;
  const content = await unlessMissing(client.get(node));
  const present =
    content && parseParticipant(former.node, content.data, content.stat);
  if (present?.leaderSince?.getTime() !== former.leaderSince?.getTime()) {
    return false;
  }
  const { data, stat } = content as NonNullable<typeof content>;
  const request = withResignRequest(data, requestedBy);
  if (request !== undefined && !parseResignRequest(data)) {
    // If somebody else was faster, it shows in the next look.
    const written = client.set(node, request, stat.version);
    await unlessRefused(written, 'BAD_VERSION', 'NO_NODE');
  }
  return true;
}

/** Waits until something happens to a node, but not for long. */
async function nextChange(
  client: ZookeeperClient,
  node: string,
  deadlineMs: number,
): Promise<void> {
  const abort = new AbortController();
  const stop = (): void => abort.abort();
  try {
    if (await unlessMissing(client.get(node, stop))) {
      const leftMs = deadlineMs - performance.now();
      await pause(Math.min(LOOK_AGAIN_MS, leftMs), abort.signal);
    }
  } finally {
    client.unwatch(node, stop);
  }
}
