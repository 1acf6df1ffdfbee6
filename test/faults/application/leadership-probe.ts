import type { LeaderElection, LeadershipTerm } from '../../../lib/index.js';

/** An election, or a partition with its owner. */
export type Watched = Pick<
  LeaderElection,
  'name' | 'isLeader' | 'leadership' | 'leadership$'
>;
import { now, tell } from './tell.js';

/** How much of what it has seen an instance that is killed may leave untold. */
const TELL_INTERVAL_MS = 50;
/** After a pause, what is seen is told at once. */
const PAUSE_MS = 25;

interface Reign {
  readonly term: LeadershipTerm;
  readonly number: number;
  untilMs: number;
  toldMs: number;
}

/**
 * Asks `isLeader()` again and again, and tells from when to when it was true for
 * certain: from after the first question to before the last one. A pause in
 * between cannot make it longer than it was.
 */
export class LeadershipProbe {
  readonly #election: Watched;
  #reign: Reign | undefined;
  #terms = 0;
  #lastMs = now();

  constructor(election: Watched) {
    this.#election = election;
  }

  sample(): void {
    const beforeMs = now();
    const isLeader = this.#election.isLeader();
    const { leadership } = this.#election;
    const afterMs = now();
    const isAfterPause = beforeMs - this.#lastMs > PAUSE_MS;
    this.#lastMs = beforeMs;
    if (!isLeader || leadership.role !== 'leader') {
      this.#end();
      return;
    }
    if (this.#reign?.term !== leadership.term) {
      this.#end();
      this.#terms += 1;
      this.#reign = {
        term: leadership.term,
        number: this.#terms,
        untilMs: afterMs,
        toldMs: afterMs,
      };
      tell('leads', {
        election: this.#election.name,
        term: this.#terms,
        fencingToken: leadership.term.fencingToken,
        fromMs: afterMs,
      });
      return;
    }
    this.#reign.untilMs = beforeMs;
    if (isAfterPause || beforeMs - this.#reign.toldMs > TELL_INTERVAL_MS) {
      this.#tell(false);
    }
  }

  #end(): void {
    if (this.#reign) {
      this.#tell(true);
      this.#reign = undefined;
    }
  }

  #tell(isOver: boolean): void {
    const reign = this.#reign;
    if (reign) {
      reign.toldMs = reign.untilMs;
      tell('led', {
        election: this.#election.name,
        term: reign.number,
        untilMs: reign.untilMs,
        isOver,
      });
    }
  }
}
