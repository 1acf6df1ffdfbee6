import { Subscription } from 'rxjs';
import type { ElectionReporter } from '../election/election-reporter.js';
import { plainGuard } from '../election/managed-election.js';
import type { CompanionParts } from '../election/companions.js';
import type { LeaderSession } from '../session/leader-session.js';
import { ensurePath } from '../zookeeper/ensure-path.js';
import { longestRetryMs, SerialLoop } from '../session/serial-loop.js';
import { ZookeeperElection } from '../election/zookeeper-election.js';
import { NodeReading } from '../session/node-reading.js';
import type {
  ChildList,
  NodeContent,
  ZookeeperClient,
} from '../zookeeper/zookeeper-client.interface.js';
import type { Assignment, Member } from './assignment.js';
import type { AssignmentPlan } from './assignment-plan.js';
import { Coordinator } from './coordinator.js';
import type { GroupPaths } from './group-nodes.js';

export interface AssignedGroupSettings<M extends Member, A extends Assignment> {
  /** For log lines, as in `members of mailboxes`. */
  readonly name: string;
  readonly paths: GroupPaths;
  readonly parts: CompanionParts;
  readonly session: LeaderSession;
  /** What the entry of this member says besides who it is. */
  readonly fields: object;
  /** @param onChange called when there may be another assignment */
  readonly makePlan: (onChange: () => void) => AssignmentPlan<M, A>;
  /** Called with every assignment that is seen, and the session of this member. */
  readonly onAssignment: (assignment: A, sessionId: string) => void;
}

/** Members that one of them, the coordinator, assigns something to. */
export class AssignedGroup<M extends Member, A extends Assignment> {
  readonly #settings: AssignedGroupSettings<M, A>;
  readonly #client: ZookeeperClient;
  readonly #membership: ZookeeperElection;
  readonly #plan: AssignmentPlan<M, A>;
  readonly #coordinator: Coordinator<M, A>;
  readonly #assignment: NodeReading<NodeContent>;
  /** What there is in the group: an assignment that is missing may come. */
  readonly #nodes: NodeReading<ChildList>;
  readonly #loop: SerialLoop;
  readonly #subscription = new Subscription();
  #isEntered = false;

  constructor(settings: AssignedGroupSettings<M, A>) {
    const { name, paths, parts, session, fields, makePlan } = settings;
    const { client, lease } = session;
    const log = (what: string): ElectionReporter =>
      parts.reporter(`${what} of ${name}`, paths.group);
    this.#settings = settings;
    this.#client = client;
    this.#membership = new ZookeeperElection({
      ...parts,
      client,
      lease,
      name: `members of ${name}`,
      path: paths.members,
      identity: { ...parts.identity, ...fields },
      // An entry that moved would look like a member that left.
      priority: 0,
      favourite$: undefined,
      // What runs belongs to what is assigned.
      drain: () => Promise.resolve(),
      guard: plainGuard,
      reporter: log('members'),
      onAwaited: () => undefined,
    });
    this.#plan = makePlan(() => this.#coordinator.wake());
    this.#coordinator = new Coordinator({
      client,
      paths,
      reporter: log('assignment'),
      plan: this.#plan,
    });
    this.#loop = new SerialLoop(
      () => this.#reconcile(),
      (error) => longestRetryMs(client, error),
    );
    const wake = (): void => this.#loop.wake();
    this.#assignment = NodeReading.content(client, paths.assignment, wake);
    this.#nodes = NodeReading.children(client, paths.group, wake);
    this.#subscribe();
  }

  enter(): void {
    if (this.#settings.parts.isEnabled && !this.#isEntered) {
      this.#isEntered = true;
      this.#membership.enter();
      this.#loop.wake();
    }
  }

  async withdraw(): Promise<void> {
    this.#takeNoPart();
    await this.#membership.withdraw();
  }

  async shutDown(): Promise<void> {
    this.#takeNoPart();
    await this.#membership.shutDown();
    this.#subscription.unsubscribe();
    this.#loop.stop();
    this.#coordinator.stop();
  }

  #takeNoPart(): void {
    this.#isEntered = false;
    this.#assignment.forget();
    this.#nodes.forget();
  }

  #subscribe(): void {
    this.#subscription.add(
      this.#client.connection$.subscribe(({ state }) => {
        if (state === 'connected') {
          this.#loop.wake();
          this.#coordinator.wake();
        }
      }),
    );
    this.#subscription.add(
      this.#membership.leadership$.subscribe(({ role }) => {
        this.#coordinator.isActive = role === 'leader';
      }),
    );
  }

  async #reconcile(): Promise<void> {
    const { state, sessionId } = this.#client.connection;
    if (!this.#isEntered || state !== 'connected') {
      return;
    }
    let content = await this.#assignment.read();
    if (!content) {
      const { group } = this.#settings.paths;
      while (!(await this.#nodes.read())) {
        // Only what exists can be watched.
        await ensurePath(this.#client, group, 'persistent');
      }
      content = await this.#assignment.read();
    } else {
      this.#nodes.forget();
    }
    // What cannot be read changes nothing: the coordinator writes another one.
    const assignment = content && this.#plan.parse(content.data);
    if (
      assignment &&
      this.#isEntered &&
      this.#client.connection.sessionId === sessionId
    ) {
      this.#settings.onAssignment(assignment, sessionId as string);
    }
  }
}
