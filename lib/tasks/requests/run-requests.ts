import { randomUUID } from 'node:crypto';
import type { Logger } from '@nestjs/common';
import { NodeWatch } from '../../session/node-watch.js';
import { childrenOf, readFresh, type Nodes } from '../../session/nodes.js';
import { pause } from '../../within.js';
import {
  isConnectionError,
  isZookeeperError,
} from '../../zookeeper/zookeeper.error.js';
import type { RunAnswer } from '../leader-task-info.interface.js';
import type { LeaderTask } from '../leader-task.js';
import { FAREWELL_MS } from './request-run.js';
import { parseRequest, type RunRequest } from './run-request.js';

const TRY_AGAIN_MS = 1_000;
const LONGEST_NAME = 200;
/** The clocks of the one who asks and of the leader may be apart by that. */
const TOLERATED_SKEW_MS = 60_000;

/** Whose tasks somebody may ask for. */
interface AskedTasks {
  readonly nodes: Nodes;
  readonly byName: ReadonlyMap<string, LeaderTask>;
  readonly closing: AbortSignal;
  readonly logger: Logger;
}

/** Takes the requests for the tasks that this instance leads. */
export class RunRequests {
  /** To be asked when a term begins: what was left to others may be ours then. */
  readonly watch: NodeWatch;
  readonly #tasks: AskedTasks;
  readonly #instanceId: string;
  /** Claims whose answer has not come, by request: nothing has begun. */
  readonly #claims = new Map<string, string>();
  readonly #taken = new Set<string>();

  constructor(tasks: AskedTasks, instanceId: string) {
    const { nodes, logger } = tasks;
    this.#tasks = tasks;
    this.#instanceId = instanceId;
    this.watch = new NodeWatch(nodes.client, (changed) => this.#read(changed), {
      what: 'Which leader tasks are asked for',
      path: nodes.paths.requests,
      logger,
    });
  }

  async #read(changed: () => void): Promise<void> {
    const { client, paths } = this.#tasks.nodes;
    const ids = await childrenOf(client, paths.requests, changed);
    for (const id of [...this.#taken, ...this.#claims.keys()]) {
      if (!ids.includes(id)) {
        this.#taken.delete(id);
        this.#claims.delete(id);
      }
    }
    await Promise.all(
      ids.filter((id) => !this.#taken.has(id)).map((id) => this.#take(id)),
    );
  }

  async #take(id: string): Promise<void> {
    const { nodes, byName } = this.#tasks;
    const { client, paths } = nodes;
    const path = `${paths.requests}/${id}`;
    const content = await readFresh(client, path);
    const request = content && parseRequest(content.data);
    const task = request && byName.get(request.task);
    const { leadership } = task?.election ?? {};
    if (!content || !task || leadership?.role !== 'leader') {
      return;
    }
    const claimId = this.#claims.get(id) ?? randomUUID();
    const { fencingToken: token } = leadership.term;
    let { claim } = request;
    if (claim === undefined) {
      claim = { id: claimId, instanceId: this.#instanceId, token };
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
    } else if (
      // The answer to the claim may have been lost, not the claim.
      claim.id !== claimId ||
      claim.token !== token ||
      request.answer
    ) {
      return;
    }
    this.#claims.delete(id);
    this.#taken.add(id);
    void this.#run(task, { ...request, claim }).then((answer) =>
      this.#answer(path, { ...request, claim, answer }),
    );
  }

  async #run(task: LeaderTask, request: RunRequest): Promise<RunAnswer> {
    return Date.now() > request.deadline + TOLERATED_SKEW_MS
      ? {
          outcome: 'skipped',
          reason: 'too-late',
          error:
            'The request is too old, or the clocks of the instances differ',
        }
      : task.demand(
          request.requestedBy.slice(0, LONGEST_NAME),
          request.isForced,
        );
  }

  /** Tries until it is written, nobody waits any more, or the application ends. */
  async #answer(path: string, request: RunRequest): Promise<void> {
    const { nodes, closing } = this.#tasks;
    const endMs = performance.now() + FAREWELL_MS;
    while (performance.now() < endMs && !closing.aborted) {
      try {
        await nodes.client.set(path, JSON.stringify(request));
        return;
      } catch (error) {
        if (!isConnectionError(error)) {
          return;
        }
        await pause(TRY_AGAIN_MS, closing);
      }
    }
  }
}
