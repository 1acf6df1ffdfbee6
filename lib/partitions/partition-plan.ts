import { isOwnedBySession } from '../election/election-node.js';
import { ensurePath } from '../zookeeper/ensure-path.js';
import { NodeReading } from '../session/node-reading.js';
import { unlessRefused, unlessMissing } from '../zookeeper/unless-missing.js';
import type {
  ChildList,
  NodeContent,
  ZookeeperClient,
} from '../zookeeper/zookeeper-client.interface.js';
import { applicationsOf, areSameApplications } from './applications.js';
import { assign, emptyAssignment } from './assignment.js';
import type { AssignmentPlan } from './assignment-plan.js';
import {
  parseAssignment,
  parseGeneration,
  parseMember,
  serializeAssignment,
  serializeGeneration,
  sharersOf,
  type GroupMember,
  type GroupPaths,
  type PartitionAssignment,
} from './group-nodes.js';

/** Spreads the partitions of one name. */
export class PartitionPlan implements AssignmentPlan<
  GroupMember,
  PartitionAssignment
> {
  readonly parseMember = parseMember;
  readonly parse = parseAssignment;
  readonly serialize = serializeAssignment;
  readonly #client: ZookeeperClient;
  readonly #paths: GroupPaths;
  readonly #onChange: () => void;
  readonly #generation: NodeReading<NodeContent>;
  readonly #owned: NodeReading<ChildList>;

  /** @param onChange called when there may be another assignment */
  constructor(
    client: ZookeeperClient,
    paths: GroupPaths,
    onChange: () => void,
  ) {
    this.#client = client;
    this.#paths = paths;
    this.#onChange = onChange;
    this.#generation = NodeReading.content(client, paths.owners, onChange);
    this.#owned = NodeReading.children(client, paths.owners, onChange);
  }

  forget(): void {
    this.#generation.forget();
    this.#owned.forget();
  }

  async next(
    members: readonly GroupMember[],
    known: PartitionAssignment | undefined,
  ): Promise<PartitionAssignment | undefined> {
    const partitions = await this.#chooseGeneration(members);
    if (partitions === undefined) {
      return undefined;
    }
    const former =
      known?.owners.length === partitions
        ? known
        : await this.#reconstruct(partitions, known?.round ?? 0);
    const next = assign(sharersOf(members, partitions), former);
    // Of all counts: an application that waits for its turn hears that too.
    const applications = applicationsOf(members);
    return next === known &&
      areSameApplications(applications, known.applications)
      ? known
      : { ...next, applications };
  }

  /**
   * The number of partitions that may be owned. It changes when no member is left
   * that works with it and nothing is owned any more: ZooKeeper deletes no node
   * that has children, and a partition of the old number cannot be created below
   * a node of the new one without being noticed (docs/safety.md).
   */
  async #chooseGeneration(
    members: readonly GroupMember[],
  ): Promise<number | undefined> {
    const content = await this.#generation.read();
    const present = content && parseGeneration(content.data);
    if (members.some(({ partitions }) => partitions === present)) {
      this.#owned.forget();
      return present;
    }
    const next = members.at(-1)?.partitions;
    if (next === undefined) {
      return undefined;
    }
    const { owners, group } = this.#paths;
    if (content) {
      const owned = await this.#owned.read();
      if (owned && owned.children.length > 0) {
        return undefined;
      }
      await unlessRefused(this.#client.delete(owners), 'NOT_EMPTY', 'NO_NODE');
    } else {
      await ensurePath(this.#client, group, 'persistent');
      await unlessRefused(
        this.#client.create(owners, serializeGeneration(next), 'persistent'),
        'NODE_EXISTS',
      );
    }
    this.#generation.forget();
    this.#owned.forget();
    this.#onChange();
    return undefined;
  }

  /** Without an assignment to go by: who owns what now keeps it. */
  async #reconstruct(
    partitions: number,
    round: number,
  ): Promise<PartitionAssignment> {
    const listed = await unlessMissing(
      this.#client.getChildren(this.#paths.owners),
    );
    const owned = new Set(listed?.children);
    const owners = Array.from({ length: partitions }, async (_, partition) => {
      const content = owned.has(String(partition))
        ? await unlessMissing(this.#client.get(this.#paths.owner(partition)))
        : undefined;
      return content && isOwnedBySession(content.stat)
        ? content.stat.ephemeralOwner
        : undefined;
    });
    return {
      ...emptyAssignment(partitions),
      round,
      owners: await Promise.all(owners),
    };
  }
}
