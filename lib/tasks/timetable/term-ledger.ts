import { randomUUID } from 'node:crypto';
import type { ManagedElection } from '../../election/leader-elections.js';
import type { LeadershipTerm } from '../../election/leadership.interface.js';
import { messageOf } from '../../message-of.js';
import { LeaderTaskError } from '../leader-task.error.js';
import {
  claimed,
  finished,
  newLedger,
  released,
  SupersededError,
  takenOver,
  type LedgerDocument,
  type OpenRun,
} from '../ledger/ledger-document.js';
import type { RunLedger } from '../ledger/run-ledger.js';
import type { ResolvedLedgerOptions } from '../task-options.js';
import type { RunOutcome, TaskRun } from '../task-run.js';

export interface TermLedgerSettings {
  readonly task: string;
  readonly election: ManagedElection;
  readonly ledger: RunLedger;
  readonly options: ResolvedLedgerOptions;
  /** Aborts when nothing is to be written any more. */
  readonly closing: AbortSignal;
}

/** A run that a new leader has found open. */
export interface InterruptedRun {
  readonly run: OpenRun;
  /** What is to be run in its place; undefined: nothing. */
  readonly successor: OpenRun | undefined;
}

/** What this instance, as the leader of a term, reads in a ledger and writes. */
export class TermLedger {
  readonly #settings: TermLedgerSettings;
  readonly #ledger: RunLedger;
  readonly #options: ResolvedLedgerOptions;
  /** Runs of this process whose end is not recorded yet, by their id. */
  readonly #alive = new Set<string>();
  /** Last tick that is decided, by the ledger. */
  #decided = -Infinity;
  #isStopped = false;

  constructor(settings: TermLedgerSettings) {
    this.#settings = settings;
    this.#ledger = settings.ledger;
    this.#options = settings.options;
  }

  get decided(): number {
    return this.#decided;
  }

  get location(): string {
    return this.#ledger.location;
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  stop(): void {
    this.#isStopped = true;
  }

  leads(term: LeadershipTerm): boolean {
    return !term.signal.aborted && !this.#isStopped;
  }

  /** {@link leads}, also by the clock, at this very moment. */
  async leadsForSure(term: LeadershipTerm): Promise<boolean> {
    return (await this.#settings.election.revalidate()) && this.leads(term);
  }

  isTooLate(tick: number): boolean {
    return Date.now() - tick > this.#options.maxLatenessMs;
  }

  /**
   * Begins a term: from here on, a late write of an earlier one fails.
   *
   * @param baseline last tick that is not to be run, if there is no ledger yet
   */
  async takeOver(
    term: LeadershipTerm,
    baseline: number,
  ): Promise<InterruptedRun[]> {
    const { task } = this.#settings;
    const interrupted = new Map<string, OpenRun>();
    const successors = new Map<string, OpenRun>();
    const isMine = ({ id }: OpenRun): boolean =>
      this.#alive.has(id) ||
      [...successors.values()].some((run) => run.id === id);
    const change = (known: LedgerDocument | undefined): LedgerDocument => {
      this.#assertLeads(term);
      for (const id of interrupted.keys()) {
        // Asked again: what counts is what the ledger says now.
        const successor = successors.get(id);
        if (!known?.open.some((run) => run.id === successor?.id)) {
          interrupted.delete(id);
        }
      }
      const before = known ?? newLedger(task, term.fencingToken, baseline);
      return takenOver(before, {
        token: term.fencingToken,
        historySize: this.#options.historySize,
        isAlive: isMine,
        successorOf: (run) => {
          interrupted.set(run.id, run);
          if (
            this.#options.interruptedRun === 'skip' ||
            this.isTooLate(run.tick)
          ) {
            return undefined;
          }
          const successor =
            successors.get(run.id) ??
            this.#open(term, run.tick, run.attempt + 1);
          successors.set(run.id, successor);
          return successor;
        },
      });
    };
    const ledger = await this.#asLeader(
      term,
      this.#ledger.changeAfresh(change, term.signal),
    );
    this.#follow(ledger);
    return [...interrupted.values()].map((run) => {
      const successor = successors.get(run.id);
      const isOpen = ledger?.open.some(({ id }) => id === successor?.id);
      if (successor && isOpen) {
        this.#alive.add(successor.id);
      }
      return { run, successor: isOpen ? successor : undefined };
    });
  }

  /** Leaves a run open that does not go on here: whoever leads next finds it. */
  abandon(id: string): void {
    this.#alive.delete(id);
  }

  /** Resolves to undefined if the tick is decided, or this instance leads no more. */
  async claim(
    term: LeadershipTerm,
    tick: number,
  ): Promise<OpenRun | undefined> {
    const { task } = this.#settings;
    const open = this.#open(term, tick, 1);
    let formerTick = tick;
    this.#alive.add(open.id);
    const change = (
      known: LedgerDocument | undefined,
    ): LedgerDocument | undefined => {
      const before = known ?? newLedger(task, term.fencingToken, tick - 1);
      if (before.open.some(({ id }) => id === open.id)) {
        // The reply of the write was lost, not the write.
        return undefined;
      }
      this.#assertLeads(term);
      formerTick = before.tick;
      return claimed(before, open);
    };
    try {
      const ledger = await this.#asLeader(
        term,
        this.#ledger.change(change, term.signal),
      );
      this.#follow(ledger);
      if (!ledger?.open.some(({ id }) => id === open.id)) {
        this.#alive.delete(open.id);
        return undefined;
      }
    } catch (error) {
      this.#alive.delete(open.id);
      throw error;
    }
    if (await this.leadsForSure(term)) {
      return open;
    }
    await this.#release(open, formerTick);
    return undefined;
  }

