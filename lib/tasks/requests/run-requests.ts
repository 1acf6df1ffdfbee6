import { randomUUID } from 'node:crypto';
import type { Logger } from '@nestjs/common';
import { messageOf } from '../../message-of.js';
import { pause } from '../../within.js';
import { unlessMissing } from '../../zookeeper/unless-missing.js';
import {
  isConnectionError,
  isZookeeperError,
} from '../../zookeeper/zookeeper.error.js';
import type { RequestedRun } from '../leader-task-info.interface.js';
import type { LeaderTask } from '../leader-task.js';
import { LeaderTaskError } from '../leader-task.error.js';
import {
  childrenOf,
  createNode,
  readFresh,
  type Nodes,
} from '../../session/nodes.js';
import { isObject, isOptional } from '../ledger/ledger.js';
import { NodeWatch } from '../../session/node-watch.js';

/** What the node of a request holds, as JSON. */
export interface RunRequest {
  readonly format: typeof FORMAT;
  readonly task: string;
  readonly requestedBy: string;
  /** Epoch milliseconds, by the clock of the one who asks. */
  readonly deadline: number;
  readonly isForced: boolean;
  /** Set by the leader that takes it, before it runs anything. */
  readonly claim?: {
    readonly id: string;
    readonly instanceId: string;
    readonly token: number;
  };
  readonly answer?: Omit<RequestedRun, 'task' | 'instanceId'>;
}

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

const FORMAT = 'nestjs-zookeeper-leader/run-request/1';
const ANSWER_WITHIN_MS = 30_000;
const LOOK_AGAIN_MS = 1_000;
const LONGEST_NAME = 200;
/** A former leader may write an answer for that long. */
const FAREWELL_MS = 15_000;
/** The clocks of the one who asks and of the leader may be apart by that. */
const TOLERATED_SKEW_MS = 60_000;

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

/** Takes the requests for the tasks that this instance leads. */
export class RunRequests {
  readonly #nodes: Nodes;
  readonly #instanceId: string;
  readonly #find: (task: string) => LeaderTask | undefined;
  readonly #closing: AbortSignal;
  readonly #watch: NodeWatch;
  /** Claims whose answer has not come, by request: nothing has begun. */
  readonly #claims = new Map<string, string>();
  readonly #taken = new Set<string>();

  constructor(
    nodes: Nodes,
    instanceId: string,
    find: (task: string) => LeaderTask | undefined,
    closing: AbortSignal,
    logger: Logger,
  ) {
    this.#closing = closing;
    this.#nodes = nodes;
    this.#instanceId = instanceId;
    this.#find = find;
    this.#watch = new NodeWatch(
      nodes.client,
      (changed) => this.#read(changed),
      {
        what: 'Which leader tasks are asked for',
        path: nodes.paths.requests,
        logger,
      },
    );
  }

  start(): void {
    this.#watch.start();
  }

  /** A term has begun: what was left to others may be ours now. */
  look(): void {
    this.#watch.look();
  }

  stop(): void {
    this.#watch.stop();
  }

  async #read(changed: () => void): Promise<void> {
    const { client, paths } = this.#nodes;
    const ids = await childrenOf(client, paths.requests, changed);
    const present = new Set(ids);
    for (const id of [...this.#taken, ...this.#claims.keys()]) {
      if (!present.has(id)) {
        this.#taken.delete(id);
        this.#claims.delete(id);
      }
    }
    await Promise.all(
      ids.filter((id) => !this.#taken.has(id)).map((id) => this.#take(id)),
    );
  }

  async #take(id: string): Promise<void> {
    const { client, paths } = this.#nodes;
    const path = `${paths.requests}/${id}`;
    const content = await readFresh(client, path);
    const request = content && parseRequest(content.data);
    const task = request && this.#find(request.task);
    const { leadership } = task?.election ?? {};
    if (!content || !task || leadership?.role !== 'leader') {
      return;
    }
    const claimId = this.#claims.get(id) ?? randomUUID();
    const { fencingToken: token } = leadership.term;
    if (request.claim === undefined) {
      const claim = { id: claimId, instanceId: this.#instanceId, token };
      this.#claims.set(id, claimId);
      try {
        const data = JSON.stringify({ ...request, claim });
        await client.set(path, data, content.stat.version);
      } catch (error) {
        if (isZookeeperError(error, 'BAD_VERSION', 'NO_NODE')) {
          return;
        }
        // Looked at again on the next connection: was it claimed or not?
        throw error;
      }
      this.#run(path, id, { ...request, claim }, task);
    } else if (
      request.claim.id === claimId &&
      request.claim.token === token &&
      !request.answer
    ) {
      // The answer to the claim was lost, not the claim.
      this.#run(path, id, request, task);
    }
  }

  #run(path: string, id: string, request: RunRequest, task: LeaderTask): void {
    this.#claims.delete(id);
    this.#taken.add(id);
    const answer = (given: RunRequest['answer']): void =>
      void this.#answer(path, { ...request, ...(given && { answer: given }) });
    if (Date.now() > request.deadline + TOLERATED_SKEW_MS) {
      answer({
        outcome: 'skipped',
        reason: 'too-late',
        error: 'The request is too old, or the clocks of the instances differ',
      });
      return;
    }
    task.demand({
      requestedBy: request.requestedBy.slice(0, LONGEST_NAME),
      isForced: request.isForced,
      answer,
    });
  }

  /** Tries until it is written, nobody waits any more, or the application ends. */
  async #answer(path: string, request: RunRequest): Promise<void> {
    const { client } = this.#nodes;
    const endMs = performance.now() + FAREWELL_MS;
    while (performance.now() < endMs && !this.#closing.aborted) {
      try {
        await client.set(path, JSON.stringify(request));
        return;
      } catch (error) {
        if (!isConnectionError(error)) {
          return;
        }
        await pause(LOOK_AGAIN_MS, this.#closing);
      }
    }
  }
}

/** Undefined if the data are no request: anybody may have written them. */
export function parseRequest(data: string): RunRequest | undefined {
  try {
    const request = JSON.parse(data) as RunRequest | null;
    const isRequest =
      request?.format === FORMAT &&
      typeof request.task === 'string' &&
      typeof request.requestedBy === 'string' &&
      Number.isFinite(request.deadline) &&
      typeof request.isForced === 'boolean' &&
      isOptional(request.claim, isObject) &&
      isOptional(request.answer, isObject);
    return isRequest ? request : undefined;
  } catch {
    return undefined;
  }
}
