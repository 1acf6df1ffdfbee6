import type { Participant } from '../election/leadership.interface.js';

/** A term as it was seen from here. */
export interface SeenTerm {
  readonly instanceId: string;
  readonly fencingToken: number;
  /** By the leader's clock. */
  readonly since: Date;
  /** By this instance's clock; absent while it goes on. */
  readonly until?: Date;
}

/** Of each election. */
const MOST_TERMS = 200;
const MOST_ELECTIONS = 300;
/** The next leader may be seen before the former one is seen to have left. */
const JUST_NOW_MS = 10_000;

/**
 * The terms that this instance has seen since it was started: ZooKeeper keeps
 * the present leader only.
 */
export class TermHistory {
  readonly since = new Date();
  readonly #terms = new Map<string, SeenTerm[]>();

  /** The oldest first. */
  of(election: string): readonly SeenTerm[] {
    return this.#terms.get(election) ?? [];
  }

  /** Names of the elections that an instance leads, or led until just now. */
  ledBy(instanceId: string, nowMs = Date.now()): string[] {
    return [...this.#terms]
      .filter(([, terms]) =>
        terms.some(
          (term) =>
            term.instanceId === instanceId &&
            (!term.until || nowMs - term.until.getTime() < JUST_NOW_MS),
        ),
      )
      .map(([election]) => election);
  }

  /** Notes who leads now: a term that was noted before has ended if it differs. */
  note(election: string, leader: Participant | undefined): void {
    const terms = this.#terms.get(election) ?? [];
    const last = terms.at(-1);
    const since = leader?.leaderSince;
    const isSame =
      last !== undefined &&
      last.fencingToken === leader?.fencingToken &&
      last.since.getTime() === since?.getTime();
    if (isSame || (last === undefined && since === undefined)) {
      return;
    }
    if (last && !last.until) {
      const ended = Math.min(Date.now(), since?.getTime() ?? Infinity);
      const until = new Date(Math.max(ended, last.since.getTime()));
      terms[terms.length - 1] = { ...last, until };
    }
    if (leader && since) {
      const { instanceId, fencingToken } = leader;
      terms.push({ instanceId, fencingToken, since });
    }
    this.#keep(election, terms.slice(-MOST_TERMS));
  }

  #keep(election: string, terms: SeenTerm[]): void {
    this.#terms.delete(election);
    this.#terms.set(election, terms);
    const [oldest] = this.#terms.keys();
    if (this.#terms.size > MOST_ELECTIONS && oldest !== undefined) {
      this.#terms.delete(oldest);
    }
  }
}