  /** Records the end of a run. */
  async record(
    id: string,
    run: TaskRun,
    outcome: RunOutcome,
    error: unknown,
  ): Promise<void> {
    const durationMs = Date.now() - run.startedAtMs;
    const change = (
      ledger: LedgerDocument | undefined,
    ): LedgerDocument | undefined => {
      const open = ledger?.open.find((each) => each.id === id);
      return (
        ledger &&
        open &&
        finished(
          ledger,
          {
            ...open,
            attempt: run.attempt,
            outcome,
            durationMs,
            ...(outcome !== 'finished' && { error: messageOf(error) }),
          },
          this.#options.historySize,
        )
      );
    };
    const { closing } = this.#settings;
    await (run.term?.signal.aborted === false
      ? this.#ledger.change(change, closing)
      : this.#ledger.changeAfresh(change, closing));
  }

  /** Gives a claim back that leads to no run, where that is still possible. */
  async #release(open: OpenRun, formerTick: number): Promise<void> {
    try {
      const ledger = await this.#ledger.changeAfresh(
        (known) => known && released(known, open, formerTick),
        // One attempt: whoever leads now finds the claim if it stays.
        AbortSignal.abort(),
      );
      this.#follow(ledger);
    } catch {
      // It stays, as an interrupted run.
    } finally {
      this.#alive.delete(open.id);
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
        // Our entry may have been deleted, and we not heard of it yet.
        (await this.#settings.election.confirm()) &&
        this.leads(term)
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

  #open(term: LeadershipTerm, tick: number, attempt: number): OpenRun {
    return {
      id: randomUUID(),
      tick,
      attempt,
      instanceId: this.#settings.election.instanceId,
      token: term.fencingToken,
      startedAt: Date.now(),
    };
  }

  #follow(ledger: LedgerDocument | undefined): void {
    this.#decided = ledger?.tick ?? -Infinity;
  }

  #assertLeads(term: LeadershipTerm): void {
    if (!this.leads(term)) {
      throw new SupersededError('This instance does not lead any more');
    }
  }
}
