import { randomUUID } from 'node:crypto';
import type { TaskElection } from '../../election/managed-election.js';
import type { LeadershipTerm } from '../../election/leadership.interface.js';
import type { ResolvedLedgerOptions } from '../../leader-task.options.js';
import type { Nodes } from '../../session/nodes.js';
import { isConnectionError } from '../../zookeeper/zookeeper.error.js';
import { fateOf, type OwnRun } from './catch-up-rules.js';
import type { TaskPause, RunTrigger } from '../leader-task-info.interface.js';
import { LeaderTaskError } from '../leader-task.error.js';
import {
  claimed,
  finished,
  newLedger,
  pauseOf,
  released,
  ResumedError,
  SupersededError,
  takenOver,
  type ClaimRefusal,
  type Fate,
  type LedgerDocument,
  type OpenRun,
  type RunEnd,
} from './ledger.js';
import { LedgerStore } from './ledger-store.js';
import type { TaskRun } from '../task-run.js';

/** Whose ledger it is. */
export interface LedgerOwner {
  readonly task: string;
  readonly election: TaskElection;
  /** Whether the task, or its application, has ended: no new decisions. */
  readonly isOver: boolean;
  readonly host: {
    readonly nodes: Nodes;
    /** Aborts when nothing is to be written any more. */
    readonly closing: AbortSignal;
    /** What is known of the runs of a task: one of its name may take its place. */
    ownRunsOf(task: string): Map<string, OwnRun>;
    readonly pauses: {
      /** The ledger has been found paused. */
      follow(owner: LedgerOwner): void;
    };
  };
  /** Has the task do what it owes. */
  look(): void;
}

/** The run to claim. */
export interface Claim {
  readonly tick: number;
  readonly trigger: RunTrigger;
  readonly requestedBy?: string;
  /** Also while the task is paused. */
  readonly isForced?: boolean;
}

/** A run that a new leader has found interrupted. */
export interface InterruptedRun {
  readonly run: OpenRun;
  readonly willRerun: boolean;
}

/** What this instance, as the leader of a term, reads in a ledger and writes. */
export class TaskLedger {
  readonly options: ResolvedLedgerOptions;
  /** The term for which the ledger has been taken over. */
  term: LeadershipTerm | undefined;
  /** Whether runs have been left open that may not run now. */
  hasHeldRuns = false;
  readonly #owner: LedgerOwner;
  readonly #store: LedgerStore;
  readonly #ownRuns: Map<string, OwnRun>;
  /** As it was when it was looked at last. */
  #seen: LedgerDocument | undefined;
  /** One for each task: a signal that hundreds share warns of its listeners. */
  #termEnd = new AbortController();

  constructor(owner: LedgerOwner, options: ResolvedLedgerOptions) {
    this.#owner = owner;
    this.#store = new LedgerStore(owner.host.nodes, owner.task);
    this.#ownRuns = owner.host.ownRunsOf(owner.task);
    this.options = options;
  }

