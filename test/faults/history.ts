import type { LedgerRun } from './ledgers.js';
import type { LeadershipExemption } from '../support/leadership-checker.js';
import type { FaultKind } from './faults/index.js';

/** From when to when an instance's `isLeader()` was true for certain. */
export interface Reign {
  readonly instance: string;
  readonly election: string;
  readonly term: number;
  readonly fencingToken: number;
  /** The life of ZooKeeper's data in which it began. */
  readonly era: number;
  readonly fromMs: number;
  untilMs: number;
  isOver: boolean;
  /** Why it ended, by the instance's own word. */
  endReason: string | undefined;
}

/** A task's method as it ran. */
export interface TaskRun {
  readonly id: number;
  readonly instance: string;
  readonly atMs: number;
  readonly task: string;
  /** Whose leader runs it. */
  readonly election: string;
  readonly tick: number;
  readonly fencingToken: number;
  readonly attempt: number;
  readonly trigger: string;
  /** Undefined while it runs, and of one whose end was not told. */
  endMs: number | undefined;
}

/** A session that a server granted to an instance, or to its guardian. */
export interface SessionGrant {
  readonly instance: string;
  readonly sessionId: string;
  /** For the first time. */
  readonly atMs: number;
}

/** Somebody on an instance's side of the network has asked a server to end a session. */
export interface SessionClose {
  readonly instance: string;
  readonly sessionId: string;
  /** The application, or a process that it has started, in words. */
  readonly by: string;
  readonly isOfGuardian: boolean;
  /** At another server than the one that granted it last. */
  readonly isElsewhere: boolean;
  readonly atMs: number;
}

/** A step of the schedule: one fault, or two at the same time. */
export interface Step {
  readonly index: number;
  readonly kinds: readonly FaultKind[];
  readonly notes: string[];
  readonly fromMs: number;
  /** When the last fault had ended. */
  untilMs: number;
  /** When the ensemble served after that. */
  servedMs: number;
  /** When each election had a leader after that. */
  healedMs: number;
  /** When there was one node for each instance, and no other one. */
  tidyMs: number;
  /** When the partitions were shared out after that. */
  balancedMs: number;
  /** For how long the ensemble did not serve, at most. */
  ensembleGapMs: number;
  /** Of the machine, when it began: processes that run or want to. */
  readonly load: number;
  /** Whether ZooKeeper itself did wrong: it was started anew then. */
  hasZookeeperFailed: boolean;
}

/** The life of a run ledger: it ends when somebody takes it away. */
export interface LedgerEra {
  readonly fromMs: number;
  untilMs: number;
  /**
   * The last ticks that were decided before a clock was set wrong, by task: after
   * that ticks may be claimed an hour before their time.
   */
  lastTickInTime: ReadonlyMap<string, number> | undefined;
  /** All runs that were seen in the ledger, by their id. */
  readonly runs: Map<string, LedgerRun>;
  readonly lastTick: Map<string, number>;
}

export type Measure =
  'heap' | 'resident memory' | 'handles' | 'file descriptors';

/** What a process took at a moment. */
export interface UsageSample {
  readonly atMs: number;
  readonly values: Readonly<Partial<Record<Measure, number>>>;
}

/** Everything that happened in a run. */
export class History {
  readonly reigns: Reign[] = [];
  /** By instance and election. */
  readonly #latest = new Map<string, Reign>();
  readonly runs: TaskRun[] = [];
  readonly steps: Step[] = [];
  /** In the order of time. */
  readonly grants: SessionGrant[] = [];
  readonly closes: SessionClose[] = [];
  /** By process. */
  readonly usage = new Map<string, UsageSample[]>();
  readonly exemptions: (Omit<LeadershipExemption, 'fromNs' | 'untilNs'> & {
    readonly fromMs: number;
    readonly untilMs: number;
  })[] = [];
  readonly ledgerEras: LedgerEra[] = [];
  /** What was wrong at once, without any further check. */
  readonly problems: string[] = [];
  /** What ZooKeeper itself has done wrong. */
  readonly zookeeperFailures: string[] = [];
  readonly #log: (line: string) => void;
  /** By election: how often somebody had to queue again, on the same session. */
  readonly returns = new Map<string, number>();
  /** Calls of the public API. */
  calls = 0;
  roleChanges = 0;

  constructor(log: (line: string) => void) {
    this.#log = log;
  }

  /** Nothing that rests on the servers can be checked where they do wrong. */
  zookeeperFailed(text: string): void {
    this.zookeeperFailures.push(text);
    this.#log(`ZOOKEEPER: ${text}`);
  }

  problem(text: string): void {
    this.problems.push(text);
    this.#log(`PROBLEM: ${text}`);
  }

  used(process: string, sample: UsageSample): void {
    const samples = this.usage.get(process) ?? [];
    samples.push(sample);
    this.usage.set(process, samples);
  }

  /** Somebody has left the queue, or was removed from it, and comes back. */
  returned(election: string): void {
    this.returns.set(election, (this.returns.get(election) ?? 0) + 1);
  }

  /** An instance says that it leads. */
  began(reign: Reign): void {
    this.reigns.push(reign);
    this.#latest.set(`${reign.instance} ${reign.election}`, reign);
  }

  /** The reign of an instance that is not over, and was confirmed lately. */
  current(election: string, sinceMs: number): Reign[] {
    return [...this.#latest.values()].filter(
      (reign) =>
        reign.election === election &&
        !reign.isOver &&
        reign.untilMs >= sinceMs,
    );
  }
}
