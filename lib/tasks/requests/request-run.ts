import { randomUUID } from 'node:crypto';
import { messageOf } from '../../message-of.js';
import { createNode, type Nodes } from '../../session/nodes.js';
import { pause } from '../../within.js';
import { unlessMissing } from '../../zookeeper/unless-missing.js';
import { isZookeeperError } from '../../zookeeper/zookeeper.error.js';
import type { RequestedRun } from '../leader-task-info.interface.js';
import { LeaderTaskError } from '../leader-task.error.js';
import { FORMAT, parseRequest, type RunRequest } from './run-request.js';

/** What is asked of the leader, and by whom. */
export interface RunRequestSettings {
  readonly nodes: Nodes;
  readonly task: string;
  /** Who asks, for the history: an instance, or a person. */
  readonly requestedBy: string;
  /** Runs also while the task is paused or switched off, or goes on. */
  readonly isForced: boolean;
  /** Milliseconds for which the leader may let the request lie. Default 30,000. */
  readonly answerWithinMs?: number;
  /** Stops waiting; a run that has begun goes on. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Token of the leader of the task's election; undefined: nobody leads. Where
   * the election is not known, that of any leader, and `claimed` while it leads.
   */
  readonly leaderToken: (claimed?: number) => Promise<number | undefined>;
}

const ANSWER_WITHIN_MS = 30_000;
const LOOK_AGAIN_MS = 1_000;
/** A former leader may write an answer for that long. */
export const FAREWELL_MS = 15_000;

/**
 * Asks the leader of a task for a run, wherever it is. The request is a node of
 * this session: it goes with the process that asks. The leader claims it by
 * compare-and-set before the run, and it runs at most once.
 *
 * @throws {LeaderTaskError} (rejects) `NO_LEADER`, `NO_PERMISSION`, `NO_ANSWER`
 * @throws {ZookeeperError} (rejects) when ZooKeeper cannot be reached
 */
export async function requestRun(
  settings: RunRequestSettings,
): Promise<RequestedRun> {
  const { nodes, task, requestedBy, isForced, signal } = settings;
  const { client, paths } = nodes;
  const answerWithinMs = settings.answerWithinMs ?? ANSWER_WITHIN_MS;
  signal?.throwIfAborted();
  if ((await settings.leaderToken()) === undefined) {
    throw new LeaderTaskError(
      'NO_LEADER',
      `Nobody leads the election of the leader task "${task}": it was not run`,
    );
  }
  const path = `${paths.requests}/${randomUUID()}`;
  const request: RunRequest = {
    format: FORMAT,
    task,
    requestedBy,
    deadline: Date.now() + answerWithinMs,
    isForced,
  };
  try {
    const data = JSON.stringify(request);
    await createNode(client, paths.requests, path, data, 'ephemeral');
  } catch (error) {
    throw isZookeeperError(error, 'NO_AUTH')
      ? new LeaderTaskError(
          'NO_PERMISSION',
          `This instance may not ask the leader to run "${task}": ${messageOf(error)}`,
        )
      : error;
  }
  try {
    return await waitForAnswer(settings, path, answerWithinMs);
  } finally {
    // It goes with the session at the latest.
    await client.delete(path).catch(() => undefined);
  }
}

async function waitForAnswer(
  { nodes, task, signal, leaderToken }: RunRequestSettings,
  path: string,
  answerWithinMs: number,
): Promise<RequestedRun> {
  const { client } = nodes;
  const startedMs = performance.now();
  let leaderlessMs: number | undefined;
  for (;;) {
    signal?.throwIfAborted();
    const waited = new AbortController();
    const wake = (): void => waited.abort();
    const content = await unlessMissing(client.get(path, wake));
    const request = content && parseRequest(content.data);
    if (!content || !request) {
      throw noAnswer(task, 'the request is gone; the leader may have run it');
    }
    const { claim, answer } = request;
    if (claim && answer) {
      return Object.freeze({ task, instanceId: claim.instanceId, ...answer });
    }
    const nowMs = performance.now();
    if (!claim && nowMs - startedMs >= answerWithinMs) {
      try {
        await client.delete(path, content.stat.version);
        throw noAnswer(
          task,
          `nobody took it within ${answerWithinMs} ms; it was not run`,
        );
      } catch (error) {
        if (!isZookeeperError(error, 'BAD_VERSION')) {
          throw error;
        }
        // Taken at the last moment.
      }
    } else if (claim) {
      leaderlessMs =
        (await leaderToken(claim.token)) === claim.token
          ? undefined
          : (leaderlessMs ?? nowMs);
      if (leaderlessMs !== undefined && nowMs - leaderlessMs > FAREWELL_MS) {
        throw noAnswer(
          task,
          `${claim.instanceId} took it and leads no more; it may have run it`,
        );
      }
    }
    signal?.addEventListener('abort', wake, { once: true });
    const leftMs = claim
      ? LOOK_AGAIN_MS
      : Math.min(LOOK_AGAIN_MS, startedMs + answerWithinMs - nowMs);
    await pause(Math.max(1, leftMs), waited.signal);
    signal?.removeEventListener('abort', wake);
  }
}

function noAnswer(task: string, what: string): LeaderTaskError {
  return new LeaderTaskError(
    'NO_ANSWER',
    `The leader was asked to run the leader task "${task}" and has not answered: ` +
      what,
  );
}