  /** Every tick up to this one is decided, or was never missed. */
  get decided(): number {
    return Math.max(this.lastTick, this.#seen?.since ?? -Infinity);
  }

  /** The last tick that has been claimed. */
  get lastTick(): number {
    return this.#seen?.tick ?? -Infinity;
  }

  get isPaused(): boolean {
    return this.#seen?.pause !== undefined;
  }

  get pause(): TaskPause | undefined {
    return this.#seen && pauseOf(this.#seen);
  }

  get location(): string {
    return this.#store.location;
  }

  termBegan(): void {
    this.#termEnd = new AbortController();
  }

  /** Requests of the term wait for no connection any more. */
  termEnded(): void {
    this.#termEnd.abort();
  }

  leads(term: LeadershipTerm): boolean {
    return !term.signal.aborted && !this.#owner.isOver;
  }

  /** {@link leads}, also by the clock, at this very moment. */
  async leadsForSure(term: LeadershipTerm): Promise<boolean> {
    return (await this.#owner.election.revalidate()) && this.leads(term);
  }

  /**
   * Begins a term: from here on, a late write of an earlier one fails. Resolves to
   * what was found interrupted, and to the runs that take its place.
   *
   * @param baseline the last tick that may still be called for, if there is no
   * ledger yet
   * @param isOff whether what may be run again has to wait
   */
  async takeOver(
    term: LeadershipTerm,
    { baseline, isOff }: { baseline: number; isOff: boolean },
  ): Promise<{ interrupted: InterruptedRun[]; successors: OpenRun[] }> {
    const { task, election } = this.#owner;
    const { historySize } = this.options;
    const fates = new Map<string, { run: OpenRun; fate: Fate }>();
    /** Of the runs that take the place of others. */
    const successorIds = new Set<string>();
    const change = (known: LedgerDocument | undefined): LedgerDocument => {
      this.#assertLeads(term);
      const now = Date.now();
      const before =
        known ??
        newLedger(task, {
          token: term.fencingToken,
          tick: baseline - 1,
          // Not the present: a tick may have come while ZooKeeper was asked.
          since: baseline,
        });
      const decide = (run: OpenRun): Fate => {
        if (successorIds.has(run.id)) {
          // The answer to this very change was lost, not the change.
          return { is: 'open' };
        }
        const fate =
          fates.get(run.id)?.fate ??
          fateOf(run, {
            options: this.options,
            now,
            isHeld: isOff || before.pause !== undefined,
            ownRuns: this.#ownRuns,
            successor: {
              token: term.fencingToken,
              instanceId: election.instanceId,
            },
          });
        fates.set(run.id, { run, fate });
        if (fate.is === 'replaced') {
          successorIds.add(fate.by.id);
          this.#ownRuns.set(fate.by.id, {
            is: 'claiming',
            formerTick: undefined,
          });
        }
        return fate;
      };
      return takenOver(before, term.fencingToken, decide, historySize);
    };
    this.#store.forget();
    const ledger = (await this.#asLeader(
      term,
      this.#store.change(change, this.#termEnd.signal),
    )) as LedgerDocument;
    this.#follow(ledger);
    this.term = term;
    this.hasHeldRuns = false;
    const isOpen = new Map(ledger.open.map((run) => [run.id, run]));
    const interrupted: InterruptedRun[] = [];
    const successors: OpenRun[] = [];
    for (const { run, fate } of fates.values()) {
      const by = fate.is === 'replaced' ? isOpen.get(fate.by.id) : undefined;
      if (by) {
        successors.push(by);
      }
      if (isOpen.has(run.id)) {
        this.hasHeldRuns ||= this.#ownRuns.get(run.id)?.is !== 'running';
      } else if (
        (fate.is === 'replaced' && fate.isInterrupted && by) ||
        (fate.is === 'over' && fate.end.outcome === 'interrupted')
      ) {
        interrupted.push({ run, willRerun: by !== undefined });
      }
    }
    for (const id of this.#ownRuns.keys()) {
      if (!isOpen.has(id)) {
        this.#ownRuns.delete(id);
      }
    }
    return { interrupted, successors };
  }

  /** A claimed run begins. */
  begin({ id }: OpenRun): void {
    this.#ownRuns.set(id, { is: 'running' });
  }

  /** Leaves a run open that does not go on here: the next leader finds it. */
  abandon(id: string): void {
    this.#ownRuns.delete(id);
  }

  /** Resolves to a run that begins, or to why there is none. Never claims twice. */
  async claim(
    term: LeadershipTerm,
    { tick, trigger, requestedBy, isForced }: Claim,
  ): Promise<OpenRun | ClaimRefusal | 'not-leading'> {
    const { task, election } = this.#owner;
    const open: OpenRun = {
      id: randomUUID(),
      tick,
      attempt: 1,
      instanceId: election.instanceId,
      token: term.fencingToken,
      startedAt: Date.now(),
      trigger,
      ...(requestedBy !== undefined && { requestedBy }),
    };
    let refusal: ClaimRefusal | undefined;
    let formerTick: number | undefined;
    const change = (
      known: LedgerDocument | undefined,
    ): LedgerDocument | undefined => {
      const before =
        known ??
        newLedger(task, {
          token: term.fencingToken,
          tick: tick - 1,
          since: tick - 1,
        });
      if (before.open.some(({ id }) => id === open.id)) {
        // The answer to the write was lost, not the write.
        return undefined;
      }
      this.#assertLeads(term);
      if (trigger === 'call' && this.isPaused && !before.pause) {
        this.#seen = before;
        throw new ResumedError('The task is not paused any more');
      }
      const next = claimed(before, open, isForced);
      if (typeof next === 'string') {
        refusal = next;
        return undefined;
      }
      formerTick = requestedBy === undefined ? before.tick : undefined;
      this.#ownRuns.set(open.id, { is: 'claiming', formerTick });
      return next;
    };
    let ledger: LedgerDocument | undefined;
    try {
      ledger = await this.#asLeader(
        term,
        this.#store.change(change, this.#termEnd.signal),
      );
    } catch (error) {
      if (isConnectionError(error)) {
        // The claim may stand, and the run has not begun.
        await this.#release(open, formerTick ?? tick);
      } else {
        this.#ownRuns.delete(open.id);
      }
      throw error;
    }
    this.#follow(ledger);
    if (!ledger?.open.some(({ id }) => id === open.id)) {
      this.#ownRuns.delete(open.id);
      return refusal ?? 'claimed';
    }
    if (await this.leadsForSure(term)) {
      this.begin(open);
      return open;
    }
    await this.#release(open, formerTick ?? tick);
    return 'not-leading';
  }

  /** Records the end of a run; one that cannot be recorded is remembered. */
  async finish(run: TaskRun, end: RunEnd): Promise<void> {
    const { runId } = run;
    if (run.term?.signal.aborted !== false) {
      this.#store.forget();
    }
    this.#ownRuns.set(runId, { is: 'ended', end });
    const ledger = await this.#store.change(
      (known) => known && finished(known, runId, end, this.options.historySize),
      this.#owner.host.closing,
    );
    this.#ownRuns.delete(runId);
    this.#follow(ledger ?? this.#seen);
  }

  /** Gives a claim back that leads to no run, where that is still possible. */
  async #release(open: OpenRun, formerTick: number): Promise<void> {
    this.#store.forget();
    let isGivenBack = false;
    try {
      const ledger = await this.#store.change(
        (known) => {
          const next = known && released(known, open.id, formerTick);
          isGivenBack = next !== undefined;
          return next;
        },
        // One attempt: the next leader does not wait for more.
        AbortSignal.abort(),
      );
      this.#follow(ledger);
      if (isGivenBack) {
        this.#ownRuns.delete(open.id);
      }
    } catch {
      // It may stand, or still come: `claiming` says that nothing has begun. It is
      // given back when the ledger is taken over: now, or in the next term.
      this.hasHeldRuns = true;
      this.#owner.look();
    }
  }

  /**
   * A leader that leads for sure and finds a greater token than its own is not
   * superseded: it would wait for its end, and no tick would ever be run.
   */
  async #asLeader<T>(term: LeadershipTerm, change: Promise<T>): Promise<T> {
    try {
      return await change;
    } catch (error) {
      if (
        error instanceof SupersededError &&
        (await this.leadsForSure(term)) &&
        // Somebody may have deleted our entry a moment ago.
        (await this.#owner.election.confirm()) &&
        (await this.leadsForSure(term))
      ) {
        const { fencingToken, election } = term;
        throw new LeaderTaskError(
          'LEDGER_CORRUPT',
          `${error.message}, though this instance leads the election ` +
            `"${election}", with the token ${fencingToken}. The task may have ` +
            'another election elsewhere, or its ledger comes from other servers. ' +
            `Look at the znode ${this.location}; when it is deleted, the task ` +
            'begins a new ledger and forgets the old runs.',
        );
      }
      throw error;
    }
  }

  #follow(ledger: LedgerDocument | undefined): void {
    this.#seen = ledger;
    if (this.isPaused) {
      this.#owner.host.pauses.follow(this.#owner);
    }
  }

  #assertLeads(term: LeadershipTerm): void {
    if (!this.leads(term)) {
      throw new SupersededError('This instance does not lead any more');
    }
  }
}
