import type { InstanceIdentity } from '../zookeeper/instance-node.js';
import { ensurePath } from '../zookeeper/node-paths.js';
import { checkSameSession } from '../zookeeper/same-session.js';
import type {
  NodeContent,
  NodeWatcher,
  ZookeeperClient,
} from '../zookeeper/zookeeper-client.interface.js';
import {
  isConnectionError,
  isZookeeperError,
} from '../zookeeper/zookeeper.error.js';
import type { Candidacy } from './candidacy.js';
import { participantData } from './election-node.js';
import type { LeadershipTerm } from './leadership.interface.js';
import { unlessMissing } from './participants.js';

/** The names of an election's nodes, in no order. */
export interface Listing {
  readonly names: readonly string[];
  /** The transaction that changed the set of names last. */
  readonly pzxid: number;
}

/** The nodes of one election on the server: what is asked and what is changed. */
export class ElectionQueue {
  readonly #client: ZookeeperClient;
  readonly #path: string;
  readonly #identity: InstanceIdentity;
  #isKnownClosed = false;

  constructor(
    client: ZookeeperClient,
    path: string,
    identity: InstanceIdentity,
  ) {
    this.#client = client;
    this.#path = path;
    this.#identity = identity;
  }

  /**
   * Creates our node and lists all of them in one round trip: ZooKeeper answers
   * one session's requests in the order in which they were sent, so the listing
   * contains the node. What became of the create is recorded in `candidacy`.
   */
  async join(candidacy: Candidacy): Promise<Listing> {
    const { closedNodes } = this.#client;
    if (closedNodes && !this.#isKnownClosed) {
      // What others could add to would not tell who leads.
      await closedNodes.ensure(this.#path, 'container');
      this.#isKnownClosed = true;
    }
    try {
      return await this.#createAndList(candidacy);
    } catch (error) {
      if (!isZookeeperError(error, 'NO_NODE')) {
        throw error;
      }
      const parent = ensurePath(this.#client, this.#path, 'container');
      if (closedNodes) {
        await parent;
      }
      return this.#createAndList(candidacy, parent);
    }
  }

  /**
   * Closes our node to others where there are credentials: the client can only
   * create open ones. False if that is not possible: somebody who guessed its
   * name has closed it to us, and it has to go.
   */
  async seal(candidacy: Candidacy): Promise<boolean> {
    const node = candidacy.node as string;
    try {
      await this.#client.closedNodes?.seal(this.#at(node));
    } catch (error) {
      if (!isZookeeperError(error, 'NO_AUTH', 'NO_NODE')) {
        throw error;
      }
      await this.delete(node);
      return false;
    }
    candidacy.isSealed = true;
    return true;
  }

  /**
   * Lists the nodes; none if there is no election yet. With `needsSync`, a
   * server that lags behind catches up first.
   */
  async list(needsSync: boolean): Promise<Listing> {
    const [, listed] = await Promise.allSettled([
      needsSync ? this.#client.sync(this.#path) : undefined,
      unlessMissing(this.#client.getChildren(this.#path)),
    ]);
    if (listed.status === 'rejected') {
      throw listed.reason;
    }
    return {
      names: listed.value?.children ?? [],
      pzxid: listed.value?.stat.pzxid ?? 0,
    };
  }

  /**
   * Reads a node and watches it; undefined, and no watch, if it is gone: a read
   * leaves none behind on a node that does not exist.
   */
  watch(node: string, watcher: NodeWatcher): Promise<NodeContent | undefined> {
    return unlessMissing(this.#client.get(this.#at(node), watcher));
  }

  /** Writes into our node that we lead; false if it is gone. */
  async announce(node: string, term: LeadershipTerm): Promise<boolean> {
    const data = participantData(this.#identity, term);
    const stat = await unlessMissing(this.#client.set(this.#at(node), data));
    return stat !== undefined;
  }

  /** Deletes a node, unless it is gone already. */
  async delete(node: string): Promise<void> {
    await unlessMissing(this.#client.delete(this.#at(node)));
  }

  async #createAndList(
    candidacy: Candidacy,
    parent?: Promise<void>,
  ): Promise<Listing> {
    // The parent may have taken a while to look after.
    checkSameSession(this.#client, candidacy.sessionId, this.#path);
    candidacy.isCreateSent = true;
    const [prepared, created, listed] = await Promise.allSettled([
      parent,
      this.#client.create(
        this.#at(candidacy.prefix),
        participantData(this.#identity),
        'ephemeral-sequential',
      ),
      this.#client.getChildren(this.#path),
    ]);
    if (created.status === 'rejected') {
      if (!isConnectionError(created.reason)) {
        candidacy.isCreateSent = false;
      }
      // What kept the parent from being created says more than its absence.
      throw prepared.status === 'rejected' ? prepared.reason : created.reason;
    }
    candidacy.node = created.value.slice(this.#path.length + 1);
    if (listed.status === 'rejected') {
      throw listed.reason;
    }
    const { children, stat } = listed.value;
    return { names: children, pzxid: stat.pzxid };
  }

  #at(node: string): string {
    return `${this.#path}/${node}`;
  }
}
