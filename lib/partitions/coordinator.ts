import type { ElectionReporter } from '../election/election-reporter.interface.js';
import { isOwnedBySession, sortedNodes } from '../election/election-node.js';
import { unlessMissing } from '../zookeeper/unless-missing.js';
import { longestRetryMs, SerialLoop } from '../election/serial-loop.js';
import { ensurePath } from '../zookeeper/node-paths.js';
import { NodeReading } from '../zookeeper/node-reading.js';
import type {
  ChildList,
  NodeContent,
  ZookeeperClient,
} from '../zookeeper/zookeeper-client.interface.js';
import {
  isZookeeperError,
  type ZookeeperErrorCode,
} from '../zookeeper/zookeeper.error.js';
import { assign, emptyAssignment, type Assignment } from './assignment.js';
import {
  parseAssignment,
  parseGeneration,
  parseMember,
  serializeAssignment,
  serializeGeneration,
  withEffectiveWeights,
  type GroupMember,
  type GroupPaths,
} from './group-nodes.js';

/** How long the members that there are wait for others to join. */
const JOIN_QUIET_MS = 100;
const LONGEST_JOIN_WAIT_MS = 500;

export interface CoordinatorSettings {
  readonly client: ZookeeperClient;
  readonly paths: GroupPaths;
  readonly reporter: ElectionReporter;
}

/**
 * Says who should own which partition. One member of a group does that, the one
 * that leads the election among them. What it writes is a wish: a coordinator
 * that is late, wrong or gone costs balance, and nothing else.
 */
export class Coordinator {
  readonly #client: ZookeeperClient;
  readonly #paths: GroupPaths;
  readonly #loop: SerialLoop;
  readonly #entries: NodeReading<ChildList>;
  readonly #generation: NodeReading<NodeContent>;
  readonly #owned: NodeReading<ChildList>;
  readonly #assignment: NodeReading<NodeContent>;
  /** By the name of their entry, which never changes what it says. */
  #members = new Map<string, GroupMember | undefined>();
  #isActive = false;
  /** Runs while more members may be about to join. */
  #joinWait:
    { readonly sinceMs: number; readonly timer?: NodeJS.Timeout } | undefined;

  constructor({ client, paths, reporter }: CoordinatorSettings) {
    this.#client = client;
    this.#paths = paths;
    this.#loop = new SerialLoop(
      async () => {
        await this.#reconcile();
        reporter.healed();
      },
      (error) => {
        const pauseMs = longestRetryMs(client, error);
        if (pauseMs !== undefined && this.#isActive) {
          reporter.problem(error, true);
        }
        return pauseMs;
      },
    );
    const wake = (): void => this.#loop.wake();
    const { members, owners, assignment } = paths;
    this.#entries = NodeReading.children(client, members, wake);
    this.#generation = NodeReading.content(client, owners, wake);
    this.#owned = NodeReading.children(client, owners, wake);
    this.#assignment = NodeReading.content(client, assignment, wake);
  }

  /** Whether this instance says who owns what. */
  set isActive(isActive: boolean) {
    this.#isActive = isActive;
    if (isActive) {
      this.#loop.wake();
    } else {
      this.#forget();
    }
  }

  /** A new connection has come. */
  wake(): void {
    if (this.#isActive) {
      this.#loop.wake();
    }
  }

  stop(): void {
    this.isActive = false;
    this.#loop.stop();
  }

  #forget(): void {
    for (const each of [
      this.#entries,
      this.#generation,
      this.#owned,
      this.#assignment,
    ]) {
      each.forget();
    }
    clearTimeout(this.#joinWait?.timer);
    this.#joinWait = undefined;
  }

  async #reconcile(): Promise<void> {
    const { connection } = this.#client;
    if (!this.#isActive || connection.state !== 'connected') {
      return;
    }
    const members = await this.#readMembers();
    const content = await this.#assignment.read();
    const known = content && parseAssignment(content.data);
    if (!this.#isActive || (this.#joinWait && !hasOrphans(known, members))) {
      return;
    }
    const partitions = await this.#chooseGeneration(members);
    if (!this.#isActive || partitions === undefined) {
      return;
    }
    const former =
      known?.owners.length === partitions
        ? known
        : await this.#reconstruct(partitions, known?.round ?? 0);
    const current = members.filter((each) => each.partitions === partitions);
    const next = assign(withEffectiveWeights(current), former);
    if (this.#isActive && (next !== former || former !== known)) {
      await this.#write(serializeAssignment(next), content?.stat.version);
    }
  }

  /** Those that have a share, the oldest first. */
  async #readMembers(): Promise<GroupMember[]> {
    const listed = await this.#entries.read();
    const names = sortedNodes(listed?.children ?? []).map(({ name }) => name);
    const former = this.#members;
    const read = async (name: string): Promise<GroupMember | undefined> => {
      const path = `${this.#paths.members}/${name}`;
      const content = await unlessMissing(this.#client.get(path));
      return content && parseMember(content);
    };
    const members = await Promise.all(
      names.map(async (name) => former.get(name) ?? (await read(name))),
    );
    if (names.some((name) => !former.has(name))) {
      this.#waitForMore();
    }
    this.#members = new Map(names.map((name, index) => [name, members[index]]));
    return members.filter(
      (member) => member && member.weight > 0,
    ) as GroupMember[];
  }

  /** Members that start together are seen together. */
  #waitForMore(): void {
    const now = performance.now();
    const { sinceMs, timer } = this.#joinWait ?? { sinceMs: now };
    clearTimeout(timer);
    const leftMs = sinceMs + LONGEST_JOIN_WAIT_MS - now;
    const end = (): void => {
      this.#joinWait = undefined;
      this.#loop.wake();
    };
    this.#joinWait = {
      sinceMs,
      timer: setTimeout(end, Math.max(0, Math.min(JOIN_QUIET_MS, leftMs))),
    };
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
      await unless(this.#client.delete(owners), 'NOT_EMPTY', 'NO_NODE');
    } else {
      await ensurePath(this.#client, group, 'persistent');
      await unless(
        this.#client.create(owners, serializeGeneration(next), 'persistent'),
        'NODE_EXISTS',
      );
    }
    this.#generation.forget();
    this.#owned.forget();
    this.#loop.wake();
    return undefined;
  }

  /** Without an assignment to go by: who owns what now keeps it. */
  async #reconstruct(partitions: number, round: number): Promise<Assignment> {
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

  async #write(data: string, version: number | undefined): Promise<void> {
    const { assignment } = this.#paths;
    const written: Promise<unknown> =
      version === undefined
        ? this.#client.create(assignment, data, 'persistent')
        : this.#client.set(assignment, data, version);
    // If somebody else has written: what comes of that is looked at again.
    await unless(written, 'NODE_EXISTS', 'NO_NODE', 'BAD_VERSION');
    this.#assignment.forget();
    this.#loop.wake();
  }
}

/** Whether something is assigned to nobody that is there: that cannot wait. */
function hasOrphans(
  assignment: Assignment | undefined,
  members: readonly GroupMember[],
): boolean {
  const present = new Set(members.map(({ id }) => id));
  return (
    assignment?.owners.some(
      (owner) => owner !== undefined && !present.has(owner),
    ) ?? false
  );
}

/** Waits for a request, which may fail with one of these codes. */
async function unless(
  request: Promise<unknown>,
  ...codes: ZookeeperErrorCode[]
): Promise<void> {
  try {
    await request;
  } catch (error) {
    if (!isZookeeperError(error, ...codes)) {
      throw error;
    }
  }
}
