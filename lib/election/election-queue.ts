import type { InstanceIdentity } from '../session/instance-node.js';
import { ensurePath } from '../zookeeper/ensure-path.js';
import { NodeReading } from '../session/node-reading.js';
import type {
  NodeContent,
  NodeEvent,
  ZookeeperClient,
} from '../zookeeper/zookeeper-client.interface.js';
import {
  parseParticipant,
  participantData,
  withClaim,
  withTasks,
} from './election-node.js';
import type {
  LeadershipTerm,
  Participant,
  ParticipantTasks,
} from './leadership.interface.js';
import { readParticipant } from './participants.js';
import { unlessMissing, unlessRefused } from '../zookeeper/unless-missing.js';

/** The names of an election's nodes, in no order. */
export interface Listing {
  readonly names: readonly string[];
  /** The transaction that changed the set of names last. */
  readonly pzxid: number;
}

/** Clients for which the last election that was joined first had no node yet. */
const amongNewElections = new WeakSet<ZookeeperClient>();

/** The nodes of one election on the server: what is asked and what is changed. */
export class ElectionQueue {
  readonly #client: ZookeeperClient;
  readonly #path: string;
  readonly #identity: InstanceIdentity;
  readonly #tasks: () => ParticipantTasks | undefined;
  #isKnownClosed = false;
  #isKnownToExist = false;

  constructor(
    client: ZookeeperClient,
    path: string,
    identity: InstanceIdentity,
    tasks: () => ParticipantTasks | undefined = () => undefined,
  ) {
    this.#client = client;
    this.#path = path;
    this.#identity = identity;
    this.#tasks = tasks;
  }

  /**
   * Creates what an election needs to be joined. Where nodes are open, what is
   * asked for in the same turn finds it.
   */
  ensure(): Promise<void> {
    return ensurePath(this.#client, this.#path, 'container');
  }

  /**
   * Whether the election's node is likely to be missing: then it is created in the
   * round trip in which the election is joined. A wrong guess costs one request.
   */
  get isProbablyNew(): boolean {
    return (
      !this.#isKnownToExist &&
      !this.#client.access &&
      amongNewElections.has(this.#client)
    );
  }

  /** Creates the election's node, below a parent that exists. */
  async ensureOwn(): Promise<void> {
    const created = this.#client.create(this.#path, '', 'container');
    if ((await unlessRefused(created, 'NODE_EXISTS')) === undefined) {
      this.found(true);
    }
  }

  /** Reports whether the election's node was there before it was joined. */
  found(isThere: boolean): void {
    if (!this.#isKnownToExist) {
      this.#isKnownToExist = true;
      amongNewElections[isThere ? 'delete' : 'add'](this.#client);
    }
  }

  /**
   * Makes sure, where nodes are closed to others, that nobody else can add to the
   * election: the order of its nodes would prove nothing.
   */
  async ensureClosed(): Promise<void> {
    if (this.#client.access && !this.#isKnownClosed) {
      await this.ensure();
      this.#isKnownClosed = true;
    }
  }

  /** Creates a node and resolves to its name. */
  async create(prefix: string): Promise<string> {
    const path = await this.#client.create(
      this.#at(prefix),
      participantData(this.#identity, this.#tasks()),
      'ephemeral-sequential',
    );
    return path.slice(this.#path.length + 1);
  }

  /**
   * Lists the nodes; none if there is no election yet. With `needsSync`, a
   * server that lags behind catches up first.
   */
  async list(needsSync: boolean): Promise<Listing> {
    const [, listed] = await Promise.all([
      needsSync ? this.#client.sync(this.#path) : undefined,
      unlessMissing(this.#client.getChildren(this.#path)),
    ]);
    return {
      names: listed?.children ?? [],
      pzxid: listed?.stat.pzxid ?? 0,
    };
  }

  /** A node, to be read and watched. */
  reading(
    node: string,
    onEvent: (event: NodeEvent) => void,
  ): NodeReading<NodeContent> {
    return NodeReading.content(this.#client, this.#at(node), onEvent);
  }

  /** Writes into our node that we lead; false if it is gone. */
  async announce(node: string, term: LeadershipTerm): Promise<boolean> {
    const data = participantData(this.#identity, this.#tasks(), term);
    const stat = await unlessMissing(this.#client.set(this.#at(node), data));
    return stat !== undefined;
  }

  /** A participant as it is now; undefined if it is gone. */
  participant(node: string): Promise<Participant | undefined> {
    return readParticipant(this.#client, this.#path, node);
  }

  /**
   * Writes into a node that its participant is to queue again behind `claimant`.
   * Resolves to the participant that has been asked; undefined if it is gone.
   */
  async claim(
    node: string,
    claimant: string,
    known?: NodeContent,
  ): Promise<Participant | undefined> {
    const path = this.#at(node);
    const content = known ?? (await unlessMissing(this.#client.get(path)));
    const data = content && withClaim(content.data, claimant);
    if (data === undefined) {
      return undefined;
    }
    const { stat } = content as NodeContent;
    // Where that is refused, it has gone, or written itself: the next look tells.
    const written = await unlessRefused(
      this.#client.set(path, data, stat.version),
      'BAD_VERSION',
      'NO_NODE',
    );
    return written && parseParticipant(node, data, stat);
  }

  /** Writes our present tasks into our node, unless it is not as it was read. */
  async restate(node: string, { data, stat }: NodeContent): Promise<void> {
    const tasks = this.#tasks();
    const present = tasks && withTasks(data, tasks);
    if (present !== undefined) {
      await this.#client.set(this.#at(node), present, stat.version);
    }
  }

  /** Deletes a node, unless it is gone already. */
  async delete(node: string): Promise<void> {
    await unlessMissing(this.#client.delete(this.#at(node)));
  }

  #at(node: string): string {
    return `${this.#path}/${node}`;
  }
}
