import { BehaviorSubject, type Observable } from 'rxjs';
import type {
  LeadershipReason,
  Participant,
} from '../election/leadership.interface.js';
import type { Nodes } from '../session/nodes.js';
import { memoryNodes } from '../tasks/ledger/memory-client.js';

/** What a contest has to do with those who take part. */
export interface Contestant {
  readonly name: string;
  readonly participant: Participant;
  /** Begins a term. */
  lead(fencingToken: number): void;
  /** Ends the term. */
  lose(reason: LeadershipReason): void;
}

/** One election among fake instances: who waits, and who leads. */
export class FakeContest {
  readonly #isAutomatic: boolean;
  readonly #leader$ = new BehaviorSubject<Participant | undefined>(undefined);
  #queue: Contestant[] = [];
  #leader: Contestant | undefined;
  #lastToken = 0;
  #entries = 0;

  constructor(isAutomatic: boolean) {
    this.#isAutomatic = isAutomatic;
  }

  get leader$(): Observable<Participant | undefined> {
    return this.#leader$;
  }

  /** The leader first, then the others in their order. */
  get participants(): Participant[] {
    const others = this.#queue.filter((each) => each !== this.#leader);
    return [...(this.#leader ? [this.#leader] : []), ...others].map(
      ({ participant }) => participant,
    );
  }

  /** The token that the next term will have. */
  get nextToken(): number {
    return this.#lastToken + 1;
  }

  /** A name like those that ZooKeeper numbers. */
  newNode(): string {
    return `fake-n_${String(this.#entries++).padStart(10, '0')}`;
  }

  /** Queues at the end. */
  enter(contestant: Contestant): void {
    if (!this.#queue.includes(contestant)) {
      this.#queue.push(contestant);
      this.#settle();
    }
  }

  /** Takes no part any more. */
  leave(contestant: Contestant): void {
    this.#queue = this.#queue.filter((each) => each !== contestant);
    if (this.#leader === contestant) {
      this.#leader = undefined;
    }
    this.#settle();
  }

  /** Leads from now on; a former leader stops. */
  elect(contestant: Contestant): void {
    if (this.#leader === contestant) {
      return;
    }
    const former = this.#leader;
    this.#leader = contestant;
    this.#queue = [
      contestant,
      ...this.#queue.filter((each) => each !== contestant),
    ];
    former?.lose('node-deleted');
    this.#lastToken += 1;
    contestant.lead(this.#lastToken);
    this.#tell();
  }

  /** Does not lead any more; the leadership is not free yet. */
  vacate(contestant: Contestant): void {
    if (this.#leader === contestant) {
      this.#leader = undefined;
      this.#queue = this.#queue.filter((each) => each !== contestant);
      this.#tell();
    }
  }

  #settle(): void {
    const [first] = this.#queue;
    if (this.#isAutomatic && !this.#leader && first) {
      this.elect(first);
    } else {
      this.#tell();
    }
  }

  #tell(): void {
    const leader = this.#leader?.participant;
    const { fencingToken } = this.#leader$.value ?? {};
    if (leader?.fencingToken !== fencingToken) {
      this.#leader$.next(leader);
    }
  }
}

/**
 * Fake instances of one application that elect among themselves, as real ones
 * do: who entered first leads, and when that one resigns, withdraws or is
 * closed, the next one does. Given to several testing modules of one process.
 *
 * @example
 * ```ts
 * const cluster = new FakeCluster();
 * const [a, b] = await Promise.all(
 *   ['a', 'b'].map((instanceId) =>
 *     startApplication(
 *       ZookeeperLeaderTestingModule.forRoot({ cluster, instanceId }),
 *     ),
 *   ),
 * );
 * ```
 *
 * @publicApi
 */
export class FakeCluster {
  /**
   * Where the members keep their ledgers, pauses and requests.
   *
   * @internal
   */
  readonly nodes: Nodes = memoryNodes();
  readonly #contests = new Map<string, FakeContest>();

  /** @internal */
  contest(name: string): FakeContest {
    const contest = this.#contests.get(name) ?? new FakeContest(true);
    this.#contests.set(name, contest);
    return contest;
  }
}
