import type { ElectionReporter } from '../election/election-reporter.js';
import { sortedNodes } from '../election/election-node.js';
import { longestRetryMs, SerialLoop } from '../session/serial-loop.js';
import { NodeReading } from '../session/node-reading.js';
import { unlessMissing, unlessRefused } from '../zookeeper/unless-missing.js';
import type {
  ChildList,
  NodeContent,
  ZookeeperClient,
} from '../zookeeper/zookeeper-client.interface.js';
import type { Assignment, Member } from './assignment.js';
import type { AssignmentPlan } from './assignment-plan.js';
import type { GroupPaths } from './group-nodes.js';

/** How long the members that there are wait for others to join. */
const JOIN_QUIET_MS = 100;
const LONGEST_JOIN_WAIT_MS = 500;

export interface CoordinatorSettings<M extends Member, A extends Assignment> {
  readonly client: ZookeeperClient;
  readonly paths: GroupPaths;
  readonly reporter: ElectionReporter;
  /** Wakes the coordinator when there may be another assignment. */
  readonly plan: AssignmentPlan<M, A>;
}

/**
 * Says who should have what: partitions, or elections. One member of a group does
 * that, the one that leads the election among them. What it writes is a wish: a
 * coordinator that is late, wrong or gone costs balance, and nothing else.
 */
export class Coordinator<M extends Member, A extends Assignment> {
  readonly #client: ZookeeperClient;
  readonly #paths: GroupPaths;
  readonly #loop: SerialLoop;
  readonly #entries: NodeReading<ChildList>;
  readonly #assignment: NodeReading<NodeContent>;
  readonly #plan: AssignmentPlan<M, A>;
  /** By the name of their entry, which never changes what it says. */
  #members = new Map<string, M | undefined>();
  #isActive = false;
  /** Runs while more members may be about to join. */
  #joinWait:
    { readonly sinceMs: number; readonly timer?: NodeJS.Timeout } | undefined;

  constructor({ client, paths, reporter, plan }: CoordinatorSettings<M, A>) {
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
    const { members, assignment } = paths;
    this.#entries = NodeReading.children(client, members, wake);
    this.#assignment = NodeReading.content(client, assignment, wake);
    this.#plan = plan;
  }

  /** Whether this instance says who should have what. */
  set isActive(isActive: boolean) {
    this.#isActive = isActive;
    if (isActive) {
      this.#loop.wake();
    } else {
      this.#forget();
    }
  }

  /** There may be something to do. */
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
    this.#entries.forget();
    this.#assignment.forget();
    this.#plan.forget();
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
    const known = content && this.#plan.parse(content.data);
    if (!this.#isActive || (this.#joinWait && !hasOrphans(known, members))) {
      return;
    }
    const next = await this.#plan.next(members, known);
    if (this.#isActive && next && next !== known) {
      await this.#write(this.#plan.serialize(next), content?.stat.version);
    }
  }

  /** Those that have a share, the oldest first. */
  async #readMembers(): Promise<M[]> {
    const listed = await this.#entries.read();
    const names = sortedNodes(listed?.children ?? []).map(({ name }) => name);
    const former = this.#members;
    const read = async (name: string): Promise<M | undefined> => {
      const path = `${this.#paths.members}/${name}`;
      const content = await unlessMissing(this.#client.get(path));
      return content && this.#plan.parseMember(content);
    };
    const members = await Promise.all(
      names.map(async (name) => former.get(name) ?? (await read(name))),
    );
    if (names.some((name) => !former.has(name))) {
      this.#waitForMore();
    }
    this.#members = new Map(names.map((name, index) => [name, members[index]]));
    return members.filter((member) => member && member.weight > 0) as M[];
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

  async #write(data: string, version: number | undefined): Promise<void> {
    const { assignment } = this.#paths;
    const written: Promise<unknown> =
      version === undefined
        ? this.#client.create(assignment, data, 'persistent')
        : this.#client.set(assignment, data, version);
    // If somebody else has written: what comes of that is looked at again.
    await unlessRefused(written, 'NODE_EXISTS', 'NO_NODE', 'BAD_VERSION');
    this.#assignment.forget();
    this.#loop.wake();
  }
}

/** Whether something is assigned to nobody that is there: that cannot wait. */
function hasOrphans(
  assignment: Assignment | undefined,
  members: readonly Member[],
): boolean {
  const present = new Set(members.map(({ id }) => id));
  return (
    assignment?.owners.some(
      (owner) => owner !== undefined && !present.has(owner),
    ) ?? false
  );
}
