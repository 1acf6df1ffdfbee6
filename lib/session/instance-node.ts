import type { NodePaths } from '../node-paths.js';
import { nextTurn } from '../within.js';
import { ensurePath } from '../zookeeper/ensure-path.js';
import { checkSameSession } from './same-session.js';
import type { ZookeeperClient } from '../zookeeper/zookeeper-client.interface.js';
import { isZookeeperError } from '../zookeeper/zookeeper.error.js';

/** Who this instance is, as the others see it. */
export interface InstanceIdentity {
  readonly instanceId: string;
  readonly host: string;
  readonly pid: number;
  /** Absent if its name is not known. */
  readonly application?: string;
}

/**
 * The ephemeral node `instances/<instanceId>-<session>`: says that the instance
 * is there, and is what heartbeats write to.
 */
export class InstanceNode {
  readonly #client: ZookeeperClient;
  readonly #paths: NodePaths;
  readonly #identity: InstanceIdentity;
  readonly #data: string;
  /** Whose node is there. */
  #registeredSession: string | undefined;
  /** The node will be created in the next turn. */
  #planned: Promise<void> | undefined;

  constructor(
    client: ZookeeperClient,
    paths: NodePaths,
    identity: InstanceIdentity,
    version: string,
  ) {
    this.#client = client;
    this.#paths = paths;
    this.#identity = identity;
    this.#data = JSON.stringify({
      ...identity,
      version,
      since: new Date().toISOString(),
    });
    client.connection$.subscribe(({ state, sessionId }) => {
      if (state === 'connected' && sessionId !== this.#registeredSession) {
        // After what elections ask for in this turn: they wait for the answers.
        this.#planned = nextTurn().then(() => {
          this.#planned = undefined;
          return this.#create();
        });
        // Not vital: a heartbeat creates what is missing.
        this.#planned.catch(() => undefined);
      }
    });
  }

  /** Writes to the node; creates it if it is not there. */
  async write(): Promise<void> {
    if (this.#planned) {
      // Not sent yet: it proves as much as a write of now.
      return this.#planned;
    }
    try {
      await this.#client.set(this.#path(), this.#data);
    } catch (error) {
      if (isZookeeperError(error, 'NO_AUTH') && this.#client.access) {
        // An administrator has closed it to us, or an earlier version has left
        // it. What its parent holds is ours to remove.
        await this.#client.delete(this.#path());
      } else if (!isZookeeperError(error, 'NO_NODE')) {
        throw error;
      }
      await this.#create();
    }
  }

  async #create(): Promise<void> {
    const { access, connection } = this.#client;
    const path = this.#path();
    const ensure = async (): Promise<void> => {
      await ensurePath(this.#client, this.#paths.instances, 'persistent');
      checkSameSession(this.#client, connection.sessionId, path);
    };
    if (access) {
      await ensure();
    }
    try {
      await this.#client.create(path, this.#data, 'ephemeral');
    } catch (error) {
      if (isZookeeperError(error, 'NO_NODE')) {
        await ensure();
        await this.#client.create(path, this.#data, 'ephemeral');
      } else if (!isZookeeperError(error, 'NODE_EXISTS')) {
        throw error;
      }
    }
    this.#registeredSession = connection.sessionId;
  }

  #path(): string {
    const sessionId = this.#client.connection.sessionId ?? '';
    return this.#paths.instance(this.#identity.instanceId, sessionId);
  }
}
